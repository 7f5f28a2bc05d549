/* What a tool in C is made of: a constant that says what it is, and one function.
 *
 *     const gb_tool glovebox_tool = {
 *         .name = "word_count",
 *         .description = "Counts the words of a file.",
 *         .input_schema = "{\"type\":\"object\",\"properties\":{\"path\":{\"type\":\"string\"}},\"required\":[\"path\"]}",
 *         .mounts = (const gb_mount[]){{"/workspace", GB_READ}, {0}},
 *     };
 *
 *     gb_status glovebox_call(const gb_json *input, gb_answer *answer) {
 *         const char *path = gb_string(input, "path");
 *         if (!path) return gb_invalid(answer, "path: a string is required");
 *         ...
 *         gb_text(answer, "%zu words", words);
 *         return GB_OK;
 *     }
 *
 * Files are opened with stdio, relative to the session's working directory. Each call has an instance of its own, so
 * nothing has to be freed. When memory runs out the call ends.
 */
#ifndef GLOVEBOX_H
#define GLOVEBOX_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What running the tool may change. */
typedef enum { GB_NONE, GB_FILES, GB_EXTERNAL } gb_effects;
typedef enum { GB_READ, GB_WRITE } gb_access;
typedef struct {
    const char *path; /* "/workspace", ..., or "*" */
    gb_access access;
} gb_mount;

/* Narrower limits for each call; 0 leaves the sandbox's own. */
typedef struct {
    uint64_t memory_bytes, cpu_ms, wall_ms, output_bytes;
} gb_limits;

/* What the tool is and what it wishes for. Lists end with NULL; a list that is NULL is empty. */
typedef struct {
    const char *name;
    const char *description;
    const char *input_schema; /* a JSON object with "type": "object" */
    gb_effects effects;
    const char *const *hosts;    /* "api.example.com", "*.example.com", "*" */
    const gb_mount *mounts;      /* ends with {0} */
    const char *const *programs;
    const char *const *secrets;
    const char *const *settings;
    gb_limits limits;
} gb_tool;

typedef enum { GB_OK, GB_FAILED, GB_INVALID_INPUT } gb_status;
typedef struct gb_json gb_json;
typedef struct gb_answer gb_answer;

/* Yours to define. */
extern const gb_tool glovebox_tool;
gb_status glovebox_call(const gb_json *input, gb_answer *answer);

/* The input, and any other JSON. Text is UTF-8, ended by a zero. */
typedef enum { GB_NULL, GB_BOOL, GB_NUMBER, GB_STRING, GB_ARRAY, GB_OBJECT } gb_kind;
struct gb_json {
    gb_kind kind;
    const char *name; /* as a member of an object */
    bool boolean;
    double number;
    const char *string;
    size_t length; /* bytes of the string, or members */
    const gb_json *members;
};
/* NULL when it is not JSON. */
const gb_json *gb_parse(const char *text, size_t length);
/* The member of that name, or NULL; the same for an input that is NULL or no object. */
const gb_json *gb_get(const gb_json *object, const char *name);
/* The member if it is a string, otherwise NULL. */
const char *gb_string(const gb_json *object, const char *name);
double gb_number(const gb_json *object, const char *name, double otherwise);
bool gb_boolean(const gb_json *object, const char *name, bool otherwise);

/* Text that grows. Begin with {0}. */
typedef struct {
    char *bytes; /* ended by a zero once something was added */
    size_t length, capacity;
} gb_buffer;
void gb_add(gb_buffer *buffer, const void *bytes, size_t length);
void gb_addf(gb_buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));
void gb_vaddf(gb_buffer *buffer, const char *format, va_list arguments);
/* As a JSON string, with its quotation marks. */
void gb_add_json_string(gb_buffer *buffer, const char *text, size_t length);

/* The answer: any number of these, in order. */
void gb_text(gb_answer *answer, const char *format, ...) __attribute__((format(printf, 2, 3)));
void gb_text_bytes(gb_answer *answer, const char *text, size_t length);
void gb_json_bytes(gb_answer *answer, const char *json, size_t length);
void gb_image(gb_answer *answer, const char *media_type, const void *data, size_t length);
void gb_document(gb_answer *answer, const char *media_type, const void *data, size_t length);
/* Return these: the model reads the message, so say what would help. */
gb_status gb_failed(gb_answer *answer, const char *format, ...) __attribute__((format(printf, 2, 3)));
gb_status gb_invalid(gb_answer *answer, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What a running call can say to its host and ask of it. A negative fraction means that it is unknown. */
typedef enum { GB_DEBUG, GB_INFO, GB_WARN, GB_ERROR } gb_level;
void gb_progress(const char *message, double fraction);
void gb_log(gb_level level, const char *message);
bool gb_cancelled(void);
void gb_deadline(uint64_t milliseconds, const char *message);
/* A stand-in for the secret, for the value of a header, or NULL when it was not granted. */
const char *gb_secret(const char *name);
/* JSON, or NULL. */
const char *gb_setting(const char *name);

/* One HTTP request. `headers` is name, value, name, value, ..., NULL, or NULL. Redirects are not followed. */
typedef struct {
    int status;          /* 0: there is no answer, and `body` says why */
    const char *body;    /* ended by a zero */
    size_t length;
    size_t header_count; /* names in lower case */
    const char *const *headers;
} gb_response;
gb_response gb_fetch(const char *method, const char *url, const char *const *headers, const void *body, size_t length);

/* malloc that ends the call instead of returning NULL. */
void *gb_allocate(size_t bytes);

#endif
