/* csv_sql: asks CSV files with SQL. Each file is a table of a database in memory; the files are only read. */
#include <stdio.h>
#include <string.h>

#include "glovebox.h"
#include "sqlite3.h"
#include "tables.h"

#define ROWS_DEFAULT 200
#define ROWS_MAX 5000
/* Virtual machine instructions of SQLite between two looks at whether the call is still wanted. */
#define INSTRUCTIONS 1000000

const gb_tool glovebox_tool = {
    .name = "csv_sql",
    .description =
        "Asks CSV files in the workspace with one SQL query (SQLite's dialect) and returns the rows.\n\n"
        "Each file is a table, called like the file without its ending: data/sales-2024.csv is sales_2024. The first line "
        "names the columns; letters and digits stay, anything else becomes an underscore. Columns of whole numbers are "
        "INTEGER, of other numbers REAL, all others TEXT; an empty field is NULL. Comma, semicolon, tab and | are recognised "
        "as separators. Without a query the tables are described. The files are never changed.",
    .input_schema =
        "{\"type\":\"object\",\"properties\":{"
        "\"files\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"minItems\":1,\"maxItems\":20,"
        "\"description\":\"Paths of the CSV files.\"},"
        "\"sql\":{\"type\":\"string\",\"description\":\"One query, for example: SELECT region, sum(amount) FROM sales GROUP BY "
        "region. Without it the tables and their columns are shown.\"},"
        "\"format\":{\"type\":\"string\",\"enum\":[\"markdown\",\"json\"],\"description\":\"Default: markdown.\"},"
        "\"rows_max\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":5000,\"description\":\"How many rows to show. Default: "
        "200.\"}"
        "},\"required\":[\"files\"],\"additionalProperties\":false}",
    .effects = GB_NONE,
    .mounts = (const gb_mount[]){{"/workspace", GB_READ}, {0}},
    .limits = {.wall_ms = 60000},
};

static int is_cancelled(void *nothing) {
    (void)nothing;
    return gb_cancelled();
}

/* A cell of a Markdown table. */
static void add_cell(gb_buffer *out, sqlite3_stmt *query, int column) {
    if (sqlite3_column_type(query, column) == SQLITE_BLOB) {
        gb_addf(out, "(%d bytes)", sqlite3_column_bytes(query, column));
        return;
    }
    const char *text = (const char *)sqlite3_column_text(query, column);
    for (; text && *text; text++) {
        if (*text == '|') gb_add(out, "\\|", 2);
        else if (*text == '\n') gb_add(out, "<br>", 4);
        else if (*text != '\r') gb_add(out, text, 1);
    }
}

static void add_value(gb_buffer *out, sqlite3_stmt *query, int column) {
    int kind = sqlite3_column_type(query, column);
    const char *text = (const char *)sqlite3_column_text(query, column);
    if (kind == SQLITE_NULL || !text) gb_addf(out, "null");
    /* Infinity is no number in JSON. */
    else if (kind == SQLITE_INTEGER || (kind == SQLITE_FLOAT && !strpbrk(text, "nN"))) gb_addf(out, "%s", text);
    else gb_add_json_string(out, text, strlen(text));
}

static void add_row(gb_buffer *out, sqlite3_stmt *query, bool json, size_t row) {
    int columns = sqlite3_column_count(query);
    if (json) gb_addf(out, row ? ",\n{" : "{");
    for (int i = 0; i < columns; i++) {
        const char *name = sqlite3_column_name(query, i);
        if (json) {
            if (i) gb_addf(out, ",");
            gb_add_json_string(out, name, strlen(name));
            gb_addf(out, ":");
            add_value(out, query, i);
        } else {
            gb_addf(out, i ? " | " : "| ");
            add_cell(out, query, i);
        }
    }
    gb_addf(out, json ? "}" : " |\n");
}

static void add_header(gb_buffer *out, sqlite3_stmt *query) {
    int columns = sqlite3_column_count(query);
    for (int i = 0; i < columns; i++) gb_addf(out, "%s%s", i ? " | " : "| ", sqlite3_column_name(query, i));
    gb_addf(out, " |\n|");
    for (int i = 0; i < columns; i++) gb_addf(out, " --- |");
    gb_addf(out, "\n");
}

static gb_status run(sqlite3 *database, const char *sql, bool json, size_t rows_max, const char *schema, gb_answer *answer) {
    sqlite3_stmt *query;
    const char *rest;
    if (sqlite3_prepare_v2(database, sql, -1, &query, &rest))
        return gb_failed(answer, "SQL: %s. The tables are %s", sqlite3_errmsg(database), schema);
    if (!query) return gb_invalid(answer, "sql: is empty");
    if (rest[strspn(rest, " \t\r\n;")]) return gb_invalid(answer, "sql: only one statement at a time");
    if (!sqlite3_column_count(query))
        return gb_failed(answer, "SQL: the statement returns no rows; the files cannot be changed. Use SELECT");

    gb_buffer out = {0};
    size_t rows = 0;
    int step;
    gb_addf(&out, "%s", json ? "[" : "");
    if (!json) add_header(&out, query);
    while ((step = sqlite3_step(query)) == SQLITE_ROW && rows < rows_max) add_row(&out, query, json, rows++);
    if (step == SQLITE_INTERRUPT) return gb_failed(answer, "SQL: the query was cancelled");
    if (step != SQLITE_ROW && step != SQLITE_DONE)
        return gb_failed(answer, "SQL: %s. The tables are %s", sqlite3_errmsg(database), schema);
    if (json) {
        gb_addf(&out, "]");
        gb_json_bytes(answer, out.bytes, out.length);
    } else {
        gb_addf(&out, "\n%zu %s", rows, rows == 1 ? "row" : "rows");
        gb_text_bytes(answer, out.bytes, out.length);
    }
    if (step == SQLITE_ROW)
        gb_text(answer, "These are only the first %zu rows: aggregate, filter, or raise rows_max.", rows);
    return GB_OK;
}

gb_status glovebox_call(const gb_json *input, gb_answer *answer) {
    const gb_json *files = gb_get(input, "files");
    const char *sql = gb_string(input, "sql"), *format = gb_string(input, "format");
    double rows_max = gb_number(input, "rows_max", ROWS_DEFAULT);
    if (!files || files->kind != GB_ARRAY || !files->length)
        return gb_invalid(answer, "files: an array of one or more paths is required");
    if (format && strcmp(format, "markdown") && strcmp(format, "json"))
        return gb_invalid(answer, "format: is markdown or json");
    if (rows_max < 1 || rows_max > ROWS_MAX) return gb_invalid(answer, "rows_max: is 1 to %d", ROWS_MAX);

    sqlite3 *database;
    if (sqlite3_initialize() || sqlite3_open(":memory:", &database)) return gb_failed(answer, "SQLite did not start");
    sqlite3_progress_handler(database, INSTRUCTIONS, is_cancelled, NULL);
    gb_buffer schema = {0};
    for (size_t i = 0; i < files->length; i++) {
        const gb_json *path = &files->members[i];
        if (path->kind != GB_STRING) return gb_invalid(answer, "files[%zu]: is not a string", i);
        char message[256];
        snprintf(message, sizeof message, "reading %.200s", path->string);
        gb_progress(message, (double)i / (double)files->length);
        gb_status status = load_table(database, path->string, &schema, answer);
        if (status != GB_OK) return status;
    }
    if (!sql) {
        gb_text(answer, "%s", schema.bytes);
        return GB_OK;
    }
    return run(database, sql, format && !strcmp(format, "json"), (size_t)rows_max, schema.bytes, answer);
}
