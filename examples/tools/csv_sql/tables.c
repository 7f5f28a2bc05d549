#include "tables.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "csv.h"

/* A larger file and its table would not fit in the sandbox's memory. */
#define FILE_BYTES_MAX (64u << 20)
#define COLUMNS_MAX 1000

typedef enum { UNKNOWN, WHOLE, REAL, TEXT } column_kind;

static char *read_file(const char *path, size_t *length, gb_status *status, gb_answer *answer) {
    FILE *file = fopen(path, "rb");
    if (!file) {
        *status = gb_failed(answer, "%s: %s", path, strerror(errno));
        return NULL;
    }
    gb_buffer all = {0};
    static char chunk[1 << 16];
    gb_add(&all, "", 0);
    for (size_t count; (count = fread(chunk, 1, sizeof chunk, file)) > 0;) {
        gb_add(&all, chunk, count);
        if (all.length > FILE_BYTES_MAX) {
            *status = gb_failed(answer, "%s: is larger than %u MiB", path, FILE_BYTES_MAX >> 20);
            return NULL;
        }
    }
    if (ferror(file)) {
        *status = gb_failed(answer, "%s: %s", path, strerror(errno));
        return NULL;
    }
    fclose(file);
    *length = all.length;
    return all.bytes;
}

/* What SQL can use as a name without quotation marks. */
static char *plain_name(const char *text, size_t length, const char *otherwise) {
    gb_buffer name = {0};
    gb_add(&name, "", 0);
    while (length && isspace((unsigned char)*text)) text++, length--;
    while (length && isspace((unsigned char)text[length - 1])) length--;
    if (length && isdigit((unsigned char)*text)) gb_add(&name, "_", 1);
    for (size_t i = 0; i < length; i++) {
        char letter = text[i];
        bool fits = isalnum((unsigned char)letter) || (unsigned char)letter >= 0x80;
        gb_add(&name, fits ? &letter : "_", 1);
    }
    return name.length ? name.bytes : (char *)(uintptr_t)otherwise;
}

static column_kind kind_of(const char *text) {
    const char *at = text + (*text == '-' || *text == '+');
    /* A number with a leading zero is a code: a postal code, a telephone number. */
    if (at[0] == '0' && isdigit((unsigned char)at[1])) return TEXT;
    size_t digits = strspn(at, "0123456789");
    if (digits && !at[digits]) return digits < 19 ? WHOLE : REAL;
    char *end;
    strtod(text, &end);
    bool number = end != text && !*end && strspn(at, "0123456789.eE+-") == strlen(at);
    return number ? REAL : TEXT;
}

static bool same(const char *left, const char *right) { return sqlite3_stricmp(left, right) == 0; }

/* The header as names that differ. */
static char **column_names(csv_reader *reader, size_t count) {
    char **names = gb_allocate(count * sizeof *names);
    for (size_t i = 0; i < count; i++) {
        gb_buffer name = {0};
        char number[32];
        snprintf(number, sizeof number, "column_%zu", i + 1);
        const char *plain = plain_name(reader->fields[i], strlen(reader->fields[i]), "");
        gb_addf(&name, "%s", *plain ? plain : number);
        for (size_t j = 0, again = 2; j < i; j++) {
            if (!same(names[j], name.bytes)) continue;
            name.length = 0;
            gb_addf(&name, "%s_%zu", *plain ? plain : number, again++);
            j = (size_t)-1;
        }
        names[i] = name.bytes;
    }
    return names;
}

static gb_status insert_rows(sqlite3 *database, const char *table, size_t columns, const column_kind *kinds,
                             csv_reader *reader, const char *path, gb_answer *answer) {
    gb_buffer sql = {0};
    gb_addf(&sql, "INSERT INTO \"%s\" VALUES (", table);
    for (size_t i = 0; i < columns; i++) gb_addf(&sql, i ? ",?" : "?");
    gb_addf(&sql, ")");
    sqlite3_stmt *insert;
    if (sqlite3_prepare_v2(database, sql.bytes, -1, &insert, NULL))
        return gb_failed(answer, "%s: %s", path, sqlite3_errmsg(database));
    sqlite3_exec(database, "BEGIN", NULL, NULL, NULL);
    for (size_t row = 0; csv_row(reader); row++) {
        if (row % 10000 == 9999 && gb_cancelled()) return gb_failed(answer, "cancelled while reading %s", path);
        for (size_t i = 0; i < columns; i++) {
            const char *field = i < reader->count ? reader->fields[i] : "";
            int place = (int)i + 1;
            /* An empty field is no value. */
            if (!*field) sqlite3_bind_null(insert, place);
            else if (kinds[i] == WHOLE) sqlite3_bind_int64(insert, place, strtoll(field, NULL, 10));
            else if (kinds[i] == REAL) sqlite3_bind_double(insert, place, strtod(field, NULL));
            else sqlite3_bind_text(insert, place, field, -1, SQLITE_TRANSIENT);
        }
        if (sqlite3_step(insert) != SQLITE_DONE) return gb_failed(answer, "%s: %s", path, sqlite3_errmsg(database));
        sqlite3_reset(insert);
    }
    sqlite3_finalize(insert);
    sqlite3_exec(database, "COMMIT", NULL, NULL, NULL);
    return GB_OK;
}

gb_status load_table(sqlite3 *database, const char *path, gb_buffer *schema, gb_answer *answer) {
    gb_status status = GB_OK;
    size_t length = 0;
    char *text = read_file(path, &length, &status, answer);
    if (!text) return status;
    char *original = gb_allocate(length + 1);
    memcpy(original, text, length + 1);

    csv_reader reader = csv_begin(text, length);
    if (!csv_row(&reader)) return gb_failed(answer, "%s: is empty; a header line is needed", path);
    size_t columns = reader.count;
    if (columns > COLUMNS_MAX) return gb_failed(answer, "%s: has more than %d columns", path, COLUMNS_MAX);
    char **names = column_names(&reader, columns);
    column_kind *kinds = gb_allocate(columns * sizeof *kinds);
    for (size_t i = 0; i < columns; i++) kinds[i] = UNKNOWN;
    while (csv_row(&reader))
        for (size_t i = 0; i < columns && i < reader.count; i++) {
            column_kind kind = *reader.fields[i] ? kind_of(reader.fields[i]) : UNKNOWN;
            if (kind > kinds[i]) kinds[i] = kind;
        }

    const char *slash = strrchr(path, '/'), *stem = slash ? slash + 1 : path;
    const char *dot = strrchr(stem, '.');
    char *table = plain_name(stem, dot && dot != stem ? (size_t)(dot - stem) : strlen(stem), "data");
    static const char *const kind_names[] = {"TEXT", "INTEGER", "REAL", "TEXT"};
    gb_buffer sql = {0};
    gb_addf(&sql, "CREATE TABLE \"%s\" (", table);
    gb_addf(schema, "%s%s(", schema->length ? "; " : "", table);
    for (size_t i = 0; i < columns; i++) {
        gb_addf(&sql, "%s\"%s\" %s", i ? ", " : "", names[i], kind_names[kinds[i]]);
        gb_addf(schema, "%s%s %s", i ? ", " : "", names[i], kind_names[kinds[i]]);
    }
    gb_addf(&sql, ")");
    gb_addf(schema, ")");
    if (sqlite3_exec(database, sql.bytes, NULL, NULL, NULL))
        return gb_failed(answer, "%s: cannot be a table: %s", path, sqlite3_errmsg(database));

    csv_reader again = csv_begin(original, length);
    csv_row(&again);
    return insert_rows(database, table, columns, kinds, &again, path, answer);
}
