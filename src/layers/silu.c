/* silu.c: y = x / (1 + e^-x) (Elfwing, Uchibe and Doya, "Sigmoid-Weighted Linear Units",
 * 2017). */
#include "elementwise.h"

static const lander_option options[] = {OPTION_END};

static void apply(const layer *l, const layer_call *c, int64_t begin, int64_t count) {
  (void)l;
  c->kernels->silu(count, c->x[0] + begin, c->y[0] + begin);
}

static void apply_back(const layer *l, const layer_call *c, int64_t begin,
                       int64_t count) {
  (void)l;
  c->kernels->silu_back(count, c->x[0] + begin, c->dy[0] + begin, c->dx[0] + begin);
}

static void forward(const layer *l, const layer_call *c) {
  elementwise_run(l, c, apply);
}

static void backward(const layer *l, const layer_call *c) {
  if (c->dx[0]) elementwise_run(l, c, apply_back);
}

const layer_type layer_silu = {
    .name = "silu",
    .help = "sigmoid linear unit, also called swish: y = x / (1 + e^-x)",
    .example = "nn.silu {}",
    .options = options,
    .min_inputs = 1,
    .max_inputs = 1,
    .setup = elementwise_setup,
    .forward = forward,
    .backward = backward,
};
