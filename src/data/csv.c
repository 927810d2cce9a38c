/* csv.c: a table of numbers in a text file as a dataset. */
#include "csv.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "../tensor/tensor.h"
#include <limits.h>
#include <math.h>
#include <string.h>

/* ---- Options ------------------------------------------------------------------------
 */

static const char *const header_words[] = {"auto", "true", "false", NULL};
static const char *const separator_words[] = {",", ";",         "tab", "space",
                                              "|", "semicolon", "bar", NULL};
static const char separators[] = {',', ';', '\t', ' ', '|', ';', '|'};
static const char *const decimal_words[] = {"point", "comma", NULL};
static const char decimals[] = {'.', ','};

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
    OPTION_CHOICE(csv_options, decimal, "point", decimal_words,
                  "what stands before a number's decimals: 1.5 or 1,5"),
    OPTION_BOOL(csv_options, read_y, "true",
                "false: what stands in y is not looked at (rows to predict), y is nan"),
    OPTION_INTS(csv_options, shape, "", 1, INT_MAX, 0,
                "sizes of a sample's x; by itself a row of numbers"),
    LEVELS_OPTIONS(csv_options, "1"),
    OPTION_END};

/* ---- The dataset ---------------------------------------------------------------------
 */

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

/* ---- Reading --------------------------------------------------------------------------
 */

/* The target of the next sample, where there is none to read. */
static void forget_y(const csv_reading *r) {
  int64_t numbers = r->out->base.shape[DATASET_Y].numbers;
  real *y = r->out->part[DATASET_Y] + r->out->base.count * numbers;
  if (r->columns.used[1] > 0 && r->options->read_y) return;
  for (int64_t i = 0; i < numbers; i++) y[i] = (real)NAN;
}

static lander_status read_row(const csv_reading *r, lander_error *error) {
  csv *self = r->out;
  if (records_fields(r->records) != r->columns.count)
    return records_fail(r->records, LANDER_ERROR_FORMAT, records_fields(r->records) - 1,
                        error, "the line ends after %lld fields, expected %lld%s",
                        (long long)records_fields(r->records),
                        (long long)r->columns.count,
                        records_fields(r->records) > r->columns.count
                            ? " (a field with a separator in it stands in quotes)"
                            : "");
  lander_status status = LANDER_OK;
  if (self->base.count == self->room)
    status = set_room(self, self->room > 0 ? 2 * self->room : 16, error);
  if (status == LANDER_OK) forget_y(r);
  for (int64_t i = 0; i < r->columns.count && status == LANDER_OK; i++)
    status = csv_read_field(r, i, error);
  if (status == LANDER_OK)
    status = places_add(self->base.places, records_line(r->records), NULL, error);
  if (status == LANDER_OK) self->base.count++;
  return status;
}

/* ---- Shapes ---------------------------------------------------------------------------
 */

static lander_status set_x_shape(const csv_reading *r, lander_error *error) {
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
static lander_status set_y_shape(const csv_reading *r, lander_error *error) {
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

static lander_status set_shapes(const csv_reading *r, lander_error *error) {
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

/* What the header calls the columns of x and y, in their order. */
static lander_status keep_columns(csv_reading *r, lander_error *error) {
  const column_list *c = &r->columns;
  lander_status status = LANDER_OK;
  for (int64_t i = 0; i < c->count && status == LANDER_OK; i++) {
    size_t length;
    const char *name = records_field(r->records, i, &length);
    if (c->at[i].use == COLUMN_UNUSED) continue;
    status = dataset_name_column(&r->out->base,
                                 c->at[i].use == COLUMN_X ? DATASET_X : DATASET_Y,
                                 c->at[i].place, name, error);
  }
  return status == LANDER_OK ? records_name(r->records, error) : status;
}

static lander_status read_rows(csv_reading *r, bool header, lander_error *error) {
  bool there = true;
  lander_status status = set_shapes(r, error);
  if (status == LANDER_OK && header) status = keep_columns(r, error);
  if (status == LANDER_OK && header) status = records_next(r->records, &there, error);
  if (status == LANDER_OK && there) r->by_words = csv_has_words(r);
  while (status == LANDER_OK && there) {
    status = read_row(r, error);
    if (status == LANDER_OK) status = records_next(r->records, &there, error);
  }
  if (status == LANDER_OK && r->out->base.count == 0)
    return error_set(error, LANDER_ERROR_FORMAT, "%s: it has no samples, only a header",
                     records_path(r->records));
  if (status == LANDER_OK && r->by_words) status = csv_name_classes(r, error);
  return status == LANDER_OK ? set_room(r->out, r->out->base.count, error) : status;
}

static lander_status read_table(csv_reading *r, const char *x, const char *y,
                                lander_error *error) {
  bool there;
  lander_status status = records_next(r->records, &there, error);
  if (status == LANDER_OK && !there)
    return error_set(error, LANDER_ERROR_FORMAT, "%s: it is empty",
                     records_path(r->records));
  if (status != LANDER_OK) return status;
  bool header = csv_is_header(r);
  lander_engine *engine = r->out->base.engine;
  r->all_x = !x;
  status = columns_read(&r->columns, engine, x, y, r->records, header, error);
  if (status != LANDER_OK) return status;
  status = read_rows(r, header, error);
  columns_free(&r->columns);
  return status;
}

static lander_status take_names(csv_reading *r, const char *const *names, int count,
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

static lander_status read_file(csv_reading *r, const char *path, const char *x,
                               const char *y, lander_error *error) {
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
  csv_reading r = {.out = self,
                   .options = &chosen,
                   .decimal = decimals[chosen.decimal],
                   .classes = &classes};
  lander_status status = take_names(&r, class_names, count, error);
  if (status == LANDER_OK) {
    self->base.places = places_new(engine, path, error);
    if (!self->base.places) status = LANDER_ERROR_MEMORY;
  }
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
