/* save.c: a net as .npz, and back.
 *
 * Members of the file:
 *   1. net.txt              the net's text, as lander_net_build reads it
 *   2. <parameter>.npy      one for each, float32 (float64 in the double build)
 *   3. net_note.txt         the host's own, where there is one
 * Others may follow (a solver's state) and are left alone. */
#include <string.h>

#include "../base/engine.h"
#include "../base/memory.h"
#include "net.h"

#define TEXT_MEMBER "net.txt"
#define NOTE_MEMBER "net_note.txt"

lander_status net_write(const lander_net *net, npz_writer *z, lander_error *error) {
  lander_status status =
      npz_add_text(z, TEXT_MEMBER, net->text, strlen(net->text), error);
  for (int i = 0; status == LANDER_OK && i < net->params_count; i++) {
    const param *p = &net->params[i];
    status = npz_add_array(z, p->name, p->shape.dims, p->shape.size,
                           net->data->data + p->offset, error);
  }
  if (status == LANDER_OK && net->note)
    status = npz_add_text(z, NOTE_MEMBER, net->note, strlen(net->note), error);
  return status;
}

lander_status lander_net_save(const lander_net *net, const char *path,
                              lander_error *error) {
  error_clear(error);
  npz_writer *z = npz_create(net->engine, path, error);
  if (!z) return error ? error->code : LANDER_ERROR_IO;
  lander_status status = net_write(net, z, error);
  if (status == LANDER_OK) return npz_commit(z, error);
  npz_abandon(z);
  return status;
}

/* ---- reading ---- */

static void free_all(lander_engine *engine, lander_tensor **tensors, int count) {
  for (int i = 0; tensors && i < count; i++) lander_tensor_free(tensors[i]);
  memory_free(engine, tensors);
}

/* The parameters' members, before the net has room for them: the text may promise more
 * than the file holds. NULL: one of them is missing or of another shape. */
static lander_tensor **read_params(const lander_net *net, npz_reader *z,
                                   lander_error *error) {
  lander_tensor **read =
      memory_new(net->engine, (size_t)net->params_count, sizeof *read, error);
  for (int i = 0; read && i < net->params_count; i++) {
    const param *p = &net->params[i];
    read[i] = npz_read_shaped(z, p->name, p->shape.dims, p->shape.size, error);
    if (read[i]) continue;
    free_all(net->engine, read, i);
    return NULL;
  }
  return read;
}

/* Gives a graph its parameters. */
static lander_status fill_params(lander_net *net, npz_reader *z, lander_error *error) {
  lander_tensor **read = read_params(net, z, error);
  if (!read) return LANDER_ERROR_FORMAT;
  lander_status status = net_complete(net, error);
  for (int i = 0; status == LANDER_OK && i < net->params_count; i++) {
    const param *p = &net->params[i];
    memcpy(net->data->data + p->offset, read[i]->data, (size_t)p->count * sizeof(real));
  }
  free_all(net->engine, read, net->params_count);
  return status;
}

static lander_status read_note(lander_net *net, npz_reader *z, lander_error *error) {
  if (!npz_has(z, NOTE_MEMBER)) return LANDER_OK;
  net->note = npz_read_text(z, NOTE_MEMBER, NULL, error);
  return net->note ? LANDER_OK : LANDER_ERROR_FORMAT;
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
  lander_net *net = net_graph(engine, lines, error);
  memory_free(engine, lines);
  if (!net) {
    error_prefix(error, "%s: " TEXT_MEMBER, path);
    return NULL;
  }
  if (fill_params(net, z, error) != LANDER_OK || read_note(net, z, error) != LANDER_OK) {
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
