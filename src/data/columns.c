/* columns.c: which columns of a table are x and which are y. */
#include "columns.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "../base/text.h"
#include <stdio.h>
#include <string.h>

#define SHOWN          40 /* letters of a name in a message */
#define SEPARATOR_TEXT 100

/* What is read, and from what. */
typedef struct reading {
  column_list *out;
  const records *records;
  bool header;
  const char *word; /* one item of the text */
  size_t length;
} reading;

static const char *field_at(const void *source, int index) {
  size_t length;
  return index < records_fields(source) ? records_field(source, index, &length) : NULL;
}

/* ---- Items ------------------------------------------------------------------------- */

/* A whole number at `at`, before `end`: NULL when there is none, else what follows. */
static const char *read_number(const char *at, const char *end, int64_t *out) {
  bool negative = at < end && *at == '-';
  if (negative) at++;
  const char *digits = at;
  for (*out = 0; at < end && *at >= '0' && *at <= '9' && *out < INT64_MAX / 100; at++)
    *out = *out * 10 + (*at - '0');
  if (negative) *out = -*out;
  return at > digits ? at : NULL;
}

/* "3", "-1", "2:5": first and last as they are written. */
static bool read_range(const reading *r, int64_t *first, int64_t *last) {
  const char *end = r->word + r->length, *at = read_number(r->word, end, first);
  *last = *first;
  if (at && at < end && *at == ':') at = read_number(at + 1, end, last);
  return at == end;
}

/* The first column from `from` on that has this name; -1: there is none. */
static int64_t find_from(const reading *r, int64_t from) {
  for (int64_t i = from; r->header && i < records_fields(r->records); i++) {
    size_t length;
    const char *field = records_field(r->records, i, &length);
    if (length == r->length && memcmp(field, r->word, length) == 0) return i;
  }
  return -1;
}

/* Of a line that is one field: the separator that makes more of it, where there is one.
 */
static const char *other_separator(char out[SEPARATOR_TEXT], const records *r) {
  static const struct {
    char separator;
    const char *word;
  } others[] = {{';', "semicolon"}, {'\t', "tab"}, {'|', "bar"}, {',', "\",\""}};
  size_t length;
  const char *field = records_field(r, 0, &length);
  strcpy(out, " (is the separator another one?)");
  for (int i = 0; i < COUNT_OF(others); i++) {
    int fields = 1;
    for (size_t k = 0; k < length; k++) fields += field[k] == others[i].separator;
    if (fields == 1) continue;
    snprintf(out, SEPARATOR_TEXT,
             " (is the separator another one?): separator=%s makes %d fields of it",
             others[i].word, fields);
    break;
  }
  return out;
}

/* ", which has a, b, c", as many as there is room for. */
static void list_names(char *out, size_t size, const records *r) {
  const int64_t count = records_fields(r);
  size_t used = 0;
  for (int64_t i = 0; i < count; i++) {
    size_t length;
    const char *name = records_field(r, i, &length);
    if (used + length + sizeof ", which has , ..." > size) {
      snprintf(out + used, size - used, ", ...");
      return;
    }
    used += (size_t)snprintf(out + used, size - used, "%s%s",
                             i == 0 ? ", which has " : ", ", name);
  }
}

static lander_status find_name(const reading *r, int64_t *index, lander_error *error) {
  char name[SHOWN + 1] = "", hint[300] = "", separator[SEPARATOR_TEXT];
  int64_t count = records_fields(r->records);
  *index = find_from(r, 0);
  int64_t again = *index < 0 ? -1 : find_from(r, *index + 1);
  if (*index >= 0 && again < 0) return LANDER_OK;
  strncat(name, r->word, r->length < SHOWN ? r->length : SHOWN);
  if (again >= 0)
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "%s: columns %lld and %lld are both called '%s': use their numbers",
                     records_path(r->records), (long long)*index + 1,
                     (long long)again + 1, name);
  if (!r->header)
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "%s: column '%s' is no number, and the file has no header with "
                     "names",
                     records_path(r->records), name);
  const char *nearest = text_nearest(name, field_at, r->records);
  if (count == 1)
    snprintf(hint, sizeof hint, ", which is one field%s",
             other_separator(separator, r->records));
  else if (nearest)
    text_did_you_mean(hint, sizeof hint, nearest);
  else
    list_names(hint, sizeof hint, r->records);
  return error_set(error, LANDER_ERROR_ARGUMENT,
                   "%s: there is no column '%s' in its header%s",
                   records_path(r->records), name, hint);
}

