/* Between glovebox.h and the generated bindings of the contract. What is handed to the host is always a copy of our
 * own, since the bindings free it once the host has it. */
#include "glovebox.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bindings.h"

typedef exports_glovebox_tool_tool_content_t content;

struct gb_answer {
    gb_buffer contents; /* of `content` */
    bindings_string_t message;
};

/* The length of the character at `at`, or 0 when it is not UTF-8. */
static size_t character(const unsigned char *at, size_t left) {
    if (at[0] < 0x80) return 1;
    size_t length = at[0] >= 0xc2 && at[0] < 0xe0 ? 2 : (at[0] & 0xf0) == 0xe0 ? 3 : at[0] >= 0xf0 && at[0] < 0xf5 ? 4 : 0;
    if (!length || left < length) return 0;
    for (size_t i = 1; i < length; i++)
        if ((at[i] & 0xc0) != 0x80) return 0;
    /* Too long a form, a surrogate, or beyond Unicode. */
    if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) || (at[0] == 0xf0 && at[1] < 0x90) ||
        (at[0] == 0xf4 && at[1] > 0x8f))
        return 0;
    return length;
}

/* A copy in which what is not UTF-8 is replaced: the host ends a call that hands it anything else. */
static bindings_string_t copied(const char *text, size_t length) {
    gb_buffer whole = {0};
    const unsigned char *bytes = (const unsigned char *)text;
    size_t clean = 0, at = 0;
    gb_add(&whole, "", 0);
    while (at < length) {
        size_t step = character(bytes + at, length - at);
        if (step) {
            at += step;
            continue;
        }
        gb_add(&whole, text + clean, at - clean);
        gb_add(&whole, "\xef\xbf\xbd", 3);
        clean = ++at;
    }
    gb_add(&whole, text + clean, at - clean);
    return (bindings_string_t){(uint8_t *)whole.bytes, whole.length};
}

static bindings_string_t copied_text(const char *text) { return copied(text, strlen(text)); }

static void append(gb_answer *answer, content block) { gb_add(&answer->contents, &block, sizeof block); }

void gb_text_bytes(gb_answer *answer, const char *text, size_t length) {
    content block = {.tag = GLOVEBOX_TOOL_TYPES_CONTENT_TEXT};
    block.val.text = copied(text, length);
    append(answer, block);
}

void gb_text(gb_answer *answer, const char *format, ...) {
    gb_buffer text = {0};
    va_list arguments;
    va_start(arguments, format);
    gb_vaddf(&text, format, arguments);
    va_end(arguments);
    gb_text_bytes(answer, text.bytes, text.length);
}

void gb_json_bytes(gb_answer *answer, const char *json, size_t length) {
    content block = {.tag = GLOVEBOX_TOOL_TYPES_CONTENT_JSON};
    block.val.json = copied(json, length);
    append(answer, block);
}

static glovebox_tool_types_blob_t blob(const char *media_type, const void *data, size_t length) {
    glovebox_tool_types_blob_t blob = {copied_text(media_type), {gb_allocate(length), length}};
    if (length) memcpy(blob.data.ptr, data, length);
    return blob;
}

void gb_image(gb_answer *answer, const char *media_type, const void *data, size_t length) {
    content block = {.tag = GLOVEBOX_TOOL_TYPES_CONTENT_IMAGE};
    block.val.image = blob(media_type, data, length);
    append(answer, block);
}

void gb_document(gb_answer *answer, const char *media_type, const void *data, size_t length) {
    content block = {.tag = GLOVEBOX_TOOL_TYPES_CONTENT_DOCUMENT};
    block.val.document = blob(media_type, data, length);
    append(answer, block);
}

gb_status gb_failed(gb_answer *answer, const char *format, ...) {
    gb_buffer text = {0};
    va_list arguments;
    va_start(arguments, format);
    gb_vaddf(&text, format, arguments);
    va_end(arguments);
    /* What went wrong stands alone; a half answer before it would mislead. */
    answer->contents = (gb_buffer){0};
    gb_text_bytes(answer, text.bytes, text.length);
    return GB_FAILED;
}

gb_status gb_invalid(gb_answer *answer, const char *format, ...) {
    gb_buffer text = {0};
    va_list arguments;
    va_start(arguments, format);
    gb_vaddf(&text, format, arguments);
    va_end(arguments);
    answer->message = copied(text.bytes, text.length);
    return GB_INVALID_INPUT;
}

