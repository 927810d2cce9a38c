/* batches.c: minibatches, each made by a thread of its own while the last one is used;
 * those of tensors, which a script may change meanwhile, when they are asked for.
 *
 * The place in the data is one number, the samples given out since the start: its epoch
 * is position / count, and the order within an epoch is the permutation that belongs to
 * the seed and the epoch. So the same position gives the same samples, whatever came
 * before, and nothing else has to be remembered to go on from there. */
#include "augment.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "../base/options.h"
#include "../base/parallel.h"
#include "../base/random.h"
#include "../tensor/tensor.h"
#include <limits.h>
#include <string.h>

typedef struct batches_options {
  int size, seed, phase;
  bool shuffle, loop;
  augment_options augment;
} batches_options;

enum { PHASE_TRAIN, PHASE_TEST };
static const char *const phases[] = {"train", "test", NULL};

static const lander_option options[] = {
    OPTION_INT(batches_options, size, NULL, 1, 1 << 24, 1, "samples in a batch"),
    OPTION_BOOL(batches_options, shuffle, "false",
                "whether every epoch has an order of its own"),
    OPTION_INT(batches_options, seed, "1", 0, INT_MAX, 0,
               "what decides that order, and where is cropped"),
    OPTION_BOOL(batches_options, loop, "false",
                "whether epochs follow each other without end, in full batches"),
    AUGMENT_OPTIONS(batches_options),
    OPTION_CHOICE(batches_options, phase, "train", phases,
                  "test: augment crops the middle and mirrors nothing"),
    OPTION_END};

/* A batch: the one in use, the one before it (which must stay as it is for one call
 * more), and the one that is being made. */
#define BUFFERS 3
typedef struct buffer {
  lander_tensor *x, *y; /* (count, ...) of room for (size, ...) */
  int64_t *samples;     /* positions in the dataset */
  int64_t position;     /* where the batch begins; -1: nothing is in it */
  int64_t count;        /* samples in it */
  lander_status status;
  lander_error error;
} buffer;

struct lander_batches {
  lander_engine *engine;
  lander_dataset *data; /* kept */
  batches_options options;
  struct dataset_shape shape; /* of a sample's x, after what augment does */
  augment augment;
  worker *worker; /* NULL: the data is lent */
  buffer buffers[BUFFERS];
  int current;      /* the buffer that was given out last */
  int64_t position; /* samples given out */
  int64_t end;      /* where this epoch ends; not used by loops */
  int64_t *order;   /* the permutation of `epoch` */
  int64_t epoch;    /* -1: none yet */
};

/* ---- Making a batch (on either thread, one at a time) ----------------------------- */

static int64_t sample_at(lander_batches *b, int64_t position) {
  int64_t epoch = position / b->data->count, index = position % b->data->count;
  if (!b->options.shuffle) return index;
  if (epoch != b->epoch) {
    random_key key = {(uint64_t)b->options.seed, RANDOM_SHUFFLE(epoch)};
    random_permutation(key, b->data->count, b->order);
    b->epoch = epoch;
  }
  return b->order[index];
}

/* How many samples a batch at `position` has; none after the end. */
static int64_t count_at(const lander_batches *b, int64_t position) {
  if (b->data->count == 0) return 0;
  int64_t size = b->options.size;
  if (b->options.loop || size <= b->end - position) return size;
  return b->end - position;
}

static lander_status read_augmented(lander_batches *b, buffer *to) {
  int64_t x_numbers = b->shape.numbers, y_numbers = b->data->shape[DATASET_Y].numbers;
  for (int64_t i = 0; i < to->count; i++) {
    int64_t position = to->position + i;
    lander_status status =
        lander_dataset_read(b->data, to->samples + i, 1, b->augment.sample,
                            to->y->data + i * y_numbers, &to->error);
    if (status != LANDER_OK) return status;
    augment_write(&b->augment, position / b->data->count, position % b->data->count,
                  to->x->data + i * x_numbers);
  }
  return LANDER_OK;
}

static void make(lander_batches *b, buffer *to, int64_t position) {
  to->position = position;
  to->count = count_at(b, position);
  for (int64_t i = 0; i < to->count; i++) to->samples[i] = sample_at(b, position + i);
  to->status = b->augment.active
                   ? read_augmented(b, to)
                   : lander_dataset_read(b->data, to->samples, to->count, to->x->data,
                                         to->y->data, &to->error);
}

static buffer *next_buffer(lander_batches *b) {
  return &b->buffers[(b->current + 1) % BUFFERS];
}

static void prefetch(void *batches) {
  lander_batches *b = batches;
  make(b, next_buffer(b), b->position);
}

/* ---- Giving it out --------------------------------------------------------------- */

