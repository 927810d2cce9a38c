/* dataset.c: what all datasets have in common, and a part of one as a dataset. */
#include "dataset.h"

#include "../base/engine.h"
#include "../base/error.h"
#include "../base/memory.h"
#include "../base/random.h"
#include "../tensor/tensor.h"
#include <stdio.h>
#include <string.h>

void *dataset_new(lander_engine *engine, const dataset_type *type, size_t size,
                  lander_error *error) {
  lander_dataset *d = memory_new(engine, 1, size, error);
  if (!d) return NULL;
  d->type = type;
  d->engine = engine_keep(engine);
  d->holds = 1;
  return d;
}

lander_dataset *dataset_keep(lander_dataset *d) {
  d->holds++;
  return d;
}

void dataset_free_texts(lander_engine *engine, char **texts, int64_t count) {
  for (int64_t k = 0; texts && k < count; k++) memory_free(engine, texts[k]);
  memory_free(engine, texts);
}

static void free_names(lander_dataset *d, int count) {
  dataset_free_texts(d->engine, d->class_names, count);
  d->class_names = NULL;
}

void lander_dataset_free(lander_dataset *d) {
  if (!d || --d->holds > 0) return;
  lander_engine *engine = d->engine;
  if (!d->names_lent) free_names(d, d->classes);
  if (!d->columns_lent) {
    dataset_free_texts(engine, d->columns, d->shape[DATASET_X].numbers);
    dataset_free_texts(engine, d->targets, d->shape[DATASET_Y].numbers);
  }
  places_free(d->places);
  memory_free(engine, d->place_of);
  d->type->release(d);
  memory_free(engine, d);
  lander_engine_free(engine);
}

lander_status dataset_set_shape(lander_dataset *d, int which, int dims,
                                const int64_t *size, lander_error *error) {
  struct dataset_shape *s = &d->shape[which];
  lander_status status = tensor_count_of(dims, size, &s->numbers, error);
  if (status != LANDER_OK) return status;
  s->dims = dims;
  if (dims > 0) memcpy(s->size, size, (size_t)dims * sizeof *size);
  return LANDER_OK;
}

int64_t lander_dataset_count(const lander_dataset *d) {
  return d->count;
}
int lander_dataset_classes(const lander_dataset *d) {
  return d->classes;
}

const char *lander_dataset_class_name(const lander_dataset *d, int k) {
  return d->class_names && k >= 0 && k < d->classes ? d->class_names[k] : NULL;
}

lander_status dataset_name_column(lander_dataset *d, int which, int64_t k,
                                  const char *name, lander_error *error) {
  char ***list = which == DATASET_X ? &d->columns : &d->targets;
  size_t count = (size_t)d->shape[which].numbers;
  if (!*list) *list = memory_new(d->engine, count, sizeof **list, error);
  if (!*list) return LANDER_ERROR_MEMORY;
  (*list)[k] = memory_copy_text(d->engine, name, error);
  return (*list)[k] ? LANDER_OK : LANDER_ERROR_MEMORY;
}

const char *lander_dataset_column(const lander_dataset *d, int64_t k) {
  bool there = d->columns && k >= 0 && k < d->shape[DATASET_X].numbers;
  return there ? d->columns[k] : NULL;
}

const char *lander_dataset_target(const lander_dataset *d, int64_t k) {
  bool there = d->targets && k >= 0 && k < d->shape[DATASET_Y].numbers;
  return there ? d->targets[k] : NULL;
}

lander_status lander_dataset_name_classes(lander_dataset *d, const char *const *names,
                                          int count, lander_error *error) {
  error_clear(error);
  if (d->class_names)
    return error_set(error, LANDER_ERROR_ARGUMENT, "the classes have names already");
  if (count != d->classes)
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "%d names are given, but there are %d classes", count, d->classes);
  d->class_names = memory_new(d->engine, (size_t)count, sizeof *d->class_names, error);
  if (!d->class_names) return LANDER_ERROR_MEMORY;
  for (int k = 0; k < count; k++) {
    d->class_names[k] = memory_copy_text(d->engine, names[k], error);
    if (!d->class_names[k]) {
      free_names(d, k);
      return LANDER_ERROR_MEMORY;
    }
  }
  return LANDER_OK;
}

int lander_dataset_shape(const lander_dataset *d, int which,
                         int64_t size[LANDER_MAX_DIMS]) {
  const struct dataset_shape *s = &d->shape[which == DATASET_X ? DATASET_X : DATASET_Y];
  memcpy(size, s->size, sizeof s->size);
  return s->dims;
}

lander_status lander_dataset_read(const lander_dataset *d, const int64_t *positions,
                                  int64_t count, real *x, real *y, lander_error *error) {
  error_clear(error);
  for (int64_t i = 0; i < count; i++)
    if (positions[i] < 0 || positions[i] >= d->count)
      return error_set(error, LANDER_ERROR_ARGUMENT,
                       "sample %lld is asked for, but there are %lld (the first is 0)",
                       (long long)positions[i], (long long)d->count);
  for (int64_t i = 0; i < count; i++) {
    lander_status status =
        d->type->read(d, positions[i], x + i * d->shape[DATASET_X].numbers,
                      y + i * d->shape[DATASET_Y].numbers, error);
    if (status != LANDER_OK) return status;
  }
  return LANDER_OK;
}

