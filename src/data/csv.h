/* csv.h: how a table is read, between the files that do it: csv.c goes through the rows,
 * csv_fields.c makes numbers, labels and words of their fields. */
#ifndef LANDER_DATA_CSV_H
#define LANDER_DATA_CSV_H

#include "columns.h"
#include "levels.h"
#include "words.h"

#include "../base/options.h"

enum { HEADER_AUTO, HEADER_TRUE, HEADER_FALSE };

typedef struct csv_options {
  levels levels;
  int classes, first, header, separator, decimal;
  bool read_y;
  lander_ints shape;
} csv_options;

typedef struct csv {
  lander_dataset base;
  real *part[2]; /* (count, numbers of a sample) */
  int64_t room;  /* samples that there is memory for */
} csv;

typedef struct csv_reading {
  csv *out;
  records *records;
  const csv_options *options;
  column_list columns;
  char decimal;   /* before a number's decimals */
  words *classes; /* of a column of words */
  bool by_words;  /* y is one */
  bool all_x;     /* nobody said which columns x are */
  bool given;     /* the classes are the caller's, in their order */
} csv_reading;

/* Whether the record is a header: so none of its fields is a number, unless options say.
 */
bool csv_is_header(const csv_reading *r);
/* Whether y is one column of words: so the record, the first sample's, has one there. */
bool csv_has_words(const csv_reading *r);
/* One field of the record into the next sample. fails: format, data (name the place),
 * memory. */
lander_status csv_read_field(const csv_reading *r, int64_t column, lander_error *error);
/* At the end the words become classes in the order of the alphabet, with their names.
 * fails: memory. */
lander_status csv_name_classes(const csv_reading *r, lander_error *error);

#endif
