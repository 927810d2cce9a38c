/* settings.c: a solver's options, read and checked. */
#include "settings.h"

#include <stdio.h>
#include <string.h>

#include "../base/error.h"
#include "../base/memory.h"
#include "schedule.h"
#include "types.h"

#define OWNER          "solver"
#define NAME_MAX_SHOWN 64

/* ---- the words of a text -------------------------------------------------------------
 */

/* Copies the name of the next name=value of *at, which moves behind it, and points
 * *value at what stands after the '='. False at the end. */
static bool next_name(const char **at, char name[NAME_MAX_SHOWN], const char **value) {
  const char *space = " \t\r\n\v\f";
  *at += strspn(*at, space);
  size_t length = strcspn(*at, space), key = strcspn(*at, "= \t\r\n\v\f");
  if (length == 0) return false;
  snprintf(name, NAME_MAX_SHOWN, "%.*s", (int)(key < NAME_MAX_SHOWN ? key : 0), *at);
  *value = *at + key + (key < length);
  *at += length;
  return true;
}

/* The type that the text asks for. When it asks for none that exists, the first one,
 * whose table then has the words to say so. */
static const solver_type *find_type(const char *given) {
  char name[NAME_MAX_SHOWN];
  const char *value;
  while (next_name(&given, name, &value)) {
    if (strcmp(name, "type")) continue;
    for (int i = 0; solver_types(i); i++) {
      size_t length = strlen(solver_types(i)->name);
      if (!strncmp(value, solver_types(i)->name, length) && value + length == given)
        return solver_types(i);
    }
  }
  return solver_types(0);
}

/* ---- options that have no effect
 * ------------------------------------------------------- */

static bool table_has(const lander_option *options, const char *name) {
  for (; options->name; options++)
    if (!strcmp(options->name, name)) return true;
  return false;
}

int settings_find(const solver_type *type, const char *name) {
  for (int i = 0; type->options[i].name; i++)
    if (!strcmp(type->options[i].name, name)) return i;
  return -1;
}

/* Who would have used it: "step, sigmoid". */
typedef struct users {
  char names[160];
  int count;
} users;

static void add_user(users *u, const char *name) {
  size_t used = strlen(u->names);
  snprintf(u->names + used, sizeof u->names - used, "%s%s", u->count++ ? ", " : "", name);
}

static lander_status no_effect(const char *option, const char *with, const char *value,
                               const users *u, lander_error *error) {
  return error_set(error, LANDER_ERROR_ARGUMENT,
                   OWNER ": option '%s' has no effect with %s=%s; it belongs to %s",
                   option, with, value, u->names);
}

/* An option that only other types have. */
static lander_status check_type_has(const solver_type *type, const char *name,
                                    lander_error *error) {
  users u = {.count = 0};
  if (table_has(type->options, name)) return LANDER_OK;
  for (int i = 0; solver_types(i); i++)
    if (table_has(solver_types(i)->options, name)) add_user(&u, solver_types(i)->name);
  if (u.count == 0) return LANDER_OK; /* nobody knows it: options_read has the words */
  return no_effect(name, "type", type->name, &u, error);
}

/* An option that only other schedules use. */
static lander_status check_schedule_has(const lr_schedule *policy, const char *name,
                                        lander_error *error) {
  users u = {.count = 0};
  if (schedule_has(policy, name) || !strcmp(name, "max_iter")) return LANDER_OK;
  for (int i = 0; schedule_at(i); i++)
    if (schedule_has(schedule_at(i), name)) add_user(&u, schedule_at(i)->name);
  if (u.count == 0) return LANDER_OK;
  return no_effect(name, "lr_policy", policy->name, &u, error);
}

/* Contradictions in what was written down. They are refused here alone: while a solver
 * runs options are changed one by one, and some come before the lr_policy they are for.
 */
static lander_status check_effects(const solver_settings *s, const char *given,
                                   lander_error *error) {
  char name[NAME_MAX_SHOWN];
  const char *value;
  while (next_name(&given, name, &value)) {
    lander_status status = check_schedule_has(schedule_at(s->lr_policy), name, error);
    if (status != LANDER_OK) return status;
    if (!strcmp(name, "warmup_start") && s->warmup_iter == 0)
      return error_set(error, LANDER_ERROR_ARGUMENT,
                       OWNER ": option 'warmup_start' has no effect without warmup_iter");
  }
  return LANDER_OK;
}

static lander_status check_types(const solver_type *type, const char *given,
                                 lander_error *error) {
  char name[NAME_MAX_SHOWN];
  const char *value;
  lander_status status = LANDER_OK;
  while (status == LANDER_OK && next_name(&given, name, &value))
    status = check_type_has(type, name, error);
  return status;
}

/* ---- reading and changing
 * ---------------------------------------------------------------- */

int settings_copies(const solver_type *type, const solver_settings *s) {
  return type->copies ? type->copies(s) : 1;
}

lander_status settings_check(lander_engine *engine, const solver_type *type,
                             const solver_settings *from, const solver_settings *s,
                             lander_error *error) {
  if (from && settings_copies(type, from) != settings_copies(type, s))
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     OWNER ": how much it remembers can't be changed; make a new one");
  lander_status status = type->check ? type->check(s, error) : LANDER_OK;
  return status == LANDER_OK ? schedule_check(engine, s, error) : status;
}

solver_settings *settings_read(lander_engine *engine, const char *given,
                               const solver_type **type, lander_error *error) {
  if (!given) given = "";
  *type = find_type(given);
  solver_settings *s = memory_new(engine, 1, (*type)->size, error);
  if (!s) return NULL;
  lander_status status = check_types(*type, given, error);
  if (status == LANDER_OK)
    status = options_read((*type)->options, given, OWNER, s, error);
  if (status == LANDER_OK) status = check_effects(s, given, error);
  if (status == LANDER_OK) status = settings_check(engine, *type, NULL, s, error);
  if (status == LANDER_OK) return s;
  memory_free(engine, s);
  return NULL;
}

solver_settings *settings_change(lander_engine *engine, const solver_type *type,
                                 const solver_settings *from, const char *name,
                                 const char *value, lander_error *error) {
  if (!strcmp(name, "type")) {
    error_set(error, LANDER_ERROR_ARGUMENT,
              OWNER ": the type of a solver can't be changed; make a new one");
    return NULL;
  }
  if (check_type_has(type, name, error) != LANDER_OK) return NULL;
  solver_settings *s = memory_new(engine, 1, type->size, error);
  if (!s) return NULL;
  memcpy(s, from, type->size);
  lander_status status = options_read_one(type->options, name, value, OWNER, s, error);
  if (status == LANDER_OK) status = settings_check(engine, type, from, s, error);
  if (status == LANDER_OK) return s;
  memory_free(engine, s);
  return NULL;
}
