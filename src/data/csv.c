/* csv.c: a table of numbers in a text file as a dataset. */
#include "columns.h"
#include "levels.h"
#include "words.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "../base/options.h"
#include "../tensor/tensor.h"
#include <limits.h>
#include <math.h>
#include <string.h>

/* ---- Options ------------------------------------------------------------------------
 */

enum { HEADER_AUTO, HEADER_TRUE, HEADER_FALSE };
static const char *const header_words[] = {"auto", "true", "false", NULL};
static const char *const separator_words[] = {",", ";", "tab", "space", "|", NULL};
static const char separators[] = {',', ';', '\t', ' ', '|'};

typedef struct csv_options {
  levels levels;
  int classes, first, header, separator;
  bool read_y;
  lander_ints shape;
} csv_options;

static const lander_option options[] = {
    OPTION_INT(csv_options, classes, "0", 0, INT_MAX, 0,
               "how many classes the labels in y choose from; 0: y holds numbers"),
    OPTION_INT(csv_options, first, "0", INT_MIN / 2, INT_MAX / 2, 0,
               "the label that the first class has in the file"),
    OPTION_CHOICE(csv_options, header, "auto", header_words,
                  "whether the first line has the columns' names; auto: if none of its "
                  "fields is a number"),
    OPTION_CHOICE(
        csv_options, separator, ",", separator_words,
        "what stands between fields; space: spaces and tabs, any number of them"),
    OPTION_BOOL(csv_options, read_y, "true",
                "false: what stands in y is not looked at (rows to predict), y is nan"),
    OPTION_INTS(csv_options, shape, "", 1, INT_MAX, 0,
                "sizes of a sample's x; by itself a row of numbers"),
    LEVELS_OPTIONS(csv_options, "1"),
    OPTION_END};

/* ---- The dataset ---------------------------------------------------------------------
 */

typedef struct csv {
  lander_dataset base;
  real *part[2]; /* (count, numbers of a sample) */
  int64_t room;  /* samples that there is memory for */
} csv;

static lander_status read_sample(const lander_dataset *d, int64_t position, real *x,
                                 real *y, lander_error *error) {
  (void)error; /* memory can't fail */
  real *out[2] = {x, y};
  for (int i = 0; i < 2; i++) {
    int64_t numbers = d->shape[i].numbers;
    memcpy(out[i], ((const csv *)d)->part[i] + position * numbers,
           (size_t)numbers * sizeof(real));
  }
  return LANDER_OK;
}

static void release(lander_dataset *d) {
  for (int i = 0; i < 2; i++) memory_free(d->engine, ((csv *)d)->part[i]);
  memory_free(d->engine, d->black);
}

static lander_status set_room(csv *self, int64_t room, lander_error *error) {
  for (int i = 0; i < 2; i++) {
    size_t bytes = (size_t)self->base.shape[i].numbers * sizeof(real);
    real *part =
        memory_resize(self->base.engine, self->part[i], (size_t)room, bytes, error);
    if (!part) return LANDER_ERROR_MEMORY;
    self->part[i] = part;
  }
  self->room = room;
  return LANDER_OK;
}

/* ---- Numbers --------------------------------------------------------------------------
 */

/* Plain decimals of up to 15 digits: the digits are a whole number that a double holds,
 * and so is the power of ten, so the quotient is the nearest double (Clinger, "How to
 * read floating point numbers accurately", PLDI 1990). That is most of what tables hold;
 * false for the rest. */
