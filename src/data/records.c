/* records.c: a text file of fields, record by record. */
#include "records.h"

#include "../base/error.h"
#include "../base/memory.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define CHUNK 65536
#define END   (-1) /* in place of a byte */
/* A small file, gzipped, may hold a line without an end, which is no table. */
#define MOST_FIELD  (1 << 20) /* bytes of a field */
#define MOST_FIELDS (1 << 22) /* of a record */
#define MOST_TEXT   (1 << 27) /* bytes of a record's fields */

struct records {
  lander_engine *engine;
  bytes_file file;
  char separator;
  int64_t line, first_line; /* of the next byte, of the record's beginning; from 1 */
  char *text; /* the fields one after the other, each with a zero behind it */
  size_t length, capacity;
  size_t *begins; /* (fields + 1): where they begin in the text */
  size_t fields, field_capacity;
  char *names; /* of the columns, as the fields are in the text; NULL: there are none */
  size_t *name_begins;
  size_t name_count;
  size_t at, got; /* in the chunk */
  unsigned char chunk[CHUNK];
};

/* ---- Bytes ------------------------------------------------------------------------ */

/* *byte becomes the next one, which stays; END after the last. */
static lander_status peek(records *r, int *byte, lander_error *error) {
  if (r->at == r->got) {
    r->at = 0;
    lander_status status = bytes_read(&r->file, r->chunk, CHUNK, &r->got, error);
    if (status != LANDER_OK) {
      r->got = 0;
      return status;
    }
  }
  *byte = r->at < r->got ? r->chunk[r->at] : END;
  return LANDER_OK;
}

/* Goes behind the byte that was peeked. */
static void take(records *r) {
  r->at++;
}

static bool is_line_end(int byte) {
  return byte == '\n' || byte == '\r' || byte == END;
}

static bool is_space(int byte) {
  return byte == ' ' || byte == '\t';
}

/* \n, \r\n or \r. */
static lander_status take_line_end(records *r, lander_error *error) {
  int byte = r->chunk[r->at];
  take(r);
  r->line++;
  if (byte == '\n') return LANDER_OK;
  lander_status status = peek(r, &byte, error);
  if (status == LANDER_OK && byte == '\n') take(r);
  return status;
}

/* Spaces that don't belong to a field; *byte becomes what follows. */
static lander_status skip_spaces(records *r, int *byte, lander_error *error) {
  lander_status status = peek(r, byte, error);
  while (status == LANDER_OK && is_space(*byte) && *byte != r->separator) {
    take(r);
    status = peek(r, byte, error);
  }
  return status;
}

/* What a file is that begins so, and is no text of 8 bits; NULL: it may be text. */
static const char *other_kind(const unsigned char *bytes, size_t got) {
  static const struct {
    const char *begins, *what;
  } kinds[] = {
      {"\xff\xfe", "text in UTF-16, expected UTF-8 (iconv -f UTF-16 -t UTF-8 makes it)"},
      {"\xfe\xff", "text in UTF-16, expected UTF-8 (iconv -f UTF-16 -t UTF-8 makes it)"},
      {"PK\3\4", "a zip archive, perhaps a spreadsheet (.xlsx, .ods): save it as CSV"},
      {"\xd0\xcf\x11\xe0", "a spreadsheet of an old kind (.xls): save it as CSV"},
  };
  for (int i = 0; i < COUNT_OF(kinds); i++) {
    size_t length = strlen(kinds[i].begins);
    if (got >= length && !memcmp(bytes, kinds[i].begins, length)) return kinds[i].what;
  }
  return NULL;
}

/* Goes behind a byte-order mark. */
static lander_status read_mark(records *r, lander_error *error) {
  int byte;
  lander_status status = peek(r, &byte, error); /* the first chunk is there by now */
  if (status != LANDER_OK) return status;
  const char *what = other_kind(r->chunk, r->got);
  if (what)
    return error_set(error, LANDER_ERROR_FORMAT, "%s: it is %s", r->file.path, what);
  if (r->got >= 3 && memcmp(r->chunk, "\xef\xbb\xbf", 3) == 0) r->at = 3;
  return LANDER_OK;
}

/* ---- Errors ----------------------------------------------------------------------- */

/* Bytes of a character in UTF-8 that begins at `at`; 0: there is none. */
static size_t letter_length(const char *at, const char *end) {
  unsigned char first = (unsigned char)*at;
  size_t length = first < 0x80   ? 1
                  : first < 0xc2 ? 0
                  : first < 0xe0 ? 2
                  : first < 0xf0 ? 3
                                 : 4;
  if (first < ' ' || first == 127 || first > 0xf4 || (size_t)(end - at) < length)
    return 0;
  for (size_t i = 1; i < length; i++)
    if (((unsigned char)at[i] & 0xc0) != 0x80) return 0;
  return length;
}

