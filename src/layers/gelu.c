/* gelu.c: x times the probability of a smaller number (Hendrycks and Gimpel, "Gaussian
 * Error Linear Units", 2016). */
#include "elementwise.h"

typedef struct gelu {
  int approximate;
} gelu;

enum { NONE, TANH };

static const char *const formulas[] = {"none", "tanh", NULL};

static const lander_option options[] = {
    OPTION_CHOICE(gelu, approximate, "none", formulas,
                  "none: by the error function; tanh: as the first GPTs had it"),
    OPTION_END};

static void apply(const layer *l, const layer_call *c, int64_t begin, int64_t count) {
  const gelu *self = l->self;
  const kernels *k = c->kernels;
  (self->approximate == TANH ? k->gelu_tanh : k->gelu)(count, c->x[0] + begin,
                                                       c->y[0] + begin);
}

static void apply_back(const layer *l, const layer_call *c, int64_t begin,
                       int64_t count) {
  const gelu *self = l->self;
  const kernels *k = c->kernels;
  (self->approximate == TANH ? k->gelu_tanh_back : k->gelu_back)(
      count, c->x[0] + begin, c->dy[0] + begin, c->dx[0] + begin);
}

static void forward(const layer *l, const layer_call *c) {
  elementwise_run(l, c, apply);
}

static void backward(const layer *l, const layer_call *c) {
  if (c->dx[0]) elementwise_run(l, c, apply_back);
}

const layer_type layer_gelu = {
    .name = "gelu",
    .help = "Gaussian error linear unit: y = x (1 + erf(x / sqrt(2))) / 2, or with tanh "
            "x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2",
    .example = "nn.gelu { approximate = \"tanh\" }",
    .options = options,
    .size = sizeof(gelu),
    .min_inputs = 1,
    .max_inputs = 1,
    .setup = elementwise_setup,
    .forward = forward,
    .backward = backward,
};