static bool read_short_number(const char *word, size_t length, double *value) {
  static const double tens[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
  size_t at = length > 0 && word[0] == '-' ? 1 : 0, point = length, first = at;
  int64_t number = 0;
  if (length - at > 16 || length == at) return false;
  for (; at < length; at++) {
    if (word[at] == '.' && point == length)
      point = at;
    else if (word[at] >= '0' && word[at] <= '9')
      number = number * 10 + (word[at] - '0');
    else
      return false;
  }
  size_t digits = length - first - (point < length ? 1 : 0);
  if (digits == 0 || digits > 15) return false;
  double magnitude = (double)number / tens[point < length ? length - point - 1 : 0];
  *value = first > 0 ? -magnitude : magnitude;
  return true;
}

static bool read_number(const char *word, size_t length, double *value) {
  return read_short_number(word, length, value) || text_read_number(word, length, value);
}

/* ---- Reading --------------------------------------------------------------------------
 */

typedef struct reading {
  csv *out;
  records *records;
  const csv_options *options;
  column_list columns;
  words *classes; /* of a column of words */
  bool by_words;  /* y is one */
  bool all_x;     /* nobody said which columns x are */
  bool given;     /* the classes are the caller's, in their order */
} reading;

#define SHOWN 24 /* letters of a field in a message */

/* A field as a message can show it, whatever bytes it has. */
static const char *show(char out[SHOWN + 4], const char *field, size_t length) {
  size_t shown = length < SHOWN ? length : SHOWN;
  for (size_t i = 0; i < shown; i++)
    out[i] = field[i] >= ' ' && field[i] < 127 ? field[i] : '?';
  strcpy(out + shown, length > SHOWN ? "..." : "");
  return out;
}

static lander_status field_number(const reading *r, int64_t column, double *value,
                                  lander_error *error) {
  char shown[SHOWN + 4];
  size_t length;
  const char *field = records_field(r->records, column, &length);
  if (length == 0)
    return records_fail(
        r->records, LANDER_ERROR_FORMAT, column, error,
        "the field is empty, expected a number (nan where none is known)");
  if (!read_number(field, length, value))
    return records_fail(r->records, LANDER_ERROR_FORMAT, column, error,
                        "'%s' is no number%s%s", show(shown, field, length),
                        r->out->base.count == 0 && r->options->header == HEADER_FALSE
                            ? "; if it is a header, say header=true"
                        : r->columns.at[column].use == COLUMN_Y && r->options->classes > 0
                            ? " (leave out classes for labels that are words)"
                            : "",
                        memchr(field, ',', length) ? "; numbers are written with a point"
                        : r->columns.at[column].use == COLUMN_X && r->all_x
                            ? "; where columns hold something else, x names those to use"
                            : "");
  if (isfinite(*value) && !isfinite((real)*value))
    return records_fail(r->records, LANDER_ERROR_FORMAT, column, error,
                        "'%s' is too large", show(shown, field, length));
  return LANDER_OK;
}

static lander_status read_label(const reading *r, int64_t column, double value, real *out,
                                lander_error *error) {
  char shown[SHOWN + 4];
  size_t length;
  const char *field = records_field(r->records, column, &length);
  double first = r->options->first, last = first + r->options->classes - 1;
  *out = (real)(value - first + 1);
  if (value >= first && value <= last && value == floor(value)) return LANDER_OK;
  return records_fail(r->records, LANDER_ERROR_DATA, column, error,
                      "the label is %s, expected a whole number from %.0f to %.0f "
                      "(classes=%d first=%d)",
                      show(shown, field, length), first, last, r->options->classes,
                      r->options->first);
}

/* A label that is a word: its class is where it stands among the words. */
static lander_status read_word(const reading *r, int64_t column, real *out,
                               lander_error *error) {
  char shown[SHOWN + 4];
  size_t length;
  double number;
  lander_error cause;
  const char *field = records_field(r->records, column, &length);
  int k = words_find(r->classes, field);
  *out = (real)(k + 1);
  if (k >= 0) return LANDER_OK;
  if (r->given)
    return records_fail(r->records, LANDER_ERROR_DATA, column, error,
                        "'%s' is none of the %d classes", show(shown, field, length),
                        r->classes->count);
  if (length == 0)
    return records_fail(r->records, LANDER_ERROR_FORMAT, column, error,
                        "the field is empty, expected a word, as in the first sample");
  if (read_number(field, length, &number))
    return records_fail(r->records, LANDER_ERROR_FORMAT, column, error,
                        "'%s' is a number, but the first sample has a word there%s",
                        show(shown, field, length),
                        r->out->base.count == 1 && r->options->header != HEADER_TRUE
                            ? "; if that line is a header, say header=true"
                            : "");
  *out = (real)(r->classes->count + 1);
  lander_status status = words_add(r->classes, field, &cause);
  if (status == LANDER_OK) return status;
  return records_fail(r->records, status, column, error, "%s", cause.message);
}

static lander_status read_field(const reading *r, int64_t column, lander_error *error) {
  const struct column *c = &r->columns.at[column];
  csv *self = r->out;
  double value;
  if (c->use == COLUMN_UNUSED || (c->use == COLUMN_Y && !r->options->read_y))
    return LANDER_OK;
  int which = c->use == COLUMN_X ? DATASET_X : DATASET_Y;
  int64_t numbers = self->base.shape[which].numbers;
  real *out = self->part[which] + self->base.count * numbers + c->place;
  if (which == DATASET_Y && r->by_words) return read_word(r, column, out, error);
  lander_status status = field_number(r, column, &value, error);
  if (status != LANDER_OK) return status;
  if (which == DATASET_Y && self->base.classes > 0)
    return read_label(r, column, value, out, error);
  if (which == DATASET_X) {
    int64_t channels = levels_channels(&self->base.shape[DATASET_X]);
    value = levels_value(&r->options->levels, c->place / (numbers / channels), value);
  }
  *out = (real)value;
  return LANDER_OK;
}

/* The target of the next sample, where there is none to read. */
static void forget_y(const reading *r) {
  int64_t numbers = r->out->base.shape[DATASET_Y].numbers;
  real *y = r->out->part[DATASET_Y] + r->out->base.count * numbers;
  if (r->columns.used[1] > 0 && r->options->read_y) return;
  for (int64_t i = 0; i < numbers; i++) y[i] = (real)NAN;
}

static lander_status read_row(const reading *r, lander_error *error) {
  csv *self = r->out;
  if (records_fields(r->records) != r->columns.count)
    return records_fail(r->records, LANDER_ERROR_FORMAT, records_fields(r->records) - 1,
                        error, "the line ends after %lld fields, expected %lld",
                        (long long)records_fields(r->records),
                        (long long)r->columns.count);
  lander_status status = LANDER_OK;
  if (self->base.count == self->room)
    status = set_room(self, self->room > 0 ? 2 * self->room : 16, error);
  if (status == LANDER_OK) forget_y(r);
  for (int64_t i = 0; i < r->columns.count && status == LANDER_OK; i++)
    status = read_field(r, i, error);
  if (status == LANDER_OK) self->base.count++;
  return status;
}

/* Whether the record is a header: none of its fields is a number. */
static bool is_header(const reading *r) {
  if (r->options->header != HEADER_AUTO) return r->options->header == HEADER_TRUE;
  for (int64_t i = 0; i < records_fields(r->records); i++) {
    size_t length;
    double value;
    const char *field = records_field(r->records, i, &length);
    if (read_number(field, length, &value)) return false;
  }
  return true;
}

/* ---- Shapes ---------------------------------------------------------------------------
 */

static lander_status set_x_shape(const reading *r, lander_error *error) {
  const lander_ints *given = &r->options->shape;
  lander_dataset *d = &r->out->base;
  int64_t size[LANDER_LIST_MAX] = {r->columns.used[0]};
  char shown[SHAPE_TEXT];
  if (given->count == 0) return dataset_set_shape(d, DATASET_X, 1, size, error);
  for (int i = 0; i < given->count; i++) size[i] = given->at[i];
  lander_status status = dataset_set_shape(d, DATASET_X, given->count, size, error);
  if (status == LANDER_OK && d->shape[DATASET_X].numbers != r->columns.used[0])
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "%s: the shape %s has %lld numbers, but x has %lld columns",
                     records_path(r->records), shape_text(shown, given->count, size),
                     (long long)d->shape[DATASET_X].numbers,
                     (long long)r->columns.used[0]);
  return status;
}

