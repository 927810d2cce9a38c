/* options.c: options described by data, read from key=value text. */
#include "options.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "error.h"

/* A piece of the text that is read. */
typedef struct word {
  const char *at;
  size_t length;
} word;

/* Any field, outside its structure. */
typedef union value {
  int integer; /* also the place of a CHOICE's or GROUP's word */
  double number;
  bool truth;
  lander_ints ints;
  lander_numbers numbers;
} value;

/* An option where it was found: a group's member has a field in the group's structure. */
typedef struct place {
  const lander_option *option;
  size_t offset;
  const lander_option *group; /* that it is a member of, or NULL */
} place;

static word word_of(const char *s) {
  return (word){s, strlen(s)};
}

static bool word_is(word w, const char *s) {
  return strlen(s) == w.length && memcmp(w.at, s, w.length) == 0;
}

/* ---- words for messages ------------------------------------------------------------ */

#define SHOWN 64 /* letters of a hostile text that a message repeats */

static const char *show(char out[SHOWN + 4], word w) {
  int length = w.length > SHOWN ? SHOWN : (int)w.length;
  snprintf(out, SHOWN + 4, "%.*s%s", length, w.at, w.length > SHOWN ? "..." : "");
  return out;
}

/* "one of 'a', 'b', 'c'"; the rest is left out when there is no room. */
static const char *show_choices(char *out, size_t size, const char *const *choices) {
  size_t used = (size_t)snprintf(out, size, choices[1] ? "one of" : "");
  for (int i = 0; choices[i] && used < size; i++)
    used += (size_t)snprintf(out + used, size - used, "%s '%s'", i > 0 ? "," : "",
                             choices[i]);
  return out;
}

/* " from 1 to 5", " of at least 1" or nothing: bounds that nobody meets go unsaid. */
static const char *show_bounds(char out[96], const lander_option *o) {
  char low[32], high[32];
  bool whole = o->kind == LANDER_OPTION_INT || o->kind == LANDER_OPTION_INTS;
  double largest = whole ? INT_MAX : DBL_MAX;
  double smallest = whole ? INT_MIN : -DBL_MAX;
  text_number(low, o->min);
  text_number(high, o->max);
  if (o->min > smallest && o->max < largest)
    snprintf(out, 96, " from %s to %s", low, high);
  else if (o->min > smallest)
    snprintf(out, 96, " of at least %s", low);
  else if (o->max < largest)
    snprintf(out, 96, " of at most %s", high);
  else
    out[0] = '\0';
  return out;
}

static const char *choice_at(const void *source, int index) {
  const char *const *choices = source;
  return choices[index];
}

static lander_status wrong_value(const lander_option *o, const char *owner, word key,
                                 word given, lander_error *error) {
  char name[SHOWN + 4], found[SHOWN + 4], bounds[96], expected[240], hint[96] = "";
  show_bounds(bounds, o);
  switch (o->kind) {
  case LANDER_OPTION_INT:
    snprintf(expected, sizeof expected, "an integer%s", bounds);
    break;
  case LANDER_OPTION_NUMBER:
    snprintf(expected, sizeof expected, "a number%s", bounds);
    break;
  case LANDER_OPTION_BOOL: snprintf(expected, sizeof expected, "true or false"); break;
  case LANDER_OPTION_INTS:
    snprintf(expected, sizeof expected, "one to %d integers%s, separated by commas",
             LANDER_LIST_MAX, bounds);
    break;
  case LANDER_OPTION_NUMBERS:
    snprintf(expected, sizeof expected, "one to %d numbers%s, separated by commas",
             LANDER_LIST_MAX, bounds);
    break;
  case LANDER_OPTION_CHOICE:
  case LANDER_OPTION_GROUP:
    show_choices(expected, sizeof expected, o->choices);
    text_did_you_mean(hint, sizeof hint,
                      text_nearest(show(found, given), choice_at, o->choices));
    break;
  }
  return error_set(error, LANDER_ERROR_ARGUMENT, "%s: option '%s' must be %s, got '%s'%s",
                   owner, show(name, key), expected, show(found, given), hint);
}

/* ---- one value --------------------------------------------------------------------- */

/* Also false for NaN, whatever the bounds. */
static bool in_bounds(const lander_option *o, double v) {
  return v >= o->min && v <= o->max;
}

static bool read_number(const lander_option *o, word w, double *out) {
  return text_read_number(w.at, w.length, out) && in_bounds(o, *out);
}

