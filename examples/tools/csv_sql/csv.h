/* CSV as spreadsheets write it: quoted fields, doubled quotes, line breaks inside of quotes, any line ending. */
#ifndef CSV_H
#define CSV_H

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    char *text; /* changed while it is read */
    size_t length, at;
    char delimiter;
    char **fields;
    size_t count, capacity;
} csv_reader;

/* Begins to read `text`, which is ended by a zero. The delimiter is the one that the first line has most of. */
csv_reader csv_begin(char *text, size_t length);
/* Reads a row into `fields`; false at the end. Empty lines are passed over. */
bool csv_row(csv_reader *reader);

#endif
