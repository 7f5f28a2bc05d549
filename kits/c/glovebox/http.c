/* One HTTP request, over glovebox:fetch: see wit/fetch/fetch.wit for the form. */
#include "glovebox.h"

#include <string.h>

#include "bindings.h"

static void add_number(gb_buffer *buffer, size_t number) {
    uint8_t bytes[4];
    for (int i = 0; i < 4; i++) bytes[i] = (uint8_t)(number >> (8 * i));
    gb_add(buffer, bytes, 4);
}

static void add_field(gb_buffer *buffer, const void *bytes, size_t length) {
    add_number(buffer, length);
    gb_add(buffer, bytes, length);
}

static void add_text(gb_buffer *buffer, const char *text) { add_field(buffer, text, strlen(text)); }

static char *taken(uint32_t length) {
    gb_buffer all = {0};
    gb_add(&all, "", 0);
    for (uint32_t at = 0; at < length; at += 8) {
        uint64_t word = glovebox_fetch_fetch_take(at);
        uint8_t bytes[8];
        for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)(word >> (8 * i));
        gb_add(&all, bytes, length - at < 8 ? length - at : 8);
    }
    return all.bytes;
}

typedef struct {
    const uint8_t *at;
    size_t left;
} reader;

static size_t number(reader *in) {
    if (in->left < 4) {
        in->left = 0;
        return 0;
    }
    size_t number = in->at[0] | (size_t)in->at[1] << 8 | (size_t)in->at[2] << 16 | (size_t)in->at[3] << 24;
    in->at += 4;
    in->left -= 4;
    return number;
}

static const char *field(reader *in, size_t *length) {
    size_t size = number(in);
    if (size > in->left) size = in->left;
    gb_buffer text = {0};
    gb_add(&text, in->at, size);
    in->at += size;
    in->left -= size;
    if (length) *length = size;
    return text.bytes;
}

gb_response gb_fetch(const char *method, const char *url, const char *const *headers, const void *body, size_t length) {
    gb_buffer request = {0}, names = {0};
    size_t count = 0;
    while (headers && headers[2 * count] && headers[2 * count + 1]) count++;
    add_text(&request, method);
    add_text(&request, url);
    add_number(&request, count);
    for (size_t i = 0; i < 2 * count; i++) add_text(&request, headers[i]);
    add_field(&request, body, length);

    bindings_list_u8_t bytes = {(uint8_t *)request.bytes, request.length};
    uint64_t outcome = glovebox_fetch_fetch_request(&bytes, -1);
    gb_response response = {0};
    response.length = (uint32_t)outcome;
    response.body = taken((uint32_t)outcome);
    if (outcome >> 32) return response;

    reader in = {(const uint8_t *)response.body, response.length};
    response.status = (int)number(&in);
    size_t found = number(&in);
    for (size_t i = 0; i < 2 * found && in.left; i++) {
        const char *text = field(&in, NULL);
        gb_add(&names, &text, sizeof text);
    }
    response.header_count = names.length / (2 * sizeof(char *));
    response.headers = (const char *const *)(void *)names.bytes;
    response.body = field(&in, &response.length);
    return response;
}
