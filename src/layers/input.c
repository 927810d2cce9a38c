/* input.c: where the data comes in. The net hands its memory on; nothing is computed. */
#include "source.h"

static const lander_option options[] = {
    OPTION_INTS(source, shape, NULL, 1, 1 << 30, -1,
                "sizes of one sample, without the batch"),
    OPTION_END};

const layer_type layer_input = {
    .name = "input",
    .help = "the data that is given to the net, a batch of samples of this shape",
    .example = "nn.input { 1, 28, 28 }",
    .options = options,
    .size = sizeof(source),
    .flags = LAYER_SOURCE,
    .setup = source_setup,
};
