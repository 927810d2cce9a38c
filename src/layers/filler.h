/* filler.h: initial values of parameters. */
#ifndef LANDER_LAYERS_FILLER_H
#define LANDER_LAYERS_FILLER_H

#include "../base/base.h"
#include "../base/random.h"

/* As an option: weight_filler=gaussian weight_filler.std=0.01 */
typedef struct filler {
  int type;          /* place in filler_names */
  double value;      /* constant */
  double min, max;   /* uniform */
  double mean, std;  /* gaussian */
  int variance_norm; /* xavier, msra: fan_in, fan_out, average */
} filler;

extern const char *const filler_names[];
extern const lander_option filler_options[];     /* members of a GROUP option */
extern const lander_option filler_options_one[]; /* with constants that are 1 */

/* Rows of a layer's option table. */
#define OPTION_FILLER(self, field, default, text)                                        \
  OPTION_FILLER_WITH(self, field, default, filler_options, text)
#define OPTION_FILLER_ONE(self, field, default, text)                                    \
  OPTION_FILLER_WITH(self, field, default, filler_options_one, text)
#define OPTION_FILLER_WITH(self, field, default, table, text)                            \
  {                                                                                      \
    .name = #field, .kind = LANDER_OPTION_GROUP, .offset = offsetof(self, field),        \
    .fallback = default, .choices = filler_names, .members = table, .help = text         \
  }

/* Fills `count` values of a parameter of this shape. xavier: uniform in +-sqrt(3 / n)
 * (Glorot and Bengio 2010, in Caffe's form, n = fan_in by default); msra: normal with
 * deviation sqrt(2 / n) (He et al. 2015); positive_unitball: uniform in [0, 1), each
 * first-dimension row then divided by its sum; bilinear: the kernel of an upsampling
 * deconvolution (square, over the last two dimensions). */
void filler_fill(const filler *f, int dims, const int64_t *size, int64_t fan_in,
                 int64_t fan_out, random_key key, real *out);

/* The descriptions for help and doc, index from 0. */
const lander_description *filler_description(int index);

#endif
