/* records.h: a text file of fields, record by record: CSV as RFC 4180 has it, and what is
 * seen besides.
 *
 *  1. A record ends with a line: \n, \r\n or \r, or the end of the file. Empty lines are
 *     passed over, a byte-order mark at the beginning too. What begins as a spreadsheet
 * or as UTF-16 is refused by that name.
 *  2. Fields stand between separators. Spaces around a field don't belong to it. Where
 * the separator is a space, any number of spaces and tabs is one.
 *  3. A field in "quotes" may hold separators, lines and, doubled, quotes.
 *  4. There are no zero bytes. A field has at most 1 MiB, a record 128 MiB and 4194304
 * fields. */
#ifndef LANDER_DATA_RECORDS_H
#define LANDER_DATA_RECORDS_H

#include "bytes.h"

typedef struct records records;

/* A plain or gzipped file; `path` outlives it. owns: the caller (records_close).
 * fails: io, memory. */
records *records_open(lander_engine *engine, const char *path, char separator,
                      lander_error *error);
void records_close(records *r);

/* Goes to the next record; *there is false at the end. fails: io, format (names line and
 * column), memory. */
lander_status records_next(records *r, bool *there, lander_error *error);

const char *records_path(const records *r);
int64_t records_line(const records *r); /* where the record begins, from 1 */

/* The record's fields, and one of them, which ends with a zero byte. */
int64_t records_fields(const records *r);
const char *records_field(const records *r, int64_t index, size_t *length);

/* The record is a header: its fields are what the columns are called from now on. Once.
 * fails: memory. */
lander_status records_name(records *r, lander_error *error);
/* What a column is called; NULL: it has no name. */
const char *records_column(const records *r, int64_t index);

/* A field as a message can show it, whatever bytes it has: its first letters, in UTF-8.
 */
#define RECORDS_LETTERS 24
#define RECORDS_SHOWN   (4 * RECORDS_LETTERS + 4)
const char *records_show(char out[RECORDS_SHOWN], const char *field, size_t length);

/* Ends with an error about a field: "path: line 3, column 2 (age): " and the text. */
lander_status records_fail(const records *r, lander_status code, int64_t index,
                           lander_error *error, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

#endif
