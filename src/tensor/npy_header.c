/* npy_header.c: the dictionary at the head of a .npy file, read and written. */
#include "npy.h"

#include "../base/error.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- Reading --------------------------------------------------------------------- */

/* The part of the dictionary that is still to be read. */
typedef struct cursor {
  const char *at, *end;
} cursor;

static void skip_spaces(cursor *c) {
  while (c->at < c->end && (*c->at == ' ' || *c->at == '\t' || *c->at == '\n')) c->at++;
}

static bool take(cursor *c, char wanted) {
  skip_spaces(c);
  if (c->at == c->end || *c->at != wanted) return false;
  c->at++;
  return true;
}

static bool take_word(cursor *c, const char *word) {
  skip_spaces(c);
  size_t length = strlen(word);
  if ((size_t)(c->end - c->at) < length || memcmp(c->at, word, length) != 0) return false;
  c->at += length;
  return true;
}

/* A text in either kind of quotes, cut off where `out` is full. */
static bool take_text(cursor *c, char *out, size_t size) {
  skip_spaces(c);
  if (c->at == c->end || (*c->at != '\'' && *c->at != '"')) return false;
  char quote = *c->at++;
  size_t length = 0;
  for (; c->at < c->end && *c->at != quote; c->at++)
    if (length + 1 < size) out[length++] = *c->at;
  out[length] = 0;
  return take(c, quote);
}

static bool take_size(cursor *c, int64_t *size) {
  skip_spaces(c);
  const char *begin = c->at;
  for (*size = 0; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++) {
    if (*size > (INT64_MAX - 9) / 10) return false;
    *size = *size * 10 + (*c->at - '0');
  }
  if (c->at == begin) return false;
  if (c->at < c->end && *c->at == 'L') c->at++; /* as Python 2 wrote long integers */
  return true;
}

static bool take_shape(cursor *c, npy_header *h) {
  if (!take(c, '(')) return false;
  for (h->dims = 0; !take(c, ')'); h->dims++) {
    if (h->dims > 0 && !take(c, ',')) return false;
    if (take(c, ')')) return h->dims > 0; /* (3,) */
    if (h->dims == LANDER_MAX_DIMS || !take_size(c, &h->size[h->dims])) return false;
  }
  return true;
}

static lander_status check_type(npy_header *h, const char *type, const char *name,
                                lander_error *error) {
  const char *known[] = {"f4", "f8", "i1", "i2", "i4", "i8",
                         "u1", "u2", "u4", "u8", "b1"};
  if (strlen(type) == 3 && strchr("<>|=", type[0]))
    for (int i = 0; i < COUNT_OF(known); i++)
      if (strcmp(type + 1, known[i]) == 0) {
        h->big_endian = type[0] == '>';
        h->kind = type[1];
        h->width = type[2] - '0';
        return LANDER_OK;
      }
  return error_set(error, LANDER_ERROR_FORMAT,
                   "%s: elements of type '%.20s'; f4, f8, i1 to i8, u1 to u8 and b1 are "
                   "read: convert it with numpy's astype('f4')",
                   name, type);
}

static bool take_entry(cursor *c, npy_header *h, char *type, size_t type_size,
                       unsigned *seen) {
  char key[16];
  if (!take_text(c, key, sizeof key) || !take(c, ':')) return false;
  if (strcmp(key, "descr") == 0) {
    *seen |= 1;
    return take_text(c, type, type_size);
  }
  if (strcmp(key, "fortran_order") == 0) {
    *seen |= 2;
    h->fortran = take_word(c, "True");
    return h->fortran || take_word(c, "False");
  }
  *seen |= 4;
  return strcmp(key, "shape") == 0 && take_shape(c, h);
}