static bool read_integer(const lander_option *o, word w, int *out) {
  double v;
  if (!read_number(o, w, &v)) return false;
  if (!(v >= INT_MIN && v <= INT_MAX) || v != floor(v)) return false;
  *out = (int)v;
  return true;
}

static bool read_truth(word w, bool *out) {
  *out = word_is(w, "true");
  return *out || word_is(w, "false");
}

static bool read_choice(const lander_option *o, word w, int *out) {
  for (int i = 0; o->choices[i]; i++)
    if (word_is(w, o->choices[i])) {
      *out = i;
      return true;
    }
  return false;
}

/* Reads the entries of a list. It may be empty only where the default is. */
static bool read_list(const lander_option *o, word w, value *out) {
  bool whole = o->kind == LANDER_OPTION_INTS;
  int count = 0;
  memset(out, 0, sizeof *out);
  if (w.length == 0) return o->fallback && o->fallback[0] == '\0';
  const char *end = w.at + w.length;
  for (const char *at = w.at; at; count++) {
    const char *comma = memchr(at, ',', (size_t)(end - at));
    word entry = {at, (size_t)((comma ? comma : end) - at)};
    if (count == LANDER_LIST_MAX) return false;
    bool good = whole ? read_integer(o, entry, &out->ints.at[count])
                      : read_number(o, entry, &out->numbers.at[count]);
    if (!good) return false;
    at = comma ? comma + 1 : NULL;
  }
  if (whole)
    out->ints.count = count;
  else
    out->numbers.count = count;
  return true;
}

static bool read_value(const lander_option *o, word w, value *out) {
  switch (o->kind) {
  case LANDER_OPTION_INT: return read_integer(o, w, &out->integer);
  case LANDER_OPTION_NUMBER: return read_number(o, w, &out->number);
  case LANDER_OPTION_BOOL: return read_truth(w, &out->truth);
  case LANDER_OPTION_CHOICE:
  case LANDER_OPTION_GROUP: return read_choice(o, w, &out->integer);
  case LANDER_OPTION_INTS:
  case LANDER_OPTION_NUMBERS: return read_list(o, w, out);
  }
  return false;
}

static size_t field_size(const lander_option *o) {
  switch (o->kind) {
  case LANDER_OPTION_NUMBER: return sizeof(double);
  case LANDER_OPTION_BOOL: return sizeof(bool);
  case LANDER_OPTION_INTS: return sizeof(lander_ints);
  case LANDER_OPTION_NUMBERS: return sizeof(lander_numbers);
  case LANDER_OPTION_INT:
  case LANDER_OPTION_CHOICE:
  case LANDER_OPTION_GROUP: break;
  }
  return sizeof(int);
}

static void store(const place *p, const value *v, void *target) {
  memcpy((char *)target + p->offset, v, field_size(p->option));
}

static void load(const place *p, const void *target, value *v) {
  memset(v, 0, sizeof *v);
  memcpy(v, (const char *)target + p->offset, field_size(p->option));
}

static bool same_value(const lander_option *o, const value *a, const value *b) {
  switch (o->kind) {
  case LANDER_OPTION_NUMBER: return a->number == b->number;
  case LANDER_OPTION_BOOL: return a->truth == b->truth;
  case LANDER_OPTION_INTS:
    return a->ints.count == b->ints.count &&
           memcmp(a->ints.at, b->ints.at, (size_t)a->ints.count * sizeof(int)) == 0;
  case LANDER_OPTION_NUMBERS:
    for (int i = 0; i < a->numbers.count && i < b->numbers.count; i++)
      if (a->numbers.at[i] != b->numbers.at[i]) return false;
    return a->numbers.count == b->numbers.count;
  case LANDER_OPTION_INT:
  case LANDER_OPTION_CHOICE:
  case LANDER_OPTION_GROUP: break;
  }
  return a->integer == b->integer;
}

