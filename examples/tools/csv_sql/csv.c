#include "csv.h"

#include <stdlib.h>
#include <string.h>

csv_reader csv_begin(char *text, size_t length) {
    csv_reader reader = {.text = text, .length = length, .delimiter = ','};
    if (length >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) reader.at = 3;
    size_t most = 0;
    for (const char *candidate = ",;\t|"; *candidate; candidate++) {
        size_t found = 0;
        bool quoted = false;
        for (size_t i = reader.at; i < length && (quoted || (text[i] != '\n' && text[i] != '\r')); i++) {
            if (text[i] == '"') quoted = !quoted;
            found += !quoted && text[i] == *candidate;
        }
        if (found > most) {
            most = found;
            reader.delimiter = *candidate;
        }
    }
    return reader;
}

static void keep(csv_reader *reader, char *field) {
    if (reader->count == reader->capacity) {
        reader->capacity = reader->capacity ? reader->capacity * 2 : 32;
        reader->fields = realloc(reader->fields, reader->capacity * sizeof *reader->fields);
        if (!reader->fields) abort();
    }
    reader->fields[reader->count++] = field;
}

/* Reads one field in place and returns what ended it: the delimiter, '\n', or 0 at the end of the text. */
static char read_field(csv_reader *reader) {
    char *text = reader->text;
    size_t at = reader->at, end = at;
    char *field = text + at;
    if (at < reader->length && text[at] == '"') {
        for (at++; at < reader->length; at++) {
            if (text[at] == '"') {
                if (at + 1 >= reader->length || text[at + 1] != '"') {
                    at++;
                    break;
                }
                at++;
            }
            text[end++] = text[at];
        }
    }
    while (at < reader->length && text[at] != reader->delimiter && text[at] != '\n' && text[at] != '\r')
        text[end++] = text[at++];
    char ended = at < reader->length ? text[at] : 0;
    if (ended == '\r') {
        if (at + 1 < reader->length && text[at + 1] == '\n') at++;
        ended = '\n';
    }
    reader->at = at < reader->length ? at + 1 : at;
    text[end] = 0;
    keep(reader, field);
    return ended;
}

bool csv_row(csv_reader *reader) {
    for (;;) {
        reader->count = 0;
        if (reader->at >= reader->length) return false;
        while (read_field(reader) == reader->delimiter) {
        }
        if (reader->count > 1 || reader->fields[0][0]) return true;
    }
}