const char *records_show(char out[RECORDS_SHOWN], const char *field, size_t length) {
  const char *end = field + length;
  size_t used = 0, letters = 0;
  for (; field < end && letters < RECORDS_LETTERS; letters++) {
    size_t bytes = letter_length(field, end);
    memcpy(out + used, bytes > 0 ? field : "?", bytes > 0 ? bytes : 1);
    used += bytes > 0 ? bytes : 1;
    field += bytes > 0 ? bytes : 1;
  }
  strcpy(out + used, field < end ? "..." : "");
  return out;
}

lander_status records_fail(const records *r, lander_status code, int64_t index,
                           lander_error *error, const char *format, ...) {
  char text[LANDER_ERROR_LENGTH];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  char name[RECORDS_SHOWN] = "";
  const char *column = records_column(r, index);
  if (column && *column) records_show(name, column, strlen(column));
  return error_set(error, code, "%s: line %lld, column %lld%s%s%s: %s", r->file.path,
                   (long long)r->first_line, (long long)index + 1, *name ? " (" : "",
                   name, *name ? ")" : "", text);
}

/* ---- Fields ----------------------------------------------------------------------- */

static lander_status fail_here(records *r, const char *text, lander_error *error) {
  return records_fail(r, LANDER_ERROR_FORMAT, (int64_t)r->fields, error, "%s", text);
}

static lander_status add_byte(records *r, int byte, lander_error *error) {
  if (r->length == MOST_TEXT)
    return fail_here(r, "the row has more than 128 MiB: expected a line for each sample",
                     error);
  if (r->length == r->capacity) {
    size_t capacity = r->capacity ? 2 * r->capacity : 256;
    char *text = memory_resize(r->engine, r->text, capacity, 1, error);
    if (!text) return LANDER_ERROR_MEMORY;
    r->text = text;
    r->capacity = capacity;
  }
  r->text[r->length++] = (char)byte;
  return LANDER_OK;
}

/* A byte of a field; `why` is what may be wrong with one that has too many. */
static lander_status add_to_field(records *r, int byte, const char *why,
                                  lander_error *error) {
  if (r->length - r->begins[r->fields] < MOST_FIELD) return add_byte(r, byte, error);
  return records_fail(r, LANDER_ERROR_FORMAT, (int64_t)r->fields, error,
                      "the field has more than 1 MiB: %s", why);
}

static lander_status begin_field(records *r, lander_error *error) {
  if (r->fields == MOST_FIELDS)
    return fail_here(r, "expected at most 4194304 columns", error);
  if (r->fields + 1 >= r->field_capacity) {
    size_t capacity = r->field_capacity ? 2 * r->field_capacity : 16;
    size_t *begins = memory_resize(r->engine, r->begins, capacity, sizeof *begins, error);
    if (!begins) return LANDER_ERROR_MEMORY;
    r->begins = begins;
    r->field_capacity = capacity;
  }
  r->begins[r->fields] = r->length;
  return LANDER_OK;
}

static lander_status end_field(records *r, lander_error *error) {
  lander_status status = add_byte(r, '\0', error);
  if (status == LANDER_OK) r->begins[++r->fields] = r->length;
  return status;
}

static lander_status read_plain(records *r, lander_error *error) {
  int byte;
  lander_status status = peek(r, &byte, error);
  while (status == LANDER_OK && !is_line_end(byte) && byte != r->separator &&
         !(r->separator == ' ' && byte == '\t')) {
    if (byte == 0) return fail_here(r, "a zero byte: this is no text of 8 bits", error);
    status = add_to_field(r, byte, "is the separator another one, or is this no table?",
                          error);
    if (status != LANDER_OK) return status;
    take(r);
    status = peek(r, &byte, error);
  }
  while (r->length > r->begins[r->fields] && is_space(r->text[r->length - 1]))
    r->length--;
  return status;
}