/* From 0, as the table has them. */
static lander_status place(const reading *r, int64_t given, int64_t *index,
                           lander_error *error) {
  int64_t count = r->out->count;
  *index = given > 0 ? given - 1 : count + given;
  if (given != 0 && *index >= 0 && *index < count) return LANDER_OK;
  return error_set(error, LANDER_ERROR_ARGUMENT,
                   "%s: there is no column %lld: it has %lld, the first is 1",
                   records_path(r->records), (long long)given, (long long)count);
}

static lander_status use(const reading *r, int64_t index, column_use what,
                         lander_error *error) {
  struct column *c = &r->out->at[index];
  if (c->use != COLUMN_UNUSED)
    return error_set(error, LANDER_ERROR_ARGUMENT, "%s: column %lld is asked for %s",
                     records_path(r->records), (long long)index + 1,
                     c->use == what ? "twice" : "in x and in y");
  *c = (struct column){what, r->out->used[what - 1]++};
  return LANDER_OK;
}

static lander_status read_item(const reading *r, column_use what, lander_error *error) {
  int64_t first, last;
  lander_status status = LANDER_OK;
  if (read_range(r, &first, &last)) {
    status = place(r, first, &first, error);
    if (status == LANDER_OK) status = place(r, last, &last, error);
    if (status == LANDER_OK && last < first)
      status = error_set(
          error, LANDER_ERROR_ARGUMENT, "%s: column %lld comes before column %lld",
          records_path(r->records), (long long)last + 1, (long long)first + 1);
  } else {
    status = find_name(r, &first, error);
    last = first;
  }
  for (; status == LANDER_OK && first <= last; first++)
    status = use(r, first, what, error);
  return status;
}

/* ---- The texts ----------------------------------------------------------------------
 */

static lander_status read_items(reading *r, const char *items, column_use what,
                                lander_error *error) {
  for (;;) {
    items += strspn(items, " ");
    size_t whole = strcspn(items, ",");
    r->word = items;
    r->length = whole;
    while (r->length > 0 && items[r->length - 1] == ' ') r->length--;
    lander_status status = read_item(r, what, error);
    if (status != LANDER_OK || items[whole] == 0) return status;
    items += whole + 1;
  }
}

lander_status columns_read(column_list *c, lander_engine *engine, const char *x,
                           const char *y, const records *from, bool header,
                           lander_error *error) {
  *c = (column_list){.engine = engine, .count = records_fields(from)};
  c->at = memory_new(engine, (size_t)c->count, sizeof *c->at, error);
  if (!c->at) return LANDER_ERROR_MEMORY;
  char separator[SEPARATOR_TEXT];
  reading r = {.out = c, .records = from, .header = header};
  lander_status status = y ? read_items(&r, y, COLUMN_Y, error) : LANDER_OK;
  if (status == LANDER_OK && x) status = read_items(&r, x, COLUMN_X, error);
  for (int64_t i = 0; status == LANDER_OK && !x && i < c->count; i++)
    if (c->at[i].use == COLUMN_UNUSED) status = use(&r, i, COLUMN_X, error);
  if (status == LANDER_OK && c->used[0] == 0)
    status = error_set(
        error, LANDER_ERROR_ARGUMENT,
        "%s: no column is left for x: its lines have %lld, and y has them all%s",
        records_path(from), (long long)c->count,
        c->count == 1 ? other_separator(separator, from) : "");
  if (status != LANDER_OK) columns_free(c);
  return status;
}

void columns_free(column_list *c) {
  memory_free(c->engine, c->at);
  c->at = NULL;
}
