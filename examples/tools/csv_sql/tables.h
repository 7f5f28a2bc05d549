/* CSV files as tables. */
#ifndef TABLES_H
#define TABLES_H

#include "glovebox.h"
#include "sqlite3.h"

/* Makes a table of the file, called like it without its ending. Adds "name(columns)" to `schema`. */
gb_status load_table(sqlite3 *database, const char *path, gb_buffer *schema, gb_answer *answer);

#endif