static lander_status read_dictionary(cursor c, const char *name, npy_header *h,
                                     lander_error *error) {
  char type[32] = "";
  unsigned seen = 0;
  bool good = take(&c, '{');
  while (good && !take(&c, '}')) {
    good = take_entry(&c, h, type, sizeof type, &seen);
    if (good && !take(&c, ',')) {
      good = take(&c, '}');
      break;
    }
  }
  skip_spaces(&c);
  if (!good || seen != 7 || c.at != c.end)
    return error_set(error, LANDER_ERROR_FORMAT,
                     "%s: its header can't be read; expected {'descr': '<f4', "
                     "'fortran_order': False, 'shape': (2, 3), } with at most %d sizes",
                     name, LANDER_MAX_DIMS);
  return check_type(h, type, name, error);
}

static lander_status check_length(npy_header *h, size_t length, const char *name,
                                  lander_error *error) {
  uint64_t left = length - h->offset;
  uint64_t bytes = (uint64_t)h->width;
  bool empty = false;
  for (int i = 0; i < h->dims; i++) {
    uint64_t size = (uint64_t)h->size[i];
    empty = empty || size == 0;
    if (size > 0 && bytes > INT64_MAX / size)
      return error_set(error, LANDER_ERROR_FORMAT, "%s: its shape is impossibly large",
                       name);
    if (size > 0) bytes *= size;
  }
  if (empty) bytes = 0;
  if (bytes != left)
    return error_set(error, LANDER_ERROR_FORMAT,
                     "%s: its shape needs %" PRIu64 " bytes of elements, but there are "
                     "%" PRIu64 ": it was cut short or altered",
                     name, bytes, left);
  h->count = (int64_t)(bytes / (uint64_t)h->width);
  return LANDER_OK;
}

lander_status npy_read_header(const unsigned char *file, size_t length, const char *name,
                              npy_header *h, lander_error *error) {
  memset(h, 0, sizeof *h);
  if (length < 10 || memcmp(file, "\x93NUMPY", 6) != 0)
    return error_set(error, LANDER_ERROR_FORMAT,
                     "%s: not a .npy file: it does not begin with 93 NUMPY", name);
  int version = file[6];
  if (version < 1 || version > 3 || file[7] != 0)
    return error_set(error, LANDER_ERROR_FORMAT,
                     "%s: version %d.%d of .npy; 1.0, 2.0 and 3.0 are read", name,
                     version, file[7]);
  size_t begin = version == 1 ? 10 : 12;
  uint64_t size = file[8] | (uint64_t)file[9] << 8;
  if (version > 1 && length >= 12)
    size |= (uint64_t)file[10] << 16 | (uint64_t)file[11] << 24;
  if (length < begin || size > length - begin)
    return error_set(error, LANDER_ERROR_FORMAT, "%s: ends inside its header", name);
  h->offset = begin + (size_t)size;
  cursor c = {(const char *)file + begin, (const char *)file + h->offset};
  lander_status status = read_dictionary(c, name, h, error);
  if (status != LANDER_OK) return status;
  return check_length(h, length, name, error);
}

/* ---- Writing --------------------------------------------------------------------- */

static char byte_order(void) {
  const uint16_t one = 1;
  return *(const unsigned char *)&one ? '<' : '>';
}

size_t npy_write_header(char out[NPY_HEADER_MAX], int dims, const int64_t *size) {
  static const char magic[] = "\x93NUMPY\x01"; /* and its zero: version 1.0 */
  size_t length = sizeof magic + 2;
  memcpy(out, magic, sizeof magic);
  length += (size_t)snprintf(out + length, NPY_HEADER_MAX - length,
                             "{'descr': '%cf%d', 'fortran_order': False, 'shape': (",
                             byte_order(), (int)sizeof(real));
  for (int i = 0; i < dims; i++)
    length += (size_t)snprintf(out + length, NPY_HEADER_MAX - length, "%s%" PRId64,
                               i ? ", " : "", size[i]);
  length += (size_t)snprintf(out + length, NPY_HEADER_MAX - length,
                             dims == 1 ? ",), }" : "), }");
  size_t padded = (length + 1 + 63) / 64 * 64;
  memset(out + length, ' ', padded - length);
  out[padded - 1] = '\n';
  out[8] = (char)((padded - 10) & 0xff);
  out[9] = (char)((padded - 10) >> 8);
  return padded;
}
