/* describe.c: everything that is described by data, for hosts: the highest floor of the
 * core sees all of it. */
#include "schedule.h"
#include "types.h"

#include "../layers/layer.h"

static bool describe_layer(int index, lander_description *d) {
  const layer_type *type = layer_types(index);
  if (!type) return false;
  *d = (lander_description){type->name, type->help, type->example, type->options};
  return true;
}

static bool describe_solver(int index, lander_description *d) {
  const solver_type *type = solver_types(index);
  if (!type) return false;
  *d = (lander_description){type->name, type->help, type->example, type->options};
  return true;
}

static bool describe_schedule(int index, lander_description *d) {
  const lr_schedule *s = schedule_at(index);
  if (!s) return false;
  *d = (lander_description){s->name, s->help, s->example, s->options};
  return true;
}

static bool describe_filler(int index, lander_description *d) {
  const lander_description *found = filler_description(index);
  if (found) *d = *found;
  return found;
}

bool lander_describe(lander_kind kind, int index, lander_description *description) {
  switch (kind) {
  case LANDER_LAYER: return describe_layer(index, description);
  case LANDER_SOLVER: return describe_solver(index, description);
  case LANDER_SCHEDULE: return describe_schedule(index, description);
  case LANDER_FILLER: return describe_filler(index, description);
  case LANDER_KINDS: break;
  }
  return false;
}