/* One column of y is a number, several are a row of them; where nothing is read from it,
 * there are no labels. */
static lander_status set_y_shape(const reading *r, lander_error *error) {
  const int64_t columns = r->columns.used[1];
  if ((columns == 0 || !r->options->read_y) && (r->given || r->options->classes > 0))
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "%s: %s is for labels, and none are read", records_path(r->records),
                     r->given ? "class_names" : "classes");
  if (columns > 1 && (r->given || r->options->classes > 0))
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "%s: y has %lld columns, but labels (%s) are one",
                     records_path(r->records), (long long)columns,
                     r->given ? "class_names" : "classes");
  return dataset_set_shape(&r->out->base, DATASET_Y, columns > 1, &columns, error);
}

static lander_status set_shapes(const reading *r, lander_error *error) {
  lander_status status = set_x_shape(r, error);
  if (status == LANDER_OK) status = set_y_shape(r, error);
  if (status == LANDER_OK)
    status = levels_check(&r->options->levels,
                          levels_channels(&r->out->base.shape[DATASET_X]), "csv", error);
  if (status == LANDER_OK)
    status = levels_set_black(&r->options->levels, &r->out->base, error);
  return status;
}

/* ---- The whole ------------------------------------------------------------------------
 */

/* Whether y is one column of words: so the first sample has one there. */
static bool has_words(const reading *r) {
  size_t length;
  double value;
  if (r->given || r->columns.used[1] != 1 || r->options->classes > 0) return r->given;
  if (!r->options->read_y) return false;
  if (records_fields(r->records) != r->columns.count) return false;
  for (int64_t i = 0; i < r->columns.count; i++) {
    const char *field = records_field(r->records, i, &length);
    if (r->columns.at[i].use == COLUMN_Y)
      return length > 0 && !read_number(field, length, &value);
  }
  return false;
}

/* The words become classes in the order of the alphabet, with their names. */
static lander_status name_classes(const reading *r, lander_error *error) {
  csv *self = r->out;
  words *w = r->classes;
  lander_status status = LANDER_ERROR_MEMORY;
  if (!r->given) words_sort(w);
  const char **names = memory_new(w->engine, (size_t)w->count, sizeof *names, error);
  int *place = memory_new(w->engine, (size_t)w->count, sizeof *place, error);
  if (names && place) {
    for (int k = 0; k < w->count; k++) {
      names[k] = w->at[k].text;
      place[w->at[k].number] = k;
    }
    for (int64_t i = 0; i < self->base.count; i++) {
      real *label = &self->part[DATASET_Y][i];
      *label = (real)(place[(int)*label - 1] + 1);
    }
    self->base.classes = w->count;
    status = lander_dataset_name_classes(&self->base, names, w->count, error);
  }
  memory_free(w->engine, names);
  memory_free(w->engine, place);
  return status;
}