/* The host's view of a text that stays ours. */
static bindings_string_t lent(const char *text) { return (bindings_string_t){(uint8_t *)(uintptr_t)text, strlen(text)}; }

/* A text of the host's, ended by a zero. */
static const char *kept(const bindings_string_t *text) {
    gb_buffer copy = {0};
    gb_add(&copy, text->ptr, text->len);
    return copy.bytes;
}

void gb_progress(const char *message, double fraction) {
    bindings_string_t text = lent(message);
    glovebox_tool_context_progress(&text, fraction < 0 ? NULL : &fraction);
}

void gb_log(gb_level level, const char *message) {
    bindings_string_t text = lent(message);
    glovebox_tool_context_log((glovebox_tool_context_level_t)level, &text);
}

bool gb_cancelled(void) { return glovebox_tool_context_cancelled(); }

void gb_deadline(uint64_t milliseconds, const char *message) {
    bindings_string_t text = lent(message);
    glovebox_tool_context_deadline(milliseconds, &text);
}

const char *gb_secret(const char *name) {
    bindings_string_t text = lent(name), value;
    return glovebox_tool_context_secret(&text, &value) ? kept(&value) : NULL;
}

const char *gb_setting(const char *name) {
    bindings_string_t text = lent(name), value;
    return glovebox_tool_context_setting(&text, &value) ? kept(&value) : NULL;
}

static bindings_list_string_t names(const char *const *list) {
    gb_buffer all = {0};
    size_t count = 0;
    for (; list && list[count]; count++) {
        bindings_string_t name = copied_text(list[count]);
        gb_add(&all, &name, sizeof name);
    }
    return (bindings_list_string_t){(bindings_string_t *)(void *)all.bytes, count};
}

static bindings_option_u64_t limit(uint64_t value) { return (bindings_option_u64_t){value != 0, value}; }

void exports_glovebox_tool_tool_describe(exports_glovebox_tool_tool_description_t *said) {
    const gb_tool *tool = &glovebox_tool;
    gb_buffer mounts = {0};
    size_t count = 0;
    for (; tool->mounts && tool->mounts[count].path; count++) {
        glovebox_tool_types_mount_t mount = {copied_text(tool->mounts[count].path),
                                             (glovebox_tool_types_access_t)tool->mounts[count].access};
        gb_add(&mounts, &mount, sizeof mount);
    }
    said->name = copied_text(tool->name);
    said->text = copied_text(tool->description);
    said->input_schema = copied_text(tool->input_schema);
    said->effects = (glovebox_tool_types_effects_t)tool->effects;
    said->wishes.hosts = names(tool->hosts);
    said->wishes.mounts = (glovebox_tool_types_list_mount_t){(glovebox_tool_types_mount_t *)(void *)mounts.bytes, count};
    said->wishes.programs = names(tool->programs);
    said->wishes.secrets = names(tool->secrets);
    said->wishes.settings = names(tool->settings);
    said->wishes.limits = (glovebox_tool_types_limits_t){limit(tool->limits.memory_bytes), limit(tool->limits.cpu_ms),
                                                         limit(tool->limits.wall_ms), limit(tool->limits.output_bytes)};
}

bool exports_glovebox_tool_tool_call(bindings_string_t *input, exports_glovebox_tool_tool_list_content_t *contents,
                                     exports_glovebox_tool_tool_failure_t *failure) {
    gb_answer answer = {0};
    gb_status status;
    const gb_json *json = gb_parse((const char *)input->ptr, input->len);
    if (!json || json->kind != GB_OBJECT) {
        status = gb_invalid(&answer, "the input is not a JSON object");
    } else {
        /* WASI knows no working directory; the host says where the session stands. */
        const char *directory = getenv("PWD");
        if (directory) (void)chdir(directory);
        status = glovebox_call(json, &answer);
    }
    size_t count = answer.contents.length / sizeof(content);
    content *blocks = (content *)(void *)answer.contents.bytes;
    if (status == GB_OK) {
        *contents = (exports_glovebox_tool_tool_list_content_t){blocks, count};
        return true;
    }
    if (status == GB_INVALID_INPUT) {
        failure->tag = GLOVEBOX_TOOL_TYPES_FAILURE_INVALID_INPUT;
        failure->val.invalid_input = answer.message;
    } else {
        failure->tag = GLOVEBOX_TOOL_TYPES_FAILURE_FAILED;
        failure->val.failed = (glovebox_tool_types_list_content_t){blocks, count};
    }
    return false;
}
