/* columns.h: which columns of a table are x and which are y.
 *
 * Columns are named in a text, one after the other with commas between them: by number,
 * from 1, or from -1 backwards; from one to another, "2:-1"; or by what the header says.
 */
#ifndef LANDER_DATA_COLUMNS_H
#define LANDER_DATA_COLUMNS_H

#include "records.h"

typedef enum column_use { COLUMN_UNUSED, COLUMN_X, COLUMN_Y } column_use;

typedef struct column_list {
  lander_engine *engine;
  int64_t count;   /* of the table */
  int64_t used[2]; /* of x, of y */
  struct column {
    column_use use;
    int64_t place; /* among those of its use */
  } * at;
} column_list;

/* Reads both texts; x NULL: every column that is not in y; y NULL: none. `from` is at the
 * table's first record, which is its header if `header` is true. On failure nothing is to
 * be freed. fails: argument (no such column, the same twice; begins with the file's
 * name), memory.
 */
lander_status columns_read(column_list *c, lander_engine *engine, const char *x,
                           const char *y, const records *from, bool header,
                           lander_error *error);
void columns_free(column_list *c);

#endif
