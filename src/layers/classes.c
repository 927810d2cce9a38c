/* classes.c: scores of classes: what softmax, softmax_loss and accuracy share. */
#include "classes.h"

#include <math.h>

#include "../tensor/tensor.h"

/* ---- softmax --------------------------------------------------------------------- */

void classes_softmax(const kernels *k, const classes *size, int64_t outer, const real *x,
                     real *y, double *lse) {
  int64_t block = size->count * size->inner;
  for (int64_t o = 0; o < outer; o++, x += block, y += block) {
    if (size->inner == 1) {
      double value = k->softmax(size->count, x, y);
      if (lse) lse[o] = value;
      continue;
    }
    k->softmax_columns(size->count, size->inner, size->inner, x, y,
                       lse ? lse + o * size->inner : NULL);
  }
}

/* ---- labels ---------------------------------------------------------------------- */

lander_status classes_setup(const layer *l, classes *size, lander_error *error) {
  const shape *scores = &l->in[0], *label = &l->in[1];
  char found[SHAPE_TEXT], expected[SHAPE_TEXT];
  if (scores->dims < 1)
    return error_set(error, LANDER_ERROR_SHAPE,
                     "%s needs scores (classes) or (classes, ...), got one number",
                     l->type->name);
  shape places = {.dims = scores->dims - 1};
  for (int d = 0; d < places.dims; d++) places.size[d] = scores->size[d + 1];
  if (!shape_alike(&places, label))
    return error_set(error, LANDER_ERROR_SHAPE, "%s: scores %s need labels %s, got %s",
                     l->type->name, shape_text(found, scores->dims, scores->size),
                     shape_text(expected, places.dims, places.size),
                     shape_text((char[SHAPE_TEXT]){0}, label->dims, label->size));
  *size = (classes){1, scores->size[0], shape_count(&places)};
  return LANDER_OK;
}

bool classes_is_ignored(const lander_ints *ignored, real label) {
  for (int i = 0; i < ignored->count; i++)
    if (label == (real)ignored->at[i]) return true;
  return false;
}

int64_t classes_counted(const classes *size, const lander_ints *ignored,
                        const layer_call *c) {
  int64_t labels = c->batch * size->inner, counted = labels;
  for (int64_t i = 0; ignored->count > 0 && i < labels; i++)
    counted -= classes_is_ignored(ignored, c->x[1][i]);
  return counted;
}

bool classes_check_labels(const classes *size, const lander_ints *ignored,
                          const layer_call *c) {
  const real *label = c->x[1]; /* (batch, inner) */
  int64_t labels = c->batch * size->inner;
  for (int64_t i = 0; i < labels; i++) {
    double found = label[i];
    if (found >= 1 && found <= (double)size->count && found == floor(found)) continue;
    if (classes_is_ignored(ignored, label[i])) continue;
    if (c->error && c->error->code == LANDER_OK)
      error_set(c->error, LANDER_ERROR_DATA,
                "label %.9g of sample %lld is outside 1..%lld (classes count from one)",
                found, (long long)(i / size->inner + 1), (long long)size->count);
    return false;
  }
  return true;
}

/* ---- the chance level
 * ------------------------------------------------------------------ */

static bool is_repeated(const lander_ints *list, int index) {
  for (int i = 0; i < index; i++)
    if (list->at[i] == list->at[index]) return true;
  return false;
}

double classes_chance(const classes *size, const lander_ints *ignored, double smoothing) {
  double all = (double)size->count, left = all;
  for (int i = 0; i < ignored->count; i++)
    if (ignored->at[i] >= 1 && ignored->at[i] <= size->count && !is_repeated(ignored, i))
      left--;
  if (left == 0) return 0;
  double rest = smoothing / all, p = (1 - smoothing) / left + rest;
  double entropy = -left * p * log(p);
  return left < all && rest > 0 ? entropy - (all - left) * rest * log(rest) : entropy;
}
