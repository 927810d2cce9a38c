/* csv_fields.c: the fields of a table: numbers, labels, words. */
#include "csv.h"
#include "numbers.h"

#include "../base/error.h"
#include "../base/memory.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- Numbers --------------------------------------------------------------------------
 */

#define ADVICE 600 /* bytes */

static bool read_number(const csv_reading *r, const char *word, size_t length,
                        double *value) {
  return numbers_read(word, length, r->decimal, value);
}

static number_like like(const csv_reading *r, const char *word, size_t length) {
  return numbers_like(word, length, r->decimal);
}

/* Whether a field was meant as a number, though it is none: no header, no word. */
static bool is_nearly_number(const csv_reading *r, const char *word, size_t length) {
  number_like l = like(r, word, length);
  return l == NUMBER_COMMA || l == NUMBER_THOUSANDS;
}

/* Advice where a column of x is text: which columns of this line are numbers. */
static const char *other_columns(char out[ADVICE], const csv_reading *r, number_like l) {
  int64_t count = 0;
  size_t used = 0;
  char shown[RECORDS_SHOWN];
  for (int64_t i = 0; i < r->columns.count && used < ADVICE - 3 * RECORDS_SHOWN; i++) {
    size_t length;
    double value;
    const char *field = records_field(r->records, i, &length);
    if (r->columns.at[i].use != COLUMN_X || !read_number(r, field, length, &value))
      continue;
    const char *name = records_column(r->records, i);
    const char *mark = count++ > 0 ? "+" : "; x=";
    used += (size_t)(name && *name && !strpbrk(name, "+,:=")
                         ? snprintf(out + used, ADVICE - used, "%s%s", mark,
                                    records_show(shown, name, strlen(name)))
                         : snprintf(out + used, ADVICE - used, "%s%lld", mark,
                                    (long long)i + 1));
  }
  if (count == 0) return numbers_advice(l, r->decimal);
  snprintf(out + used, ADVICE - used, " uses those that are numbers here%s",
           l == NUMBER_DATE ? numbers_advice(l, r->decimal)
                            : "; words become numbers as a column of 0 and 1 for each");
  return out;
}

/* What may help with a field that is no number. */
static const char *advice(char out[ADVICE], const csv_reading *r, int64_t column,
                          const char *field, size_t length) {
  const column_use use = r->columns.at[column].use;
  number_like l = like(r, field, length);
  if (r->out->base.count == 0 && r->options->header != HEADER_TRUE &&
      !records_column(r->records, 0) && l != NUMBER_COMMA && l != NUMBER_THOUSANDS)
    return "; if it is a header, say header=true";
  if (use == COLUMN_Y && r->options->classes > 0)
    return " (leave out classes for labels that are words)";
  if (use == COLUMN_X && r->all_x && (l == NUMBER_UNLIKE || l == NUMBER_DATE))
    return other_columns(out, r, l);
  return numbers_advice(l, r->decimal);
}

static lander_status field_number(const csv_reading *r, int64_t column, double *value,
                                  lander_error *error) {
  char shown[RECORDS_SHOWN], more[ADVICE];
  size_t length;
  const char *field = records_field(r->records, column, &length);
  if (length == 0)
    return records_fail(r->records, LANDER_ERROR_FORMAT, column, error,
                        "the field is empty, expected a number%s",
                        numbers_advice(NUMBER_MISSING, '.'));
  if (!read_number(r, field, length, value))
    return records_fail(r->records, LANDER_ERROR_FORMAT, column, error,
                        "'%s' is no number%s", records_show(shown, field, length),
                        advice(more, r, column, field, length));
  if (isfinite(*value) && !isfinite((real)*value))
    return records_fail(r->records, LANDER_ERROR_FORMAT, column, error,
                        "'%s' is too large", records_show(shown, field, length));
  return LANDER_OK;
}

static lander_status read_label(const csv_reading *r, int64_t column, double value,
                                real *out, lander_error *error) {
  char shown[RECORDS_SHOWN];
  size_t length;
  const char *field = records_field(r->records, column, &length);
  double first = r->options->first, last = first + r->options->classes - 1;
  *out = (real)(value - first + 1);
  if (value >= first && value <= last && value == floor(value)) return LANDER_OK;
  return records_fail(r->records, LANDER_ERROR_DATA, column, error,
                      "the label is %s, expected a whole number from %.0f to %.0f "
                      "(classes=%d first=%d)%s",
                      records_show(shown, field, length), first, last,
                      r->options->classes, r->options->first,
                      first == 0 && value == last + 1
                          ? "; labels that count from 1 are read with first=1"
                          : "");
}

/* A label that is a word: its class is where it stands among the words. */
static lander_status read_word(const csv_reading *r, int64_t column, real *out,
                               lander_error *error) {
  char shown[RECORDS_SHOWN];
  size_t length;
  double number;
  lander_error cause;
  const char *field = records_field(r->records, column, &length);
  int k = words_find(r->classes, field);
  *out = (real)(k + 1);
  if (k >= 0) return LANDER_OK;
  if (r->given)
    return records_fail(r->records, LANDER_ERROR_DATA, column, error,
                        "'%s' is none of the %d classes",
                        records_show(shown, field, length), r->classes->count);
  if (length == 0)
    return records_fail(r->records, LANDER_ERROR_FORMAT, column, error,
                        "the field is empty, expected a word, as in the first sample");
  if (read_number(r, field, length, &number))
    return records_fail(r->records, LANDER_ERROR_FORMAT, column, error,
                        "'%s' is a number, but the first sample has a word there%s",
                        records_show(shown, field, length),
                        r->out->base.count == 1 && !records_column(r->records, 0)
                            ? "; if that line is a header, say header=true"
                            : "");
  *out = (real)(r->classes->count + 1);
  lander_status status = words_add(r->classes, field, &cause);
  if (status == LANDER_OK) return status;
  return records_fail(r->records, status, column, error, "%s", cause.message);
}

lander_status csv_read_field(const csv_reading *r, int64_t column, lander_error *error) {
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

bool csv_is_header(const csv_reading *r) {
  if (r->options->header != HEADER_AUTO) return r->options->header == HEADER_TRUE;
  for (int64_t i = 0; i < records_fields(r->records); i++) {
    size_t length;
    double value;
    const char *field = records_field(r->records, i, &length);
    if (read_number(r, field, length, &value) || is_nearly_number(r, field, length))
      return false;
  }
  return true;
}

bool csv_has_words(const csv_reading *r) {
  size_t length;
  double value;
  if (r->given || r->columns.used[1] != 1 || r->options->classes > 0) return r->given;
  if (!r->options->read_y) return false;
  if (records_fields(r->records) != r->columns.count) return false;
  for (int64_t i = 0; i < r->columns.count; i++) {
    const char *field = records_field(r->records, i, &length);
    if (r->columns.at[i].use == COLUMN_Y)
      return length > 0 && !read_number(r, field, length, &value) &&
             !is_nearly_number(r, field, length);
  }
  return false;
}

lander_status csv_name_classes(const csv_reading *r, lander_error *error) {
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