lander_status lander_batches_next(lander_batches *b, lander_tensor **x, lander_tensor **y,
                                  lander_error *error) {
  *x = *y = NULL;
  error_clear(error);
  if (b->worker) worker_wait(b->worker);
  buffer *next = next_buffer(b);
  if (next->position < 0) make(b, next, b->position);
  if (next->status != LANDER_OK) {
    if (error) *error = next->error;
    next->position = -1;
    return next->status;
  }
  if (next->count == 0) return LANDER_OK;
  next->x->size[0] = next->y->size[0] = next->count;
  *x = next->x;
  *y = next->y;
  b->position += next->count;
  b->current = (b->current + 1) % BUFFERS;
  next_buffer(b)->position = -1;
  if (b->worker) worker_start(b->worker, prefetch, b);
  return LANDER_OK;
}

int64_t lander_batches_position(const lander_batches *b) {
  return b->position;
}

void lander_batches_seek(lander_batches *b, int64_t position) {
  if (b->worker) worker_wait(b->worker);
  next_buffer(b)->position = -1;
  if (position < 0) position = 0;
  if (position > INT64_MAX / 2) position = INT64_MAX / 2; /* sums with it stay in range */
  b->position = position;
  int64_t count = b->data->count;
  b->end = count > 0 ? (position / count + 1) * count : 0;
}

int lander_batches_shape(const lander_batches *b, int64_t size[LANDER_MAX_DIMS]) {
  memcpy(size, b->shape.size, sizeof b->shape.size);
  return b->shape.dims;
}

const int64_t *lander_batches_samples(const lander_batches *b, int64_t *count) {
  const buffer *current = &b->buffers[b->current];
  *count = current->position < 0 ? 0 : current->count;
  return current->samples;
}

/* ---- New and free ---------------------------------------------------------------- */

static lander_tensor *new_part(lander_batches *b, const struct dataset_shape *s,
                               int64_t rows, lander_error *error) {
  int64_t size[LANDER_MAX_DIMS + 1] = {rows};
  memcpy(size + 1, s->size, sizeof s->size);
  return lander_tensor_new(b->engine, s->dims + 1, size, error);
}

static bool new_buffer(lander_batches *b, buffer *to, int64_t rows, lander_error *error) {
  to->position = -1;
  to->x = new_part(b, &b->shape, rows, error);
  if (!to->x) return false;
  to->y = new_part(b, &b->data->shape[DATASET_Y], rows, error);
  if (!to->y) return false;
  to->samples = memory_new(b->engine, (size_t)rows, sizeof(int64_t), error);
  return to->samples != NULL;
}

static bool allocate(lander_batches *b, lander_error *error) {
  const batches_options *o = &b->options;
  if (augment_prepare(&b->augment, b->data, &o->augment, o->phase == PHASE_TRAIN,
                      (uint64_t)o->seed, &b->shape, error) != LANDER_OK)
    return false;
  int64_t rows = o->size, count = b->data->count;
  if (!o->loop && rows > count) rows = count;
  for (int i = 0; i < BUFFERS; i++)
    if (!new_buffer(b, &b->buffers[i], rows, error)) return false;
  if (o->shuffle) {
    b->order = memory_new(b->engine, (size_t)count, sizeof(int64_t), error);
    if (!b->order) return false;
  }
  if (b->data->lent) return true;
  b->worker = worker_new(b->engine, error);
  return b->worker != NULL;
}

lander_batches *lander_batches_new(lander_dataset *d, const char *given,
                                   lander_error *error) {
  batches_options chosen;
  error_clear(error);
  if (options_read(options, given, "batches", &chosen, error) != LANDER_OK) return NULL;
  if (chosen.loop && d->count == 0) {
    error_set(error, LANDER_ERROR_ARGUMENT,
              "batches: loop=true, but there are no samples to repeat");
    return NULL;
  }
  lander_batches *b = memory_new(d->engine, 1, sizeof *b, error);
  if (!b) return NULL;
  b->engine = d->engine;
  b->data = dataset_keep(d);
  b->options = chosen;
  b->epoch = -1;
  b->end = d->count;
  if (allocate(b, error)) return b;
  lander_batches_free(b);
  return NULL;
}

void lander_batches_free(lander_batches *b) {
  if (!b) return;
  if (b->worker) worker_free(b->worker); /* waits for the batch that is being made */
  for (int i = 0; i < BUFFERS; i++) {
    lander_tensor_free(b->buffers[i].x);
    lander_tensor_free(b->buffers[i].y);
    memory_free(b->engine, b->buffers[i].samples);
  }
  memory_free(b->engine, b->order);
  augment_release(&b->augment, b->engine);
  lander_dataset *data = b->data;
  memory_free(b->engine, b);
  lander_dataset_free(data); /* last: it keeps the engine */
}
