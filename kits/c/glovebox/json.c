/* JSON: reading, and text that grows. */
#include "glovebox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Deeper nesting is no input of a tool, and the parser calls itself. */
#define DEPTH_MAX 128

typedef struct {
    const char *at, *end;
    int depth;
} reader;

void *gb_allocate(size_t bytes) {
    void *memory = malloc(bytes ? bytes : 1);
    if (!memory) abort();
    return memory;
}

void gb_add(gb_buffer *buffer, const void *bytes, size_t length) {
    if (length >= SIZE_MAX / 4 - buffer->length) abort();
    if (buffer->length + length + 1 > buffer->capacity) {
        buffer->capacity = (buffer->length + length + 1) * 2;
        buffer->bytes = realloc(buffer->bytes, buffer->capacity);
        if (!buffer->bytes) abort();
    }
    if (length) memcpy(buffer->bytes + buffer->length, bytes, length);
    buffer->length += length;
    buffer->bytes[buffer->length] = 0;
}

void gb_vaddf(gb_buffer *buffer, const char *format, va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (length < 0) abort();
    char *text = gb_allocate((size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, arguments);
    gb_add(buffer, text, (size_t)length);
    free(text);
}

void gb_addf(gb_buffer *buffer, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    gb_vaddf(buffer, format, arguments);
    va_end(arguments);
}

void gb_add_json_string(gb_buffer *buffer, const char *text, size_t length) {
    gb_add(buffer, "\"", 1);
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte == '"' || byte == '\\') gb_addf(buffer, "\\%c", byte);
        else if (byte == '\n') gb_add(buffer, "\\n", 2);
        else if (byte == '\t') gb_add(buffer, "\\t", 2);
        else if (byte < 0x20) gb_addf(buffer, "\\u%04x", byte);
        else gb_add(buffer, text + i, 1);
    }
    gb_add(buffer, "\"", 1);
}

static void skip_space(reader *in) {
    while (in->at < in->end && strchr(" \t\r\n", *in->at) && *in->at) in->at++;
}

static bool take(reader *in, const char *word) {
    size_t length = strlen(word);
    if ((size_t)(in->end - in->at) < length || memcmp(in->at, word, length)) return false;
    in->at += length;
    return true;
}

static bool read_hex(reader *in, uint32_t *code) {
    *code = 0;
    if (in->end - in->at < 4) return false;
    for (int i = 0; i < 4; i++, in->at++) {
        char letter = *in->at | 0x20;
        int digit = letter >= '0' && letter <= '9' ? letter - '0' : letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
        if (digit < 0) return false;
        *code = *code * 16 + (uint32_t)digit;
    }
    return true;
}

static bool read_escape(reader *in, gb_buffer *text) {
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    if (in->at >= in->end) return false;
    char kind = *in->at++;
    const char *name = kind ? strchr(names, kind) : NULL;
    if (name) {
        gb_add(text, &values[name - names], 1);
        return true;
    }
    uint32_t code, low;
    if (kind != 'u' || !read_hex(in, &code)) return false;
    if (code >= 0xd800 && code < 0xdc00) {
        if (!take(in, "\\u") || !read_hex(in, &low) || low < 0xdc00 || low > 0xdfff) return false;
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    } else if (code >= 0xdc00 && code < 0xe000) {
        return false;
    }
    char utf8[4];
    size_t length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char first[] = {0, 0x00, 0xc0, 0xe0, 0xf0};
    for (size_t i = length; i-- > 1; code >>= 6) utf8[i] = (char)(0x80 | (code & 0x3f));
    utf8[0] = (char)(first[length] | code);
    gb_add(text, utf8, length);
    return true;
}

static bool read_string(reader *in, const char **string, size_t *length) {
    gb_buffer text = {0};
    gb_add(&text, "", 0);
    while (in->at < in->end) {
        char byte = *in->at++;
        if (byte == '"') {
            *string = text.bytes;
            *length = text.length;
            return true;
        }
        if (byte == '\\') {
            if (!read_escape(in, &text)) return false;
        } else if ((unsigned char)byte < 0x20) {
            return false;
        } else {
            gb_add(&text, &byte, 1);
        }
    }
    return false;
}

static bool read_value(reader *in, gb_json *value);

static bool read_members(reader *in, gb_json *value, char close) {
    gb_buffer members = {0};
    skip_space(in);
    if (in->at < in->end && *in->at == close) {
        in->at++;
        return true;
    }
    for (;;) {
        gb_json member = {0};
        skip_space(in);
        if (value->kind == GB_OBJECT) {
            size_t length;
            if (!take(in, "\"") || !read_string(in, &member.name, &length)) return false;
            skip_space(in);
            if (!take(in, ":")) return false;
        }
        if (!read_value(in, &member)) return false;
        gb_add(&members, &member, sizeof member);
        value->length++;
        value->members = (const gb_json *)(const void *)members.bytes;
        skip_space(in);
        if (in->at >= in->end) return false;
        char next = *in->at++;
        if (next == close) return true;
        if (next != ',') return false;
    }
}

static bool read_number(reader *in, gb_json *value) {
    char text[64];
    size_t length = 0;
    while (in->at + length < in->end && in->at[length] && strchr("+-.0123456789eE", in->at[length])) length++;
    if (!length || length >= sizeof text) return false;
    memcpy(text, in->at, length);
    text[length] = 0;
    char *end;
    value->kind = GB_NUMBER;
    value->number = strtod(text, &end);
    in->at += length;
    return !*end;
}

static bool read_value(reader *in, gb_json *value) {
    skip_space(in);
    if (in->at >= in->end) return false;
    if (take(in, "null")) return true;
    if (take(in, "true") || take(in, "false")) {
        value->kind = GB_BOOL;
        value->boolean = in->at[-2] == 'u';
        return true;
    }
    if (take(in, "\"")) {
        value->kind = GB_STRING;
        return read_string(in, &value->string, &value->length);
    }
    bool object = *in->at == '{';
    if (!object && *in->at != '[') return read_number(in, value);
    if (++in->depth > DEPTH_MAX) return false;
    in->at++;
    value->kind = object ? GB_OBJECT : GB_ARRAY;
    bool whole = read_members(in, value, object ? '}' : ']');
    in->depth--;
    return whole;
}

const gb_json *gb_parse(const char *text, size_t length) {
    reader in = {text, text + length, 0};
    gb_json *value = gb_allocate(sizeof *value);
    memset(value, 0, sizeof *value);
    if (!read_value(&in, value)) return NULL;
    skip_space(&in);
    return in.at == in.end ? value : NULL;
}

const gb_json *gb_get(const gb_json *object, const char *name) {
    if (!object || object->kind != GB_OBJECT) return NULL;
    for (size_t i = 0; i < object->length; i++)
        if (!strcmp(object->members[i].name, name)) return &object->members[i];
    return NULL;
}

const char *gb_string(const gb_json *object, const char *name) {
    const gb_json *member = gb_get(object, name);
    return member && member->kind == GB_STRING ? member->string : NULL;
}

double gb_number(const gb_json *object, const char *name, double otherwise) {
    const gb_json *member = gb_get(object, name);
    return member && member->kind == GB_NUMBER ? member->number : otherwise;
}

bool gb_boolean(const gb_json *object, const char *name, bool otherwise) {
    const gb_json *member = gb_get(object, name);
    return member && member->kind == GB_BOOL ? member->boolean : otherwise;
}
