/* A tool: a constant that says what it is, and one function. See vendor/glovebox/glovebox.h for what else there is. */
#include "glovebox.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

const gb_tool glovebox_tool = {
    .name = "{{name}}",
    .description = "Counts the lines, words and bytes of a text file, and finds its longest line.",
    .input_schema =
        "{\"type\":\"object\",\"properties\":{"
        "\"path\":{\"type\":\"string\",\"description\":\"Path of a text file in the workspace.\"}"
        "},\"required\":[\"path\"],\"additionalProperties\":false}",
    .effects = GB_NONE,
    .mounts = (const gb_mount[]){{"/workspace", GB_READ}, {0}},
    .limits = {.wall_ms = 10000},
};

gb_status glovebox_call(const gb_json *input, gb_answer *answer) {
    const char *path = gb_string(input, "path");
    if (!path) return gb_invalid(answer, "path: a string is required");
    FILE *file = fopen(path, "rb");
    if (!file) return gb_failed(answer, "%s: %s", path, strerror(errno));

    size_t lines = 0, words = 0, bytes = 0, line = 0, longest = 0;
    int inside_word = 0;
    for (int byte; (byte = getc(file)) != EOF; bytes++) {
        if (byte == '\n') {
            lines++;
            line = 0;
        } else if (++line > longest) {
            longest = line;
        }
        if (isspace(byte)) {
            inside_word = 0;
        } else if (!inside_word) {
            inside_word = 1;
            words++;
        }
    }
    if (ferror(file)) return gb_failed(answer, "%s: cannot be read", path);
    gb_text(answer, "%zu lines, %zu words, %zu bytes; the longest line has %zu bytes", lines, words, bytes, longest);
    return GB_OK;
}
