/* names.c: layers and parameters by name. A hash table (FNV-1a, open addressing) knows
 * the layers, of which a text may have thousands; a parameter is found through its layer.
 */
#include <string.h>

#include "../base/memory.h"
#include "net.h"

static uint32_t hash_of(const char *name, size_t length) {
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < length; i++) hash = (hash ^ (unsigned char)name[i]) * 16777619u;
  return hash;
}

/* Where the name is, as a node counted from one, or the free place where it would be. */
static int *place_of(const lander_net *net, const char *name, size_t length) {
  uint32_t i = hash_of(name, length) & net->places_mask;
  for (;; i = (i + 1) & net->places_mask) {
    int *place = &net->places[i];
    if (*place == 0) return place;
    const char *known = net->nodes[*place - 1].name;
    if (!strncmp(known, name, length) && !known[length]) return place;
  }
}

int net_find_node(const lander_net *net, const char *name, size_t length) {
  return net->places ? *place_of(net, name, length) - 1 : -1;
}

static void add_all(lander_net *net) {
  for (int i = 0; i < net->nodes_count; i++) {
    const char *name = net->nodes[i].name;
    *place_of(net, name, strlen(name)) = i + 1;
  }
}

lander_status net_names_reserve(lander_net *net, lander_error *error) {
  uint32_t needed = 2 * (uint32_t)net->nodes_count + 2; /* at most half of it is full */
  if (net->places && net->places_mask + 1 >= needed) return LANDER_OK;
  uint32_t room = net->places ? 2 * (net->places_mask + 1) : 16;
  int *places = memory_new(net->engine, room, sizeof *places, error);
  if (!places) return LANDER_ERROR_MEMORY;
  memory_free(net->engine, net->places);
  net->places = places;
  net->places_mask = room - 1;
  add_all(net);
  return LANDER_OK;
}

void net_names_add(lander_net *net) {
  const char *name = net->nodes[net->nodes_count - 1].name;
  *place_of(net, name, strlen(name)) = net->nodes_count;
}

void net_names_forget(lander_net *net) {
  if (!net->places) return;
  memset(net->places, 0, (net->places_mask + 1) * sizeof *net->places);
  add_all(net);
}

/* The name is the layer's, a dot, and the weight's or state's; both may have dots. */
int lander_net_find_param(const lander_net *net, const char *name) {
  for (const char *dot = strchr(name, '.'); dot; dot = strchr(dot + 1, '.')) {
    int index = net_find_node(net, name, (size_t)(dot - name));
    if (index < 0) continue;
    const node *n = &net->nodes[index];
    for (int i = 0; i < n->layer.weights + n->layer.states; i++)
      if (!strcmp(net->params[n->param[i]].name, name)) return n->param[i];
  }
  return -1;
}
