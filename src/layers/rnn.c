/* rnn.c: Elman's network, whole sequences. */
#include "recurrent.h"

enum { TANH, RELU };

static const char *const nonlinearities[] = {"tanh", "relu", NULL};

static const lander_option options[] = {
    RECURRENT_OPTIONS,
    OPTION_CHOICE(recurrent, nonlinearity, "tanh", nonlinearities, "f in the formula"),
    OPTION_END};

static void step(const recurrent *self, const kernels *k, const recurrent_units *u) {
  k->add(u->n, u->gates, u->bias, u->gates);
  if (self->nonlinearity == TANH)
    k->tanh(u->n, u->gates, u->gates);
  else
    k->relu(u->n, 0, u->gates, u->gates);
  k->copy_2d(1, u->n, u->gates, u->n, u->after, u->n);
}

static void step_back(const recurrent *self, const kernels *k, const recurrent_units *u) {
  k->add(u->n, u->carry, u->dout, u->dgates);
  if (self->nonlinearity == TANH)
    k->tanh_back(u->n, u->gates, u->dgates, u->dgates);
  else
    k->relu_back(u->n, 0, u->gates, u->dgates, u->dgates);
  k->fill(u->n, 0, u->carry);
}

static const recurrent_cell cell = {
    .gates = 1, .blocks = 1, .back_blocks = 1, .step = step, .step_back = step_back};

static lander_status setup(layer *l, lander_error *error) {
  return recurrent_setup(l, &cell, error);
}

static void forward(const layer *l, const layer_call *c) {
  recurrent_forward(l, c, &cell);
}

static void backward(const layer *l, const layer_call *c) {
  recurrent_backward(l, c, &cell);
}

const layer_type layer_rnn = {
    .name = "rnn",
    .help = "over (time, features): h = f(W_ih x + b_ih + W_hh h_before + b_hh), f tanh "
            "or relu; outputs: h of all steps, h of the last",
    .example = "nn.rnn { 128, layers = 2 }",
    .options = options,
    .size = sizeof(recurrent),
    .min_inputs = 1,
    .max_inputs = 3,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
