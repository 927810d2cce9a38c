/* gru.c: gated recurrent units, whole sequences (Cho et al. 2014, in the form whose reset
 * gate stands behind the product with the state). Gates in the order r, z, n; the part of
 * n that comes from the state is kept as a fourth block. */
#include "recurrent.h"

static const lander_option options[] = {RECURRENT_OPTIONS, OPTION_END};

static void step(const recurrent *self, const kernels *k, const recurrent_units *u) {
  (void)self;
  k->gru(u->n, u->hidden, u->bias, u->gates, u->before, u->after);
}

static void step_back(const recurrent *self, const kernels *k, const recurrent_units *u) {
  (void)self;
  k->gru_back(u->n, u->hidden, u->gates, u->before, u->dout, u->carry, u->dgates);
}

static const recurrent_cell cell = {.gates = 3,
                                    .blocks = 4,
                                    .back_blocks = 4,
                                    .split = true,
                                    .step = step,
                                    .step_back = step_back};

static lander_status setup(layer *l, lander_error *error) {
  return recurrent_setup(l, &cell, error);
}

static void forward(const layer *l, const layer_call *c) {
  recurrent_forward(l, c, &cell);
}

static void backward(const layer *l, const layer_call *c) {
  recurrent_backward(l, c, &cell);
}

const layer_type layer_gru = {
    .name = "gru",
    .help =
        "over (time, features): h = (1 - z) n + z h_before, r and z = sigmoid(W_ih x + "
        "b_ih + W_hh h_before + b_hh), n = tanh(W_in x + b_in + r (W_hn h_before + "
        "b_hn)); outputs: h of all steps, h of the last",
    .example = "nn.gru { 128, bidirectional = true }",
    .options = options,
    .size = sizeof(recurrent),
    .min_inputs = 1,
    .max_inputs = 3,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