static void write_value(const lander_option *o, const value *v, text *out) {
  char number[32];
  switch (o->kind) {
  case LANDER_OPTION_INT: text_add(out, "%d", v->integer); break;
  case LANDER_OPTION_NUMBER: text_add(out, "%s", text_number(number, v->number)); break;
  case LANDER_OPTION_BOOL: text_add(out, "%s", v->truth ? "true" : "false"); break;
  case LANDER_OPTION_CHOICE:
  case LANDER_OPTION_GROUP: text_add(out, "%s", o->choices[v->integer]); break;
  case LANDER_OPTION_INTS:
    for (int i = 0; i < v->ints.count; i++)
      text_add(out, "%s%d", i > 0 ? "," : "", v->ints.at[i]);
    break;
  case LANDER_OPTION_NUMBERS:
    for (int i = 0; i < v->numbers.count; i++)
      text_add(out, "%s%s", i > 0 ? "," : "", text_number(number, v->numbers.at[i]));
    break;
  }
}

/* ---- finding options --------------------------------------------------------------- */

static const lander_option *find_in(const lander_option *options, word name) {
  for (const lander_option *o = options; o->name; o++)
    if (word_is(name, o->name)) return o;
  return NULL;
}

static const lander_option *find_group(const lander_option *options, word name) {
  const lander_option *o = find_in(options, name);
  return o && o->kind == LANDER_OPTION_GROUP ? o : NULL;
}

/* Cuts "group.member"; false when there is no dot. */
static bool cut(word key, word *group, word *member) {
  const char *dot = memchr(key.at, '.', key.length);
  if (!dot) return false;
  *group = (word){key.at, (size_t)(dot - key.at)};
  *member = (word){dot + 1, key.length - group->length - 1};
  return true;
}

static bool find(const lander_option *options, word key, place *out) {
  const lander_option *o = find_in(options, key);
  if (o) {
    *out = (place){o, o->offset, NULL};
    return true;
  }
  word group_name, member_name;
  if (!cut(key, &group_name, &member_name)) return false;
  const lander_option *group = find_group(options, group_name);
  const lander_option *member = group ? find_in(group->members, member_name) : NULL;
  if (!member) return false;
  *out = (place){member, group->offset + member->offset, group};
  return true;
}

static const char *option_at(const void *source, int index) {
  const lander_option *options = source;
  return options[index].name;
}

/* "; its options are a, b, c", as many as there is room for. */
static void list_options(char *out, size_t size, const lander_option *options) {
  size_t used = 0;
  for (const lander_option *o = options; o->name; o++) {
    size_t more = strlen(o->name) + strlen("; its options are ") + strlen(", ...");
    if (used + more >= size) {
      snprintf(out + used, size - used, ", ...");
      return;
    }
    used += (size_t)snprintf(out + used, size - used, "%s%s",
                             used == 0 ? "; its options are " : ", ", o->name);
  }
  if (used == 0) snprintf(out, size, "; it has none");
}

static lander_status unknown(const lander_option *options, const char *owner, word key,
                             lander_error *error) {
  char name[SHOWN + 4], group_text[SHOWN + 4], member_text[SHOWN + 4], full[160];
  char hint[300] = "";
  word group_name, member_name;
  const lander_option *known = options; /* among which the option should be */
  const char *nearest = NULL;
  if (cut(key, &group_name, &member_name)) {
    nearest = text_nearest(show(group_text, group_name), option_at, options);
    const lander_option *group = nearest ? find_group(options, word_of(nearest)) : NULL;
    if (group) {
      known = group->members;
      nearest = text_nearest(show(member_text, member_name), option_at, known);
      snprintf(full, sizeof full, "%s.%s", group->name, nearest ? nearest : "");
      if (nearest) nearest = full;
    } else { /* or the dot is part of an option's name */
      const char *whole = text_nearest(show(name, key), option_at, options);
      if (whole) nearest = whole;
    }
  } else {
    nearest = text_nearest(show(name, key), option_at, options);
  }
  if (nearest)
    text_did_you_mean(hint, sizeof hint, nearest);
  else
    list_options(hint, sizeof hint, known);
  return error_set(error, LANDER_ERROR_ARGUMENT, "%s: unknown option '%s'%s", owner,
                   show(name, key), hint);
}

/* ---- reading ----------------------------------------------------------------------- */

static lander_status read_defaults(const lander_option *options, const char *owner,
                                   size_t base, void *target, lander_error *error) {
  for (const lander_option *o = options; o->name; o++) {
    place p = {o, base + o->offset, NULL};
    value v;
    memset(&v, 0, sizeof v);
    if (o->fallback && !read_value(o, word_of(o->fallback), &v))
      return wrong_value(o, owner, word_of(o->name), word_of(o->fallback), error);
    store(&p, &v, target);
    if (o->kind != LANDER_OPTION_GROUP) continue;
    lander_status status = read_defaults(o->members, owner, p.offset, target, error);
    if (status != LANDER_OK) return status;
  }
  return LANDER_OK;
}