/* ---- A part ---------------------------------------------------------------------- */

typedef struct part {
  lander_dataset base;
  lander_dataset *whole; /* kept */
  int64_t first;
  int64_t *order; /* positions in the whole; NULL: from `first` on */
} part;

static int64_t place_in_whole(const part *p, int64_t position) {
  return p->order ? p->order[position] : p->first + position;
}

static lander_status part_read(const lander_dataset *d, int64_t position, real *x,
                               real *y, lander_error *error) {
  const part *p = (const part *)d;
  return p->whole->type->read(p->whole, place_in_whole(p, position), x, y, error);
}

static void part_release(lander_dataset *d) {
  part *p = (part *)d;
  memory_free(d->engine, p->order);
  lander_dataset_free(p->whole);
}

static const dataset_type part_type = {part_read, part_release};

/* A part of so many samples, which shares what the whole has. */
static part *new_part(lander_dataset *d, int64_t count, lander_error *error) {
  part *p = dataset_new(d->engine, &part_type, sizeof *p, error);
  if (!p) return NULL;
  p->base.count = count;
  p->base.classes = d->classes;
  p->base.lent = d->lent;
  p->base.class_names = d->class_names;
  p->base.names_lent = d->class_names != NULL;
  p->base.columns = d->columns;
  p->base.targets = d->targets;
  p->base.columns_lent = true;
  p->base.black = d->black; /* the whole's, as its samples are */
  p->base.channels = d->channels;
  memcpy(p->base.shape, d->shape, sizeof d->shape);
  p->whole = dataset_keep(d);
  return p;
}

lander_dataset *lander_dataset_subset(lander_dataset *d, int64_t first, int64_t count,
                                      lander_error *error) {
  error_clear(error);
  if (first < 0 || count < 0 || first > d->count || count > d->count - first) {
    error_set(error, LANDER_ERROR_ARGUMENT,
              "%lld samples from position %lld on are asked for, but there are %lld (the "
              "first is 0)",
              (long long)count, (long long)first, (long long)d->count);
    return NULL;
  }
  part *p = new_part(d, count, error);
  if (!p) return NULL;
  p->first = first;
  return &p->base;
}

lander_dataset *lander_dataset_shuffle(lander_dataset *d, uint64_t seed,
                                       lander_error *error) {
  error_clear(error);
  int64_t *order = memory_new(d->engine, (size_t)d->count + 1, sizeof *order, error);
  if (!order) return NULL;
  part *p = new_part(d, d->count, error);
  if (!p) {
    memory_free(d->engine, order);
    return NULL;
  }
  random_permutation((random_key){seed, RANDOM_SHUFFLE(0)}, d->count, order);
  p->order = order;
  return &p->base;
}

/* ---- Where samples were read ------------------------------------------------------ */

/* The places that a sample's is one of, and which; NULL: nobody knows. */
static places *find_place(const lander_dataset *d, int64_t *position) {
  while (d->type == &part_type) {
    *position = place_in_whole((const part *)d, *position);
    d = ((const part *)d)->whole;
  }
  if (d->place_of) *position = d->place_of[*position];
  return d->places;
}

bool lander_dataset_place(const lander_dataset *d, int64_t position, char *out,
                          size_t room) {
  if (position < 0 || position >= d->count) return false;
  const places *p = find_place(d, &position);
  if (!p) return false;
  if (p->path)
    snprintf(out, room, "%s, line %lld", p->path, (long long)p->lines[position]);
  else
    snprintf(out, room, "%s", p->files[position]);
  return true;
}

static lander_status take_names(lander_dataset *made, const lander_dataset *d,
                                lander_error *error) {
  lander_status status = LANDER_OK;
  for (int which = 0; which < 2; which++) {
    char *const *list = which == DATASET_X ? d->columns : d->targets;
    for (int64_t k = 0; list && k < d->shape[which].numbers && status == LANDER_OK; k++)
      status = dataset_name_column(made, which, k, list[k], error);
  }
  return status;
}

static lander_status check_places(const lander_dataset *made, const lander_dataset *d,
                                  bool names, lander_error *error) {
  bool fits = made->count == d->count && !made->places && !made->columns_lent &&
              !made->columns && !made->targets;
  for (int which = 0; which < 2 && names; which++)
    fits = fits && made->shape[which].numbers == d->shape[which].numbers;
  if (fits) return LANDER_OK;
  return error_set(error, LANDER_ERROR_ARGUMENT,
                   "places are for a dataset of as many samples, %lld, that has none%s",
                   (long long)d->count, names ? ", with as many columns" : "");
}

lander_status lander_dataset_take_places(lander_dataset *made, const lander_dataset *d,
                                         bool names, lander_error *error) {
  error_clear(error);
  lander_status status = check_places(made, d, names, error);
  if (status == LANDER_OK && names) status = take_names(made, d, error);
  int64_t first = 0;
  places *p = d->count > 0 && status == LANDER_OK ? find_place(d, &first) : NULL;
  if (!p) return status;
  made->place_of =
      memory_new(made->engine, (size_t)d->count, sizeof *made->place_of, error);
  if (!made->place_of) return LANDER_ERROR_MEMORY;
  for (int64_t i = 0; i < d->count; i++) {
    made->place_of[i] = i;
    find_place(d, &made->place_of[i]);
  }
  made->places = places_keep(p);
  return LANDER_OK;
}
