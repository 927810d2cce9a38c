/* label.c: where the targets come in: classes that count from one, or numbers. */
#include "source.h"

static const lander_option options[] = {
    OPTION_INTS(source, shape, "", 1, 1 << 30, -1,
                "sizes of one target; none: one number a sample"),
    OPTION_END};

const layer_type layer_label = {
    .name = "label",
    .help =
        "the targets that are given to the net: a class from 1 on for each sample, or "
        "numbers of this shape",
    .example = "nn.label {}",
    .options = options,
    .size = sizeof(source),
    .flags = LAYER_SOURCE | LAYER_LABEL,
    .setup = source_setup,
};