/* What the header calls the columns of x, in the order of x. */
static lander_status keep_columns(reading *r, lander_error *error) {
  lander_dataset *d = &r->out->base;
  const column_list *c = &r->columns;
  d->columns = memory_new(d->engine, (size_t)c->used[0], sizeof *d->columns, error);
  if (!d->columns) return LANDER_ERROR_MEMORY;
  for (int64_t i = 0; i < c->count; i++) {
    size_t length;
    if (c->at[i].use != COLUMN_X) continue;
    const char *name = records_field(r->records, i, &length);
    d->columns[c->at[i].place] = memory_copy_text(d->engine, name, error);
    if (!d->columns[c->at[i].place]) return LANDER_ERROR_MEMORY;
  }
  return LANDER_OK;
}

static lander_status read_rows(reading *r, bool header, lander_error *error) {
  bool there = true;
  lander_status status = set_shapes(r, error);
  if (status == LANDER_OK && header) status = keep_columns(r, error);
  if (status == LANDER_OK && header) status = records_next(r->records, &there, error);
  if (status == LANDER_OK && there) r->by_words = has_words(r);
  while (status == LANDER_OK && there) {
    status = read_row(r, error);
    if (status == LANDER_OK) status = records_next(r->records, &there, error);
  }
  if (status == LANDER_OK && r->out->base.count == 0)
    return error_set(error, LANDER_ERROR_FORMAT, "%s: it has no samples, only a header",
                     records_path(r->records));
  if (status == LANDER_OK && r->by_words) status = name_classes(r, error);
  return status == LANDER_OK ? set_room(r->out, r->out->base.count, error) : status;
}

static lander_status read_table(reading *r, const char *x, const char *y,
                                lander_error *error) {
  bool there;
  lander_status status = records_next(r->records, &there, error);
  if (status == LANDER_OK && !there)
    return error_set(error, LANDER_ERROR_FORMAT, "%s: it is empty",
                     records_path(r->records));
  if (status != LANDER_OK) return status;
  bool header = is_header(r);
  lander_engine *engine = r->out->base.engine;
  r->all_x = !x;
  status = columns_read(&r->columns, engine, x, y, r->records, header, error);
  if (status != LANDER_OK) return status;
  status = read_rows(r, header, error);
  columns_free(&r->columns);
  return status;
}

static lander_status take_names(reading *r, const char *const *names, int count,
                                lander_error *error) {
  lander_status status = LANDER_OK;
  r->given = names != NULL;
  if (r->given && count < 1)
    return error_set(error, LANDER_ERROR_ARGUMENT, "csv: there are no class_names");
  for (int k = 0; k < count && status == LANDER_OK; k++) {
    if (words_find(r->classes, names[k]) >= 0)
      return error_set(error, LANDER_ERROR_ARGUMENT, "csv: class_names has '%s' twice",
                       names[k]);
    status = words_add(r->classes, names[k], error);
  }
  return status;
}

static lander_status read_file(reading *r, const char *path, const char *x, const char *y,
                               lander_error *error) {
  lander_engine *engine = r->out->base.engine;
  r->records = records_open(engine, path, separators[r->options->separator], error);
  lander_status status = r->records ? read_table(r, x, y, error) : LANDER_ERROR_IO;
  records_close(r->records);
  return status;
}

lander_dataset *lander_data_csv_named(lander_engine *engine, const char *path,
                                      const char *x, const char *y,
                                      const char *const *class_names, int count,
                                      const char *given, lander_error *error) {
  static const dataset_type type = {read_sample, release};
  csv_options chosen;
  error_clear(error);
  if (options_read(options, given, "csv", &chosen, error) != LANDER_OK) return NULL;
  csv *self = dataset_new(engine, &type, sizeof *self, error);
  if (!self) return NULL;
  self->base.classes = chosen.classes;
  words classes = {.engine = engine};
  reading r = {.out = self, .options = &chosen, .classes = &classes};
  lander_status status = take_names(&r, class_names, count, error);
  if (status == LANDER_OK) status = read_file(&r, path, x, y, error);
  words_free(&classes);
  if (status == LANDER_OK) return &self->base;
  lander_dataset_free(&self->base);
  return NULL;
}

lander_dataset *lander_data_csv(lander_engine *engine, const char *path, const char *x,
                                const char *y, const char *given, lander_error *error) {
  return lander_data_csv_named(engine, path, x, y, NULL, 0, given, error);
}
