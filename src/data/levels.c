/* levels.c: what the numbers of a file become. */
#include "levels.h"

#include "../base/error.h"
#include "../base/memory.h"

static lander_status check_count(const lander_numbers *given, const char *name,
                                 int64_t channels, const char *owner,
                                 lander_error *error) {
  if (given->count == 1 || given->count == channels) return LANDER_OK;
  return error_set(error, LANDER_ERROR_ARGUMENT,
                   "%s: %s has %d numbers, expected one for all, or one for each of the "
                   "%lld channels",
                   owner, name, given->count, (long long)channels);
}

lander_status levels_check(const levels *l, int64_t channels, const char *owner,
                           lander_error *error) {
  lander_status status = check_count(&l->mean, "mean", channels, owner, error);
  if (status == LANDER_OK) status = check_count(&l->std, "std", channels, owner, error);
  return status;
}

static double number_of(const lander_numbers *given, int64_t channel) {
  return given->at[given->count == 1 ? 0 : channel];
}

double levels_value(const levels *l, int64_t channel, double p) {
  return (p * l->scale - number_of(&l->mean, channel)) / number_of(&l->std, channel);
}

int64_t levels_channels(const struct dataset_shape *x) {
  return x->dims >= 3 ? x->size[0] : 1;
}

lander_status levels_set_black(const levels *l, lander_dataset *d, lander_error *error) {
  int64_t channels = levels_channels(&d->shape[DATASET_X]);
  d->black = memory_new(d->engine, (size_t)channels, sizeof(real), error);
  if (!d->black) return LANDER_ERROR_MEMORY;
  d->channels = channels;
  for (int64_t c = 0; c < channels; c++) d->black[c] = (real)levels_value(l, c, 0);
  return LANDER_OK;
}
