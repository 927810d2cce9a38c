/* net.h: the net from inside, for this floor and the solver's. */
#ifndef LANDER_NET_NET_H
#define LANDER_NET_NET_H

#include "../base/text.h"
#include "../layers/layer.h"
#include "../tensor/npz.h"
#include "../tensor/tensor.h"

#define NET_NAME_MAX    128  /* of a layer, with the final zero */
#define NET_MOST_LAYERS 8192 /* laying out their memory takes time by the square */

/* One output of one layer: its values, and the gradient of the loss in them. */
typedef struct blob {
  shape shape;
  int node;            /* whose output it is */
  bool batched;        /* false: one value for the whole batch */
  bool needs_gradient; /* a parameter that is trained lies before it */
  bool has_gradient;   /* written in this backward pass */
  bool overwritten;    /* by the output of its last reader */
  int readers;         /* how many layers read it */
  int64_t count;       /* numbers a sample */
  int64_t data_offset; /* into activations, when data is there; -1: an input's own */
  int64_t grad_offset; /* into gradients */
  real *data, *grad;
} blob;

/* A layer and its place in the graph. */
typedef struct node {
  layer layer;
  char *name;
  char *options;                                   /* as given, without the common ones */
  int in[LAYER_MAX_INPUTS];                        /* blobs */
  int out;                                         /* its first blob; the others follow */
  int param[LAYER_MAX_WEIGHTS + LAYER_MAX_STATES]; /* weights, then states */
  char *share; /* the layer whose weights it uses; NULL: its own */
  double loss_weight;
  bool needs_label; /* itself or something before it is a label */
  bool does_relu;   /* of the layer behind it too, in this plan */
  bool done_before; /* that layer: the one before it does what it does */
  real *kept;
  int64_t second_offset; /* into gradients: what is added to those already there */
  int64_t forward_time, backward_time; /* nanoseconds, while the net is timed */
} node;

typedef struct param {
  lander_param public;
  bool has_gradient; /* written in this backward pass */
  char *name;
  shape shape;
  filler filler;
  int64_t fan_in, fan_out;
  int64_t offset, count; /* in the arenas */
} param;

/* Where a pass has made something that is not finite: by a layer to which all that it
 * takes in came finite. blame.c fills it in. */
typedef struct net_blame {
  int64_t first_sample; /* the batch is a part of a larger one, and begins there */
  /* ---- */
  const char *where; /* a layer, or the parameter whose gradient it is; NULL: nothing */
  bool is_source;    /* the layer is an input or a label */
  int64_t sample;    /* the first that it happened to; -1: not a matter of one */
  int inputs;        /* in backward: the gradients of its outputs */
  lander_range input[LAYER_MAX_INPUTS];
  lander_range output;
} net_blame;

/* What activations are planned for. */
typedef enum net_plan_kind {
  PLAN_NONE,
  PLAN_PREDICT, /* forward alone: an output lives until its last reader has run */
  PLAN_TRAIN,   /* backward needs most of them */
  PLAN_ALL      /* the host wants to look at them all */
} net_plan_kind;

struct lander_net {
  lander_engine *engine;
  uint64_t seed;
  uint64_t pass; /* which of the random numbers of dropout come next */
  lander_phase phase;
  bool input_gradient;
  bool timed;
  bool trained; /* a solver has it: memory is saved */
  bool keep;    /* the host wants to see everything all the same */
  char *text;
  char *note; /* the host's own; NULL: none */

  int nodes_count, blobs_count, params_count;
  int *places; /* nodes by name: see names.c */
  uint32_t places_mask;
  node *nodes;
  blob *blobs;
  param *params;

  /* The arenas: all parameters one after another, each on a cache line. */
  int64_t arena_count;
  storage *data, *grad;
  real *kept_state; /* of net_keep_state: the states one after another */

  /* What forward and backward need, laid out for batches of up to `capacity`. */
  net_plan_kind wanted; /* by this pass; PLAN_NONE: what the net is used for */
  net_plan_kind planned;
  int64_t capacity;
  int planned_threads; /* that scratch is for */
  bool gradients_planned;
  storage *activations, *gradients;
  real *kept, *scratch, *partial, *workspace;

  /* The last forward pass. */
  int64_t batch;
  bool running; /* in the middle of a pass, where a host's layer may call back */
  bool ran, ran_labels;
  bool predicted; /* it was a prediction: not for backward */
  lander_phase ran_phase;
  uint64_t ran_pass;
  storage *held[LAYER_MAX_INPUTS]; /* the inputs' own memory, until the next pass */
};