/* What is between quotes; the first one was taken. */
static lander_status read_quoted(records *r, lander_error *error) {
  int byte, last = 0;
  for (;; last = byte) {
    lander_status status = peek(r, &byte, error);
    if (status != LANDER_OK) return status;
    if (byte == END)
      return fail_here(r, "the field begins with a quote that has no other", error);
    if (byte == 0) return fail_here(r, "a zero byte: this is no text of 8 bits", error);
    take(r);
    if (byte == '\r' || (byte == '\n' && last != '\r')) r->line++;
    if (byte == '"') {
      status = peek(r, &byte, error);
      if (status != LANDER_OK || byte != '"') return status;
      take(r);
    }
    status = add_to_field(
        r, byte, "it begins with a quote; is the one that ends it missing?", error);
    if (status != LANDER_OK) return status;
  }
}

/* A field and what comes behind it; *byte becomes the separator or the end of a line. */
static lander_status read_field(records *r, int *byte, lander_error *error) {
  lander_status status = begin_field(r, error);
  if (status != LANDER_OK) return status;
  if (*byte == '"') {
    take(r);
    status = read_quoted(r, error);
  } else {
    status = read_plain(r, error);
  }
  if (status == LANDER_OK) status = skip_spaces(r, byte, error);
  if (status == LANDER_OK && !is_line_end(*byte) && *byte != r->separator &&
      r->separator != ' ')
    return fail_here(r, "something follows the closing quote", error);
  return status == LANDER_OK ? end_field(r, error) : status;
}

/* Spaces at the beginning of a record, and between fields that they separate. */
static lander_status skip_separating(records *r, int *byte, lander_error *error) {
  lander_status status = skip_spaces(r, byte, error);
  while (status == LANDER_OK && r->separator == ' ' && is_space(*byte)) {
    take(r);
    status = peek(r, byte, error);
  }
  return status;
}

/* The fields to the end of the line, the first of which begins with `byte`. */
static lander_status read_record(records *r, int byte, lander_error *error) {
  for (;;) {
    lander_status status = read_field(r, &byte, error);
    if (status != LANDER_OK || is_line_end(byte)) return status;
    if (r->separator != ' ') take(r);
    status = skip_separating(r, &byte, error);
    if (status != LANDER_OK) return status;
    if (r->separator == ' ' && is_line_end(byte)) return LANDER_OK;
  }
}

lander_status records_next(records *r, bool *there, lander_error *error) {
  r->length = r->fields = 0;
  *there = false;
  int byte;
  for (;;) {
    r->first_line = r->line;
    lander_status status = skip_separating(r, &byte, error);
    if (status != LANDER_OK || byte == END) return status;
    if (!is_line_end(byte)) break;
    status = take_line_end(r, error);
    if (status != LANDER_OK) return status;
  }
  lander_status status = read_record(r, byte, error);
  if (status == LANDER_OK) status = peek(r, &byte, error);
  if (status == LANDER_OK && byte != END) status = take_line_end(r, error);
  *there = status == LANDER_OK;
  return status;
}

const char *records_path(const records *r) {
  return r->file.path;
}
int64_t records_line(const records *r) {
  return r->first_line;
}
int64_t records_fields(const records *r) {
  return (int64_t)r->fields;
}

const char *records_field(const records *r, int64_t index, size_t *length) {
  *length = r->begins[index + 1] - r->begins[index] - 1;
  return r->text + r->begins[index];
}

lander_status records_name(records *r, lander_error *error) {
  r->names = memory_new(r->engine, r->length, 1, error);
  r->name_begins = memory_new(r->engine, r->fields, sizeof *r->name_begins, error);
  if (!r->names || !r->name_begins) return LANDER_ERROR_MEMORY;
  memcpy(r->names, r->text, r->length);
  memcpy(r->name_begins, r->begins, r->fields * sizeof *r->name_begins);
  r->name_count = r->fields;
  return LANDER_OK;
}

const char *records_column(const records *r, int64_t index) {
  bool named = index >= 0 && (size_t)index < r->name_count;
  return named ? r->names + r->name_begins[index] : NULL;
}

/* ---- Open and close --------------------------------------------------------------- */

records *records_open(lander_engine *engine, const char *path, char separator,
                      lander_error *error) {
  records *r = memory_new(engine, 1, sizeof *r, error);
  if (!r) return NULL;
  r->engine = engine;
  r->separator = separator;
  r->line = 1;
  if (bytes_open(&r->file, engine, path, error) != LANDER_OK) {
    memory_free(engine, r);
    return NULL;
  }
  if (read_mark(r, error) == LANDER_OK) return r;
  records_close(r);
  return NULL;
}

void records_close(records *r) {
  if (!r) return;
  bytes_close(&r->file);
  memory_free(r->engine, r->text);
  memory_free(r->engine, r->begins);
  memory_free(r->engine, r->names);
  memory_free(r->engine, r->name_begins);
  memory_free(r->engine, r);
}
