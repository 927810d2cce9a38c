/* lstm.c: long short-term memory, whole sequences (Hochreiter and Schmidhuber 1997; with
 * forget gates, Gers et al. 2000). Gates in the order i, f, g, o; tanh(c) is kept as a
 * fifth block. */
#include "recurrent.h"

static const lander_option options[] = {RECURRENT_OPTIONS, OPTION_END};

static void step(const recurrent *self, const kernels *k, const recurrent_units *u) {
  (void)self;
  k->lstm(u->n, u->hidden, u->bias, u->gates, u->cell_before, u->cell_after, u->after);
}

static void step_back(const recurrent *self, const kernels *k, const recurrent_units *u) {
  (void)self;
  k->lstm_back(u->n, u->hidden, u->gates, u->cell_before, u->dout, u->carry, u->dcell,
               u->dgates);
}

static const recurrent_cell cell = {.gates = 4,
                                    .blocks = 5,
                                    .back_blocks = 4,
                                    .has_cell = true,
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

const layer_type layer_lstm = {
    .name = "lstm",
    .help =
        "over (time, features): c = sigmoid(f) c_before + sigmoid(i) tanh(g), h = "
        "sigmoid(o) tanh(c), each of i, f, g, o being W_ih x + b_ih + W_hh h_before + "
        "b_hh; outputs: h of all steps, h of the last, c of the last",
    .example = "nn.lstm { 256, layers = 2 }",
    .options = options,
    .size = sizeof(recurrent),
    .min_inputs = 1,
    .max_inputs = 4,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
