/* dataset.h: what a dataset is from inside. */
#ifndef LANDER_DATA_DATASET_H
#define LANDER_DATA_DATASET_H

#include "places.h"

/* A kind of dataset: how one sample is read. Called from the prefetch thread too: it
 * allocates nothing and changes nothing. Positions were checked before. */
typedef struct dataset_type {
  lander_status (*read)(const lander_dataset *d, int64_t position, real *x, real *y,
                        lander_error *error);
  void (*release)(lander_dataset *d); /* what d has beyond the structure itself */
} dataset_type;

enum { DATASET_X, DATASET_Y };

/* Each kind's structure begins with this one. */
struct lander_dataset {
  const dataset_type *type;
  lander_engine *engine; /* kept */
  int holds;
  int64_t count;
  real *black;        /* (channels): what a 0 of the file is in each of them; NULL: 0 */
  int64_t channels;   /* the first size of x, when there are rows and columns behind it */
  int classes;        /* 0: y is no choice among classes */
  char **class_names; /* (classes); NULL: they have none */
  bool names_lent;    /* they are those of the whole that this is a part of */
  char *
      *columns; /* (numbers of x): what a table's header calls them; NULL: it had none */
  char **targets;    /* (numbers of y): likewise; NULL: it had none */
  bool columns_lent; /* both, as names_lent */
  places *places; /* kept; where samples were read; NULL: nobody knows, or it is a part */
  int64_t *place_of; /* (count): which of the places are whose; NULL: in their order */
  bool lent; /* its memory is the caller's to change: read on the calling thread alone */
  struct dataset_shape {
    int dims;
    int64_t size[LANDER_MAX_DIMS];
    int64_t numbers; /* product of the sizes */
  } shape[2];        /* of a sample's x and y */
};

/* `size` bytes that begin with a lander_dataset with one hold, of no samples yet. */
void *dataset_new(lander_engine *engine, const dataset_type *type, size_t size,
                  lander_error *error);
lander_dataset *dataset_keep(lander_dataset *d);
/* A copy of `name` becomes that of number k of x or y; lists are made for the first one.
 * fails: memory. */
lander_status dataset_name_column(lander_dataset *d, int which, int64_t k,
                                  const char *name, lander_error *error);
/* Frees a list of `count` texts, some of which may be NULL. */
void dataset_free_texts(lander_engine *engine, char **texts, int64_t count);
/* fails: shape (overflow, too many dims). */
lander_status dataset_set_shape(lander_dataset *d, int which, int dims,
                                const int64_t *size, lander_error *error);

#endif