static lander_status read_pair(const lander_option *options, const char *owner, word key,
                               word given, void *target, lander_error *error) {
  place p;
  if (!find(options, key, &p)) return unknown(options, owner, key, error);
  value v;
  if (!read_value(p.option, given, &v))
    return wrong_value(p.option, owner, key, given, error);
  store(&p, &v, target);
  return LANDER_OK;
}

static bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The next word of *at, which moves behind it; false at the end. */
static bool next_word(const char **at, word *out) {
  const char *c = *at;
  while (is_space(*c)) c++;
  out->at = c;
  while (*c && !is_space(*c)) c++;
  out->length = (size_t)(c - out->at);
  *at = c;
  return out->length > 0;
}

/* Cuts "key=value"; false when it is none. */
static bool cut_pair(word pair, word *key, word *given) {
  const char *equals = memchr(pair.at, '=', pair.length);
  if (!equals || equals == pair.at) return false;
  *key = (word){pair.at, (size_t)(equals - pair.at)};
  *given = (word){equals + 1, pair.length - key->length - 1};
  return true;
}

/* Whether the pairs between `at` and `end` have this key. All of them are known
 * options and none is there twice, so there are not many. */
static bool is_given(const char *at, const char *end, word name) {
  word pair, key, given;
  while (at < end && next_word(&at, &pair) && pair.at < end)
    if (cut_pair(pair, &key, &given) && key.length == name.length &&
        memcmp(key.at, name.at, name.length) == 0)
      return true;
  return false;
}

static lander_status check_required(const lander_option *options, const char *given,
                                    const char *owner, lander_error *error) {
  const char *end = given + strlen(given);
  for (const lander_option *o = options; o->name; o++)
    if (!o->fallback && !is_given(given, end, word_of(o->name)))
      return error_set(error, LANDER_ERROR_ARGUMENT, "%s: option '%s' is required (%s)",
                       owner, o->name, o->help);
  return LANDER_OK;
}

lander_status options_read(const lander_option *options, const char *given,
                           const char *owner, void *target, lander_error *error) {
  char shown[SHOWN + 4];
  if (!given) given = "";
  lander_status status = read_defaults(options, owner, 0, target, error);
  const char *at = given;
  word pair, key, found;
  while (status == LANDER_OK && next_word(&at, &pair)) {
    if (!cut_pair(pair, &key, &found))
      return error_set(error, LANDER_ERROR_ARGUMENT,
                       "%s: expected option=value, got '%s'", owner, show(shown, pair));
    if (is_given(given, pair.at, key))
      return error_set(error, LANDER_ERROR_ARGUMENT, "%s: option '%s' given twice", owner,
                       show(shown, key));
    status = read_pair(options, owner, key, found, target, error);
  }
  if (status != LANDER_OK) return status;
  return check_required(options, given, owner, error);
}

lander_status options_read_one(const lander_option *options, const char *name,
                               const char *given, const char *owner, void *target,
                               lander_error *error) {
  return read_pair(options, owner, word_of(name), word_of(given), target, error);
}

/* ---- writing ----------------------------------------------------------------------- */

lander_status options_write_one(const lander_option *options, const char *name,
                                const char *owner, const void *target, text *out,
                                lander_error *error) {
  place p;
  if (!find(options, word_of(name), &p))
    return unknown(options, owner, word_of(name), error);
  value v;
  load(&p, target, &v);
  write_value(p.option, &v, out);
  return out->failed ? error_memory(error, out->length) : LANDER_OK;
}

static void write_changed(const lander_option *options, const char *group, size_t base,
                          const void *target, text *out) {
  for (const lander_option *o = options; o->name; o++) {
    place p = {o, base + o->offset, NULL};
    value now, fallback;
    load(&p, target, &now);
    bool same = o->fallback && read_value(o, word_of(o->fallback), &fallback) &&
                same_value(o, &now, &fallback);
    if (!same) {
      text_add(out, " %s%s%s=", group ? group : "", group ? "." : "", o->name);
      write_value(o, &now, out);
    }
    if (o->kind == LANDER_OPTION_GROUP)
      write_changed(o->members, o->name, p.offset, target, out);
  }
}

void options_write(const lander_option *options, const void *target, text *out) {
  write_changed(options, NULL, 0, target, out);
}
