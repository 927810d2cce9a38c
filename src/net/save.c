/* save.c: a net as .npz, and back.
 *
 * Members of the file:
 *   1. net.txt              the net's text, as lander_net_build reads it
 *   2. <parameter>.npy      one for each, float32 (float64 in the double build)
 * Others may follow (a solver's state) and are left alone. */
#include <string.h>

#include "../base/engine.h"
#include "../base/memory.h"
#include "net.h"

#define TEXT_MEMBER "net.txt"

lander_status net_write(const lander_net *net, npz_writer *z, lander_error *error) {
  lander_status status =
      npz_add_text(z, TEXT_MEMBER, net->text, strlen(net->text), error);
  for (int i = 0; status == LANDER_OK && i < net->params_count; i++) {
    const param *p = &net->params[i];
    status = npz_add_array(z, p->name, p->shape.dims, p->shape.size,
                           net->data->data + p->offset, error);
  }
  return status;
}

lander_status net_read_params(lander_net *net, npz_reader *z, lander_error *error) {
  storage *fresh = storage_new(net->engine, net->arena_count, error);
  if (!fresh) return LANDER_ERROR_MEMORY;
  lander_status status = LANDER_OK;
  for (int i = 0; status == LANDER_OK && i < net->params_count; i++) {
    const param *p = &net->params[i];
    status = npz_read_into(z, p->name, p->shape.dims, p->shape.size,
                           fresh->data + p->offset, error);
  }
  if (status == LANDER_OK)
    memcpy(net->data->data, fresh->data, (size_t)net->arena_count * sizeof(real));
  storage_free(fresh);
  return status;
}

lander_status lander_net_save(const lander_net *net, const char *path,
                              lander_error *error) {
  error_clear(error);
  npz_writer *z = npz_create(net->engine, path, error);
  if (!z) return LANDER_ERROR_IO;
  lander_status status = net_write(net, z, error);
  if (status == LANDER_OK) return npz_commit(z, error);
  npz_abandon(z);
  return status;
}

static lander_net *read_net(lander_engine *engine, npz_reader *z, const char *path,
                            lander_error *error) {
  if (!npz_has(z, TEXT_MEMBER)) {
    error_set(error, LANDER_ERROR_FORMAT,
              "%s: has no member " TEXT_MEMBER ", so it is not a net that Lander saved",
              path);
    return NULL;
  }
  char *lines = npz_read_text(z, TEXT_MEMBER, NULL, error);
  if (!lines) return NULL;
  lander_net *net = lander_net_build(engine, lines, 0, error);
  memory_free(engine, lines);
  if (!net) {
    error_prefix(error, "%s: " TEXT_MEMBER, path);
    return NULL;
  }
  if (net_read_params(net, z, error) != LANDER_OK) {
    lander_net_free(net);
    return NULL;
  }
  return net;
}

lander_net *lander_net_open(lander_engine *engine, const char *path,
                            lander_error *error) {
  error_clear(error);
  npz_reader *z = npz_open(engine, path, error);
  if (!z) return NULL;
  lander_net *net = read_net(engine, z, path, error);
  npz_close(z);
  return net;
}

lander_net *lander_net_load(const char *path, lander_error *error) {
  error_clear(error);
  lander_engine *engine = lander_engine_new(NULL, error);
  if (!engine) return NULL;
  lander_net *net = lander_net_open(engine, path, error);
  lander_engine_free(engine); /* the net keeps it */
  return net;
}