/* ---- for the solver ---- */

real *net_data_arena(lander_net *net, int64_t *count);
real *net_grad_arena(lander_net *net, int64_t *count);
int64_t net_param_offset(const lander_net *net, int index);
int64_t net_param_count(const lander_net *net, int index);
/* Which random numbers the next forward pass draws; counts on by itself otherwise. */
void net_set_pass(lander_net *net, uint64_t pass);
/* Copies what layers remember (running statistics), and puts the copy back. */
void net_keep_state(lander_net *net);
void net_restore_state(lander_net *net);
uint64_t net_pass(const lander_net *net);
/* From here on only what is needed has memory of its own: see plan.c. */
void net_set_trained(lander_net *net);
/* Whether the losses and the net's output of the last pass are finite. */
bool net_output_is_finite(const lander_net *net);
/* Of the last forward pass, whose losses or output are not finite. Returns its `where`;
 * `blame` may be NULL. */
const char *net_blame_forward(const lander_net *net, net_blame *blame);
/* lander_net_backward from the losses; unless `blame` is NULL, the first layer in that
 * pass that made a gradient that is not finite goes there. */
lander_status net_backward(lander_net *net, bool accumulate, net_blame *blame,
                           lander_error *error);
/* net.txt and the parameters, as members of a file that is being written. */
lander_status net_write(const lander_net *net, npz_writer *z, lander_error *error);

/* ---- inside this floor ---- */

/* names.c */
int net_find_node(const lander_net *net, const char *name, size_t length); /* -1: none */
/* Room for one more name; fails: memory. */
lander_status net_names_reserve(lander_net *net, lander_error *error);
/* The last node has come; or some of the last ones have gone. */
void net_names_add(lander_net *net);
void net_names_forget(lander_net *net);

/* build.c */
void net_trace_gradients(lander_net *net); /* after parameters were frozen or not */
lander_status net_write_text(lander_net *net, lander_error *error);
/* What building a net is made of: the graph, which takes no more memory than its text;
 * then room for the parameters, whose values are the caller's to give. */
lander_net *net_graph(lander_engine *engine, const char *lines, lander_error *error);
lander_status net_complete(lander_net *net, lander_error *error);

/* plan.c: memory for batches of this size; keeps what it has when that is enough. */
lander_status net_plan(lander_net *net, int64_t batch, lander_error *error);
/* Scratch for the engine's threads, which may have become more since the last pass. */
lander_status net_plan_scratch(lander_net *net, lander_error *error);
lander_status net_plan_gradients(lander_net *net, lander_error *error);
void net_plan_free(lander_net *net);
/* Whether outputs and gradients may be written over when nobody reads them any more. */
bool net_saves_memory(const lander_net *net);
/* Numbers that a blob takes up in a plan for such batches. */
int64_t net_room(const blob *b, int64_t batch);

/* params.c */
lander_status error_state(lander_error *error); /* a state has no settings */
lander_status net_make_params(lander_net *net, lander_error *error);
void net_params_free(lander_net *net);

/* fails: state: a layer of the net is running, and has called back. */
lander_status net_check_idle(const lander_net *net, lander_error *error);

/* blame.c: before a layer's backward, which may write over them: what the gradients of
 * its outputs are. */
void net_blame_gradients(const lander_net *net, const node *n, const layer_call *c,
                         net_blame *blame);
/* When the layer's backward, with `c`, was the first to make something that is
 * not finite, fills in `blame`. */
void net_blame_backward(const lander_net *net, const node *n, const layer_call *c,
                        net_blame *blame);

/* run.c: `inputs` are the data inputs and, when `labels`, the labels. */
lander_status net_run(lander_net *net, const real *const *inputs, bool labels,
                      int64_t batch, lander_error *error);

/* parse.c: one line of a net's text. The spans point into the text. */
typedef struct span {
  const char *at;
  size_t length;
} span;

typedef struct parsed_line {
  bool is_param;
  span name, type;
  int inputs;
  span input[LAYER_MAX_INPUTS];
  int input_output[LAYER_MAX_INPUTS]; /* conv:2 is 1 */
  span options;
} parsed_line;

/* The next line with something on it; *lines moves on, *number counts lines.
 * fails: argument (with the line's number); *found is false at the end. */
lander_status parse_next(const char **lines, int *number, parsed_line *line, bool *found,
                         lander_error *error);

#endif
