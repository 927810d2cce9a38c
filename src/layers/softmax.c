/* softmax.c: scores become probabilities. */
#include "axis.h"
#include "classes.h"

typedef struct softmax {
  int axis;
  classes size;
} softmax;

static const lander_option options[] = {
    OPTION_AXIS(softmax, "1", "the dimension of the classes"), OPTION_END};

static lander_status setup(layer *l, lander_error *error) {
  softmax *self = l->self;
  axis a;
  lander_status status = axis_setup(l, self->axis, &a, error);
  if (status != LANDER_OK) return status;
  self->size = (classes){a.outer, a.count, a.inner};
  l->outputs = 1;
  l->out[0] = l->in[0];
  return LANDER_OK;
}

#define GRAIN 4096 /* numbers a piece */

typedef struct job {
  const classes *size;
  const layer_call *call;
  int64_t outer;
  int pieces;
} job;

static void run(const layer *l, const layer_call *c, parallel_body body) {
  const softmax *self = l->self;
  const classes *size = &self->size;
  int64_t outer = c->batch * size->outer;
  job j = {size, c, outer, parallel_pieces(outer, GRAIN / (size->count * size->inner))};
  parallel_run(c->engine, j.pieces, body, &j);
}

static void forward_piece(void *arg, int piece, int thread) {
  (void)thread;
  const job *j = arg;
  int64_t begin, end, block = j->size->count * j->size->inner;
  parallel_range(j->outer, j->pieces, piece, &begin, &end);
  classes_softmax(j->call->kernels, j->size, end - begin, j->call->x[0] + begin * block,
                  j->call->y[0] + begin * block, NULL);
}

static void backward_block(const kernels *k, const classes *size, const real *y,
                           const real *dy, real *dx) {
  if (size->inner == 1)
    k->softmax_back(size->count, y, dy, dx);
  else
    k->softmax_columns_back(size->count, size->inner, size->inner, y, dy, dx);
}

static void backward_piece(void *arg, int piece, int thread) {
  (void)thread;
  const job *j = arg;
  const layer_call *c = j->call;
  int64_t begin, end, block = j->size->count * j->size->inner;
  parallel_range(j->outer, j->pieces, piece, &begin, &end);
  for (int64_t o = begin; o < end; o++)
    backward_block(c->kernels, j->size, c->y[0] + o * block, c->dy[0] + o * block,
                   c->dx[0] + o * block);
}

static void forward(const layer *l, const layer_call *c) {
  run(l, c, forward_piece);
}

static void backward(const layer *l, const layer_call *c) {
  if (c->dx[0]) run(l, c, backward_piece);
}

const layer_type layer_softmax = {
    .name = "softmax",
    .help = "scores become probabilities: y[k] = e^x[k] / sum over j of e^x[j]; behind a "
            "softmax_loss it is not needed",
    .example = "nn.softmax {}",
    .options = options,
    .size = sizeof(softmax),
    .min_inputs = 1,
    .max_inputs = 1,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
