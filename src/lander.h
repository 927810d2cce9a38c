/* lander.h: the public interface of Lander, a training engine.
 *
 * Read it from top to bottom like a manual:
 *
 *    1. version                     7. layers of the host's own
 *    2. status and error            8. solvers
 *    3. engine                      9. data
 *    4. descriptions               10. pictures
 *    5. tensors                    11. Lua
 *    6. nets
 *
 * Conventions that hold for every function here:
 *
 *  - Whatever can fail takes a `lander_error *` as its last argument and returns a
 *    `lander_status`, or a pointer that is NULL on failure. The error may be NULL when
 *    the caller wants no text. On failure nothing is half-changed and nothing leaks.
 *  - The library never exits, aborts, prints, reads the environment or installs signal
 *    handlers. Out of memory is an error like another.
 *  - "owns" says who frees what is returned. `..._free(NULL)` does nothing.
 *  - An engine and everything made with it belong to one thread at a time. Two engines
 *    in two threads do not meet.
 *  - Dimensions and positions given to C functions count from zero; class labels, and
 *    positions stored as values in tensors (argmax), count from one.
 *  - Sizes of nets leave out the batch; the batch is always the first dimension of data.
 */
#ifndef LANDER_H
#define LANDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define LANDER_API __attribute__((visibility("default")))
#else
#define LANDER_API
#endif

/* ---- 1. Version ------------------------------------------------------------------ */

#define LANDER_VERSION_MAJOR 0
#define LANDER_VERSION_MINOR 1
#define LANDER_VERSION_PATCH 0
#define LANDER_VERSION       "0.1.0"

/* The element type of the whole engine: float, or double in a library that was built
 * with REAL=double (and whose hosts define LANDER_REAL_DOUBLE too). */
#ifdef LANDER_REAL_DOUBLE
typedef double lander_real;
#else
typedef float lander_real;
#endif

/* The interface's number. It goes up when a program that was compiled with an older
 * header would no longer work with the library; the shared library's soname ends in it.
 */
#define LANDER_ABI 1

/* The version and the interface of the library that is linked, as against LANDER_VERSION
 * and LANDER_ABI, the header's. owns: the library. fails: never. */
LANDER_API const char *lander_version(void);
LANDER_API int lander_abi(void);

/* sizeof(lander_real) in the library; a host compares it with its own. fails: never. */
LANDER_API size_t lander_real_size(void);

/* ---- 2. Status and error --------------------------------------------------------- */

typedef enum lander_status {
  LANDER_OK = 0,
  LANDER_ERROR_ARGUMENT, /* an option, name or value that makes no sense */
  LANDER_ERROR_SHAPE,    /* shapes that do not fit each other */
  LANDER_ERROR_MEMORY,   /* the allocator said no */
  LANDER_ERROR_IO,       /* a file could not be opened, read or written */
  LANDER_ERROR_FORMAT,   /* a file's content is truncated, altered or not what it says */
  LANDER_ERROR_DATA,  /* a sample is unusable: a label out of range, a pixel not finite */
  LANDER_ERROR_STATE, /* right call, wrong moment: backward before forward */
  LANDER_STOPPED,     /* the engine's stop flag was up */
  LANDER_DIVERGED     /* the monitor has refused an update (lander_solver_train) */
} lander_status;

#define LANDER_ERROR_LENGTH 512

/* The caller's own: no globals. `message` names what was found and what was expected,
 * and ends with what to do where that is known. It is empty after LANDER_OK. */
typedef struct lander_error {
  lander_status code;
  char message[LANDER_ERROR_LENGTH];
} lander_error;

/* A status as a word: "argument", "shape" ... fails: never. */
LANDER_API const char *lander_status_name(lander_status status);

/* ---- 3. Engine ------------------------------------------------------------------- */

/* Allocator, log, threads and the stop flag of everything that is made with it. */
typedef struct lander_engine lander_engine;

typedef enum lander_log_level {
  LANDER_LOG_DEBUG,
  LANDER_LOG_INFO,
  LANDER_LOG_WARNING
} lander_log_level;

/* Callbacks are called on the threads that call Lander, and return: only where it is said
 * may one leave by longjmp or an exception. */

/* Lua's convention: new_size 0 frees; old NULL allocates; NULL is "no memory". */
typedef void *(*lander_allocator)(void *userdata, void *old, size_t old_size,
                                  size_t new_size);
/* A line for people, without a newline at its end. */
typedef void (*lander_log_sink)(void *userdata, lander_log_level level,
                                const char *message);

/* What a path is wanted for. */
typedef enum lander_use {
  LANDER_USE_READ,   /* a file is read */
  LANDER_USE_WRITE,  /* a file is made, replaced or added to */
  LANDER_USE_REMOVE, /* a file is removed */
  LANDER_USE_LIST,   /* a folder's names are read, and what is a folder among them */
  LANDER_USE_MAKE    /* a folder is made */
} lander_use;

#define LANDER_PATH_LENGTH 4096

/* Asked before anything is done with a file or folder. `actual` begins as a copy of
 * `path`; true: go on with the path that is in `actual` then. false: the call fails with
 * "the host does not allow it". Messages show `path`. A file that is written is made
 * beside its final name under one that begins like it and ends in .tmp-..., and links are
 * followed. (Shared libraries that read pictures are not files in this sense.) */
typedef bool (*lander_path_hook)(void *userdata, lander_use use, const char *path,
                                 char actual[LANDER_PATH_LENGTH]);

typedef struct lander_config {
  lander_allocator allocate; /* NULL: realloc and free */
  void *allocate_userdata;
  lander_log_sink log; /* NULL: silence */
  void *log_userdata;
  lander_path_hook path; /* NULL: all paths, as they are */
  void *path_userdata;
  int threads; /* 0: one for each processor this process may use */
} lander_config;

/* config NULL means all defaults.
 * owns: the caller; lander_engine_free gives up the caller's hold, and what was made
 * with the engine keeps it alive. fails: memory, argument (threads outside 0..256). */
LANDER_API lander_engine *lander_engine_new(const lander_config *config,
                                            lander_error *error);
LANDER_API void lander_engine_free(lander_engine *engine);

/* Number of threads that share the work, the caller's included. Results have the same
 * bits for any number. fails: argument (outside 1..256), memory (threads can't start). */
LANDER_API int lander_engine_threads(const lander_engine *engine);
LANDER_API lander_status lander_engine_set_threads(lander_engine *engine, int threads,
                                                   lander_error *error);

/* The stop flag: may be raised from another thread or a signal handler; long calls look
 * at it between iterations and return LANDER_STOPPED. fails: never. */
LANDER_API void lander_engine_stop(lander_engine *engine, bool stop);
LANDER_API bool lander_engine_stopped(const lander_engine *engine);

/* One line a fact, "key: value": instruction set, element type,
 * threads. Written to `text` (at most `size` bytes with the final zero).
 * Returns the length that the whole text has. fails: never. */
LANDER_API size_t lander_engine_describe(const lander_engine *engine, char *text,
                                         size_t size);

/* A line to the log sink, as the library's own. fails: never. */
LANDER_API void lander_engine_log(lander_engine *engine, lander_log_level level,
                                  const char *message);

/* Files, for who opens some on a script's behalf: what the path hook makes of a path.
 * fails: io (the host does not allow it, or the path is too long). */
LANDER_API lander_status lander_engine_path(lander_engine *engine, lander_use use,
                                            const char *path,
                                            char actual[LANDER_PATH_LENGTH],
                                            lander_error *error);
/* Whether there is a path hook. fails: never. */
LANDER_API bool lander_engine_has_path_hook(const lander_engine *engine);
/* Writes a whole file: beside its final name, synced, then renamed.
 * fails: io, memory; then the old file is whole. */
LANDER_API lander_status lander_engine_write(lander_engine *engine, const char *path,
                                             const void *data, size_t size,
                                             lander_error *error);

/* ---- 4. Descriptions ------------------------------------------------------------- */

/* Layers, solver types, schedules and fillers are described by data. Constructors, help,
 * completion, saved nets and the reference pages are all made from these. */

typedef enum lander_kind {
  LANDER_LAYER,
  LANDER_SOLVER,   /* the solver's update rules: sgd, gd ... */
  LANDER_SCHEDULE, /* lr_policy: fixed, step ... */
  LANDER_FILLER,   /* initial values: xavier ... */
  LANDER_KINDS
} lander_kind;

typedef enum lander_option_kind {
  LANDER_OPTION_INT,     /* int */
  LANDER_OPTION_NUMBER,  /* double */
  LANDER_OPTION_BOOL,    /* bool: true or false */
  LANDER_OPTION_CHOICE,  /* int: place in `choices` */
  LANDER_OPTION_INTS,    /* lander_ints: one or several integers */
  LANDER_OPTION_NUMBERS, /* lander_numbers: one or several numbers */
  LANDER_OPTION_GROUP    /* a choice, with options of its own written group.option */
} lander_option_kind;

#define LANDER_LIST_MAX 16 /* entries of a list option */

typedef struct lander_ints {
  int count;
  int at[LANDER_LIST_MAX];
} lander_ints;

typedef struct lander_numbers {
  int count;
  double at[LANDER_LIST_MAX];
} lander_numbers;

/* One option. The text of a default is read as a user's would be; NULL: required. */
typedef struct lander_option {
  const char *name;
  lander_option_kind kind;
  size_t offset;        /* of its field in the owner's structure; the library's own */
  const char *fallback; /* the default as text, NULL when it must be given */
  double min, max;      /* inclusive; for lists, of every entry */
  const char *const *choices; /* CHOICE and GROUP: the words, ended by NULL */
  int position; /* place among the unnamed entries, from 1; -1: all of them make the list
                 */
  const char *help;                    /* one line, no full stop */
  const struct lander_option *members; /* GROUP: its own options, ended by a NULL name */
} lander_option;

typedef struct lander_description {
  const char *name;
  const char *help;             /* one line: what it is, and the formula */
  const char *example;          /* a line of Lua that can be pasted */
  const lander_option *options; /* ended by a NULL name */
} lander_description;

/* Fills in the description number `index` (from 0) of a kind; false past the last.
 * owns: the texts and tables are the library's. fails: never. */
LANDER_API bool lander_describe(lander_kind kind, int index,
                                lander_description *description);

/* Checks one layer's options, written as in the text of a net (section 6), without
 * building anything. fails: argument (no such layer, with the nearest name; an option
 * unknown, missing, of the wrong kind or out of bounds). */
LANDER_API lander_status lander_layer_check(lander_engine *engine, const char *type,
                                            const char *options, lander_error *error);

/* ---- 5. Tensors ------------------------------------------------------------------ */

#define LANDER_MAX_DIMS 8

/* A view of storage that is shared and counted. Any strides; zero-sized dimensions are
 * allowed. */
typedef struct lander_tensor lander_tensor;

/* A new tensor of zeros, contiguous, row-major.
 * owns: the caller (lander_tensor_free gives up one hold; views keep the storage).
 * fails: shape (negative size, too many dims or elements), memory. */
LANDER_API lander_tensor *lander_tensor_new(lander_engine *engine, int dims,
                                            const int64_t *size, lander_error *error);
LANDER_API void lander_tensor_free(lander_tensor *t);

/* A tensor on the host's own memory, without a copy: `size` elements at the `strides` (in
 * elements; NULL: row-major, without gaps; 0: one element stands for all, and can't be
 * written to) from `data` on. Other elements must not share memory, which must stay until
 * `release` is called (NULL: until the host knows that no tensor looks at it any more),
 * once, when the last tensor on it is freed; on failure it is not called.
 * owns: the caller; the memory stays the host's. fails: shape, argument (no memory, or a
 * negative stride), memory. */
typedef void (*lander_release)(void *userdata, lander_real *data);
LANDER_API lander_tensor *lander_tensor_wrap(lander_engine *engine, lander_real *data,
                                             int dims, const int64_t *size,
                                             const int64_t *strides,
                                             lander_release release, void *userdata,
                                             lander_error *error);

/* Another tensor on the same elements. owns: the caller. fails: memory. */
LANDER_API lander_tensor *lander_tensor_alias(const lander_tensor *t,
                                              lander_error *error);

/* What a tensor says of itself; its engine, sizes and strides stay for as long as it
 * does. owns: the tensor. fails: never. */
LANDER_API lander_engine *lander_tensor_engine(const lander_tensor *t);
LANDER_API int lander_tensor_dims(const lander_tensor *t);
LANDER_API const int64_t *lander_tensor_sizes(const lander_tensor *t);
LANDER_API const int64_t *lander_tensor_strides(const lander_tensor *t);
LANDER_API int64_t lander_tensor_count(const lander_tensor *t);
LANDER_API bool lander_tensor_is_contiguous(const lander_tensor *t);
/* The first element; elements lie at the strides. owns: the tensor. fails: never. */
LANDER_API lander_real *lander_tensor_data(const lander_tensor *t);

/* Reads and writes one array as numpy.save does (.npy). Read are f4, f8, i1 to i8, u1 to
 * u8 and b1, in either byte order, by rows or by columns; written is lander_real. The
 * file is written beside its final name, synced, then renamed.
 * load: owns: the caller. fails: io, format, shape (too many dims), memory.
 * save: fails: io, memory; then the old file is whole. */
LANDER_API lander_tensor *lander_tensor_load(lander_engine *engine, const char *path,
                                             lander_error *error);
LANDER_API lander_status lander_tensor_save(const lander_tensor *t, const char *path,
                                            lander_error *error);

/* Memory of the storage behind t when no other tensor shares it, in bytes; else 0. What a
 * host's own collector may want to know. fails: never. */
LANDER_API size_t lander_tensor_bytes(const lander_tensor *t);

/* Views. They share t's storage: writing through one is seen by all. Each returns a new
 * tensor. owns: the caller. Besides what is said, fails: memory, argument (a dimension
 * outside 0 .. dims-1). */

/* The same elements, in row-major order, with another shape of as many; one size may be
 * -1 and is worked out.
 * owns: the caller. fails: shape (another count, or strides that don't allow it). */
LANDER_API lander_tensor *lander_tensor_view(const lander_tensor *t, int dims,
                                             const int64_t *size, lander_error *error);
/* A view where that is possible, else a copy.
 * owns: the caller. fails: shape (another count). */
LANDER_API lander_tensor *lander_tensor_reshape(const lander_tensor *t, int dims,
                                                const int64_t *size, lander_error *error);
/* Dimension i of the result is dimension order[i] of t; order has all of them once.
 * transpose: these two change places. owns: the caller. fails: argument. */
LANDER_API lander_tensor *lander_tensor_permute(const lander_tensor *t, const int *order,
                                                lander_error *error);
LANDER_API lander_tensor *lander_tensor_transpose(const lander_tensor *t, int dim1,
                                                  int dim2, lander_error *error);
/* Positions start .. start+length-1 of one dimension.
 * owns: the caller. fails: argument (outside). */
LANDER_API lander_tensor *lander_tensor_narrow(const lander_tensor *t, int dim,
                                               int64_t start, int64_t length,
                                               lander_error *error);
/* One position of a dimension, which goes away.
 * owns: the caller. fails: argument (outside). */
LANDER_API lander_tensor *lander_tensor_select(const lander_tensor *t, int dim,
                                               int64_t index, lander_error *error);
/* Stands for every dimension, where a function says so. */
#define LANDER_ALL_DIMS (-1)
/* Takes away a dimension of size 1 (of another size: changes nothing), or
 * LANDER_ALL_DIMS of size 1. owns: the caller. fails: argument. */
LANDER_API lander_tensor *lander_tensor_squeeze(const lander_tensor *t, int dim,
                                                lander_error *error);
/* Puts in a dimension of size 1 before dimension dim (0 .. dims).
 * owns: the caller. fails: argument, shape (too many dims). */
LANDER_API lander_tensor *lander_tensor_unsqueeze(const lander_tensor *t, int dim,
                                                  lander_error *error);
/* Dimensions of size 1 repeated to `size` without copying, and new ones put in front; -1
 * keeps a size. The result can't be written to.
 * owns: the caller. fails: shape (a size other than 1 would change). */
LANDER_API lander_tensor *lander_tensor_expand(const lander_tensor *t, int dims,
                                               const int64_t *size, lander_error *error);

/* t itself in a new tensor when it is contiguous, else a copy. clone always copies.
 * owns: the caller. fails: memory. */
LANDER_API lander_tensor *lander_tensor_contiguous(const lander_tensor *t,
                                                   lander_error *error);
LANDER_API lander_tensor *lander_tensor_clone(const lander_tensor *t,
                                              lander_error *error);

/* A tensor without dimensions, which holds one number. owns: the caller. fails: memory.
 */
LANDER_API lander_tensor *lander_tensor_scalar(lander_engine *engine, double value,
                                               lander_error *error);
/* first, first + step ... up to and with last (a hair's breadth of rounding allowed), as
 * Lua's for counts; empty when last lies on the wrong side.
 * owns: the caller. fails: argument (step 0, a bound not finite), shape (too many),
 * memory. */
LANDER_API lander_tensor *lander_tensor_range(lander_engine *engine, double first,
                                              double last, double step,
                                              lander_error *error);

/* Element by element. Inputs of different shapes are broadcast as NumPy's: aligned at the
 * last dimension, sizes equal or 1. NaN goes through everything; comparisons give 0 or
 * 1, and with NaN 0 (ne: 1). */
typedef enum lander_operation {
  LANDER_OP_COPY,     /* a */
  LANDER_OP_NEG,      /* -a */
  LANDER_OP_EXP,      /* e^a */
  LANDER_OP_LOG,      /* natural logarithm; of negative numbers NaN */
  LANDER_OP_SQRT,     /* of negative numbers NaN */
  LANDER_OP_ABS,      /* |a| */
  LANDER_OP_TANH,     /* hyperbolic tangent */
  LANDER_OP_SIGMOID,  /* 1 / (1 + e^-a) */
  LANDER_OP_RELU,     /* max(0, a) */
  LANDER_OP_SIGN,     /* -1, 0 or 1 */
  LANDER_OP_FLOOR,    /* the next integer below or equal */
  LANDER_OP_ISFINITE, /* 1; 0 for NaN and infinities */
  LANDER_OP_ADD,      /* a + b */
  LANDER_OP_SUB,      /* a - b */
  LANDER_OP_MUL,      /* a b */
  LANDER_OP_DIV,      /* a / b */
  LANDER_OP_POW,      /* a^b */
  LANDER_OP_MAXIMUM,  /* the larger one */
  LANDER_OP_MINIMUM,  /* the smaller one */
  LANDER_OP_EQ,       /* a == b */
  LANDER_OP_NE,       /* a != b */
  LANDER_OP_LT,       /* a < b */
  LANDER_OP_LE,       /* a <= b */
  LANDER_OP_GT,       /* a > b */
  LANDER_OP_GE,       /* a >= b */
  LANDER_OP_CLAMP,    /* min(max(a, b), c) */
  LANDER_OP_WHERE,    /* b where a is 1, c where a is 0 */
  LANDER_OPERATIONS
} lander_operation;

/* The operation's name ("add") and how many inputs it takes (1..3, NULL: not asked for).
 * fails: never; NULL for a number that is no operation. */
LANDER_API const char *lander_operation_name(lander_operation op, int *inputs);

/* A new tensor of the inputs' common shape; b and c are NULL where op takes fewer inputs.
 * owns: the caller. fails: shape (can't be broadcast), data (where: a holds something
 * else than 0 and 1), argument (a missing input, or one of another engine), memory. */
LANDER_API lander_tensor *lander_tensor_apply(lander_operation op, const lander_tensor *a,
                                              const lander_tensor *b,
                                              const lander_tensor *c,
                                              lander_error *error);
/* The same, written to `out`, to whose shape the inputs are broadcast. out may be an
 * input, or share memory with one in any way: the result is as if the inputs had been
 * copied first. fails: as apply; argument (out is expanded, so that elements share
 * memory); then out is as it was. */
LANDER_API lander_status lander_tensor_apply_into(lander_operation op, lander_tensor *out,
                                                  const lander_tensor *a,
                                                  const lander_tensor *b,
                                                  const lander_tensor *c,
                                                  lander_error *error);
/* Every element becomes value. fails: argument (t is expanded). */
LANDER_API lander_status lander_tensor_fill(lander_tensor *t, double value,
                                            lander_error *error);

/* Draws begin, begin+1 ... of the sequence of `seed` (Philox4x32-10), one for each
 * element in row-major order: pure functions, so a caller counts what it has drawn.
 * uniform: in [low, high). fails: argument (low > high, std < 0, not finite; t is
 * expanded), memory. */
LANDER_API lander_status lander_tensor_uniform(lander_tensor *t, uint64_t seed,
                                               uint64_t begin, double low, double high,
                                               lander_error *error);
LANDER_API lander_status lander_tensor_normal(lander_tensor *t, uint64_t seed,
                                              uint64_t begin, double mean, double std,
                                              lander_error *error);

/* Reductions. Sums are taken in double, in an order that depends on the shape alone. */
typedef enum lander_reduction {
  LANDER_REDUCE_SUM,    /* of nothing: 0 */
  LANDER_REDUCE_MEAN,   /* of nothing: NaN */
  LANDER_REDUCE_PROD,   /* of nothing: 1 */
  LANDER_REDUCE_MIN,    /* of nothing: an error; NaN when one is among the elements */
  LANDER_REDUCE_MAX,    /* likewise */
  LANDER_REDUCE_ARGMIN, /* position, from 1, of the first smallest; of the first NaN when
                           there is one; of nothing: an error */
  LANDER_REDUCE_ARGMAX, /* likewise; over all elements: in row-major order */
  LANDER_REDUCE_NORM,   /* Euclidean: the root of the sum of squares */
  LANDER_REDUCE_VAR,    /* sum of squared deviations / (n - 1); of one element: NaN */
  LANDER_REDUCE_STD,    /* the root of var */
  LANDER_REDUCE_ALL,    /* 1 when none is 0, else 0; of nothing: 1 */
  LANDER_REDUCE_ANY,    /* 1 when one is not 0, else 0; of nothing: 0 */
  LANDER_REDUCTIONS
} lander_reduction;

/* The reduction's name ("sum"); NULL for a number that is none. fails: never. */
LANDER_API const char *lander_reduction_name(lander_reduction op);

/* Over one dimension, which goes away (keep: becomes 1), or over LANDER_ALL_DIMS.
 * owns: the caller. fails: argument (dim), shape (nothing to choose from; positions
 * larger than a real holds exactly), memory. */
LANDER_API lander_tensor *lander_tensor_reduce(lander_reduction op,
                                               const lander_tensor *t, int dim, bool keep,
                                               lander_error *error);
/* Over all elements, as a double that was not rounded. fails: shape, memory. */
LANDER_API lander_status lander_tensor_reduce_all(lander_reduction op,
                                                  const lander_tensor *t, double *value,
                                                  lander_error *error);

/* Matrix products. mm: (m, k) (k, n) -> (m, n). bmm: (batch, m, k) (batch, k, n) ->
 * (batch, m, n). owns: the caller. fails: shape, memory. */
LANDER_API lander_tensor *lander_tensor_mm(const lander_tensor *a, const lander_tensor *b,
                                           lander_error *error);
LANDER_API lander_tensor *lander_tensor_bmm(const lander_tensor *a,
                                            const lander_tensor *b, lander_error *error);
/* The sum of a b, in double, over two tensors of one shape. fails: shape, memory. */
LANDER_API lander_status lander_tensor_dot(const lander_tensor *a, const lander_tensor *b,
                                           double *value, lander_error *error);

/* Joins tensors along a dimension that they have (cat: other sizes equal), or along a new
 * one before dimension dim (stack: all sizes equal).
 * owns: the caller. fails: shape, argument (count < 1, dim), memory. */
LANDER_API lander_tensor *lander_tensor_cat(lander_tensor *const *tensors, int count,
                                            int dim, lander_error *error);
LANDER_API lander_tensor *lander_tensor_stack(lander_tensor *const *tensors, int count,
                                              int dim, lander_error *error);

/* Sorts along a dimension; equal ones keep their order, NaN counts as larger than all.
 * *values and *positions (from 1) are new tensors of t's shape; either may be NULL.
 * owns: the caller. fails: argument (dim), shape (positions too large), memory. */
LANDER_API lander_status lander_tensor_sort(const lander_tensor *t, int dim,
                                            bool descending, lander_tensor **values,
                                            lander_tensor **positions,
                                            lander_error *error);

/* Positions are numbers from 1, held in a tensor.
 * gather: out[i][j] = t[index[i][j]][j] for dim 0, t[i][index[i][j]] for dim 1, and so
 * on; out has the shape of index, which is no larger than t in the other dimensions.
 * index_select: the slices at index (n) of dimension dim, which becomes n long.
 * owns: the caller. fails: shape, argument (dim), data (a position that is not whole or
 * outside), memory. */
LANDER_API lander_tensor *lander_tensor_gather(const lander_tensor *t, int dim,
                                               const lander_tensor *index,
                                               lander_error *error);
LANDER_API lander_tensor *lander_tensor_index_select(const lander_tensor *t, int dim,
                                                     const lander_tensor *index,
                                                     lander_error *error);

/* Whether |a - b| <= atol + rtol |b| everywhere; equal infinities are close, NaN never
 * is. fails: shape (can't be broadcast), argument (a tolerance negative or NaN), memory.
 */
LANDER_API lander_status lander_tensor_allclose(const lander_tensor *a,
                                                const lander_tensor *b, double rtol,
                                                double atol, bool *close,
                                                lander_error *error);

/* The elements as text, as NumPy prints them: columns aligned, 4 digits after the point,
 * with an exponent where sizes differ much, more than 1000 elements shortened to the 3
 * first and last of each dimension. At most `size` bytes with the final zero are
 * written. Returns the length that the whole text has. fails: never. */
LANDER_API size_t lander_tensor_print(const lander_tensor *t, char *text, size_t size);

/* ---- 6. Nets --------------------------------------------------------------------- */

/* A graph of layers with its parameters, their gradients, and the memory that forward
 * and backward need. Its text has one layer a line (at most 8192), in an order in which
 * every input is known, and after them the parameters' settings that are not the
 * defaults:
 *
 *     # a comment
 *     data    = input () shape=1,28,28
 *     conv1   = conv (data) outputs=20 kernel=5
 *     relu1   = relu (conv1)
 *     linear1 = linear (relu1) outputs=10 weight_filler=gaussian weight_filler.std=0.01
 *     label   = label ()
 *     loss    = softmax_loss (linear1, label)
 *     param conv1.bias lr_mult=2 decay_mult=0
 *
 * The same text is the net's description in a saved file. A layer with several outputs
 * is referred to as name:1, name:2 ... */
typedef struct lander_net lander_net;

typedef enum lander_phase { LANDER_TRAIN, LANDER_TEST } lander_phase;

/* Builds a net and fills its parameters. `seed` decides initial values and dropout.
 * owns: the caller. fails: argument (with the line, the layer and the nearest known
 * word), shape (with the layer and both shapes), memory. */
LANDER_API lander_net *lander_net_build(lander_engine *engine, const char *text,
                                        uint64_t seed, lander_error *error);

/* Adds layers without parameters (a loss, a metric) behind a net that exists.
 * fails: as build does; then the net is as it was. */
LANDER_API lander_status lander_net_append(lander_net *net, const char *text,
                                           lander_error *error);

/* Reads a saved net: lander_net_load with an engine of its own, lander_net_open with the
 * caller's. owns: the caller. fails: io, format (names file and member), argument, shape,
 * memory. */
LANDER_API lander_net *lander_net_load(const char *path, lander_error *error);
LANDER_API lander_net *lander_net_open(lander_engine *engine, const char *path,
                                       lander_error *error);

/* Writes the net as .npz: net.txt, one member for each parameter, the note. Beside the
 * final name, synced, then renamed. fails: io, memory; then the old file is whole. */
LANDER_API lander_status lander_net_save(const lander_net *net, const char *path,
                                         lander_error *error);
LANDER_API void lander_net_free(lander_net *net);

/* The net's text, as build reads it. owns: the net, until it is changed. fails: never. */
LANDER_API const char *lander_net_text(const lander_net *net);

/* A text of the host's own that is saved with the net, NULL without one. lander.train
 * writes into it what `lander predict` must know of the data, as JSON: the names of the
 * classes, what the numbers were scaled by (doc/data.md). owns: the net, until it is set.
 * fails: never. */
LANDER_API const char *lander_net_note(const lander_net *net);
/* Sets the note, to a copy; NULL: none. fails: memory; then the old one is there. */
LANDER_API lander_status lander_net_set_note(lander_net *net, const char *note,
                                             lander_error *error);

/* owns: the net. fails: never. */
LANDER_API lander_engine *lander_net_engine(const lander_net *net);
/* Train: dropout drops, running statistics run. A net begins in this phase; predictions
 * are made in the other one, whatever is set. fails: never. */
LANDER_API lander_phase lander_net_phase(const lander_net *net);
LANDER_API void lander_net_set_phase(lander_net *net, lander_phase phase);
/* Whether one of its layers, of the host's own, is being computed just now: then it may
 * not be freed, nor lander_net_want_input_gradient be called. fails: never. */
LANDER_API bool lander_net_running(const lander_net *net);

/* Layers in order, index from 0. fails: never; an index outside gives NULL. */
typedef struct lander_layer_info {
  const char *name;
  const char *type;
  int inputs;
  const char *input[LANDER_LIST_MAX]; /* names, as in the text */
  int outputs;
  int dims;                           /* of the first output, without the batch */
  int64_t size[LANDER_MAX_DIMS];      /* of the first output, without the batch */
  bool batched;                       /* false: one value for the whole batch (a loss) */
  int64_t parameters;                 /* numbers to be learnt */
  int64_t multiply_adds;              /* of one forward pass of one sample */
  double forward_time, backward_time; /* seconds, as lander_net_time has added them up */
} lander_layer_info;
LANDER_API int lander_net_layers(const lander_net *net);
LANDER_API bool lander_net_layer(const lander_net *net, int index,
                                 lander_layer_info *info);
/* From here on (on), or no longer, the time that each layer takes in forward and backward
 * passes is added up, beginning with none. A ReLU whose work the layer before it does, as
 * in a solver's net, takes none. fails: never. */
LANDER_API void lander_net_time(lander_net *net, bool on);
/* The place of a layer by name, -1 if there is none. fails: never. */
LANDER_API int lander_net_find(const lander_net *net, const char *name);

/* Names of the inputs (data first, in the order of the text, then labels).
 * fails: never; NULL past the last. */
LANDER_API const char *lander_net_input(const lander_net *net, int index);
LANDER_API int lander_net_inputs(const lander_net *net); /* labels not counted */
LANDER_API int lander_net_labels(const lander_net *net);
/* The layer whose output is the net's: the last one that is no loss, metric or label.
 * fails: never. */
LANDER_API int lander_net_output(const lander_net *net);
/* Whether a loss layer is in the net. fails: never. */
LANDER_API bool lander_net_has_loss(const lander_net *net);

/* A forward pass. `inputs` are `count` tensors in lander_net_input's order: all of them,
 * or the data inputs alone, and then the layers that need a label are not run. Each is
 * (batch, ...) with the shape that its input declares.
 * fails: shape, data (a label out of range), memory (a larger batch than before). */
LANDER_API lander_status lander_net_forward(lander_net *net, lander_tensor *const *inputs,
                                            int count, lander_error *error);

/* A backward pass from the loss (dy NULL), or from dy, the gradient of the output.
 * Gradients are written, or added to what is there when `accumulate` is true.
 * fails: state (no forward pass before, or a prediction since), shape, argument (no
 * loss), memory (the first time). */
LANDER_API lander_status lander_net_backward(lander_net *net, const lander_tensor *dy,
                                             bool accumulate, lander_error *error);

/* The output of a layer after forward, the gradient of it after backward, as a view
 * (batch, ...) that the next pass overwrites. A prediction keeps the net's output alone:
 * asked for another one, it is run once more, with the inputs and weights of now.
 * owns: the caller. fails: state (not run yet), argument (no such layer), memory. */
LANDER_API lander_tensor *lander_net_value(lander_net *net, int layer, int output,
                                           lander_error *error);
LANDER_API lander_tensor *lander_net_gradient(lander_net *net, int layer, int output,
                                              lander_error *error);

/* Whether backward makes the gradients of the data inputs too (it does not by itself:
 * the first layer's is the dearest and nobody reads it). fails: never. */
LANDER_API void lander_net_want_input_gradient(lander_net *net, bool want);

/* A net that a solver has saves memory: outputs that a layer behind them may write over,
 * and gradients of outputs, are gone after a pass (lander_net_value and
 * lander_net_gradient say so). keep: all of them stay, from the next pass on. fails:
 * state (in a pass). */
LANDER_API lander_status lander_net_keep(lander_net *net, bool keep, lander_error *error);

/* The weighted sum of the losses of the last forward. fails: never (NaN if none ran). */
LANDER_API double lander_net_loss(const lander_net *net);
/* The chance level: what that is for a net whose answer doesn't look at its input, all
 * classes being as frequent: ln(classes) for a softmax_loss. NaN when a loss has none (a
 * regression's depends on the data). fails: never. */
LANDER_API double lander_net_chance(const lander_net *net);

/* Predicts in test phase: `x` is batch samples one after another, `y` gets the output of
 * each; scores that feed a softmax_loss come as probabilities.
 * fails: argument (several inputs), memory. */
LANDER_API lander_status lander_net_predict(lander_net *net, const lander_real *x,
                                            int64_t batch, lander_real *y,
                                            lander_error *error);
/* The same on tensors, for nets with any number of inputs (without labels): a new tensor
 * (batch, ...). owns: the caller. fails: as lander_net_forward does. */
LANDER_API lander_tensor *lander_net_predict_tensor(lander_net *net,
                                                    lander_tensor *const *inputs,
                                                    int count, lander_error *error);
/* The output of a layer in a pass in test phase, which keeps them all: a view, as
 * lander_net_value's. owns: the caller. fails: as lander_net_forward does; argument (no
 * such layer), state (the layer takes labels, and none are given). */
LANDER_API lander_tensor *lander_net_features(lander_net *net, int layer, int output,
                                              lander_tensor *const *inputs, int count,
                                              lander_error *error);
/* How many numbers a sample of the input and of the prediction has. fails: never. */
LANDER_API int64_t lander_net_input_size(const lander_net *net);
LANDER_API int64_t lander_net_output_size(const lander_net *net);

/* A parameter. data and grad are views of the net's two arenas, which lie in this order.
 * The multipliers may be changed through lander_net_set_param. */
typedef struct lander_param {
  const char *name; /* "conv1.weight"; owns: the net */
  int layer;
  lander_tensor *data; /* owns: the net */
  lander_tensor *grad; /* owns: the net */
  double lr_mult;
  double decay_mult;
  bool frozen; /* not trained; no gradient is made */
  bool state; /* no weight but what a layer remembers (running statistics): saved with the
                 net, always frozen, not counted as a parameter */
} lander_param;
/* How many there are; one of them; the place of one by name. owns: the net, until it is
 * freed. fails: never; NULL or -1 where there is none. */
LANDER_API int lander_net_params(const lander_net *net);
LANDER_API const lander_param *lander_net_param(const lander_net *net, int index);
LANDER_API int lander_net_find_param(const lander_net *net, const char *name);
/* fails: argument (index, a state, or a multiplier that is negative or not finite). */
LANDER_API lander_status lander_net_set_param(lander_net *net, int index, double lr_mult,
                                              double decay_mult, bool frozen,
                                              lander_error *error);
/* Fills all parameters anew, as build does with that seed. fails: never. */
LANDER_API void lander_net_reset(lander_net *net, uint64_t seed);

/* ---- 7. Layers of the host's own -------------------------------------------------- */

/* A type of layer that the host computes, for one engine: described like the library's
 * own, with options, weights and one output. (nn.define in Lua is made of this.) */

typedef struct lander_layer_shape {
  int dims; /* without the batch */
  int64_t size[LANDER_MAX_DIMS];
} lander_layer_shape;

#define LANDER_LAYER_WEIGHTS 8

typedef struct lander_layer_weight {
  char name[32]; /* "weight" */
  lander_layer_shape shape;
  char filler[96]; /* "filler=gaussian filler.std=0.01"; empty: xavier */
} lander_layer_weight;

typedef struct lander_layer_setup {
  const char *layer; /* its name in the net */
  const void *self;  /* its options, read into a structure of the definition's size */
  int inputs;
  lander_layer_shape in[LANDER_LIST_MAX];
  /* to be filled in; out is in[0] before */
  lander_layer_shape out;
  int weights;
  lander_layer_weight weight[LANDER_LAYER_WEIGHTS];
} lander_layer_setup;

/* One pass. Every block is (batch, shape), row-major; weights have their own shape.
 * forward writes y. backward writes dx, and adds to dw, where these are not NULL. */
typedef struct lander_layer_pass {
  const lander_layer_setup *setup; /* as the callback filled it in */
  lander_phase phase;
  int64_t batch;
  const lander_real *x[LANDER_LIST_MAX];
  const lander_real *w[LANDER_LAYER_WEIGHTS];
  lander_real *y;
  const lander_real *dy;
  lander_real *dx[LANDER_LIST_MAX];
  lander_real *dw[LANDER_LAYER_WEIGHTS];
} lander_layer_pass;

/* Callbacks return LANDER_OK or fill in the error, with which the pass fails. They are
 * called on the thread that runs the pass. */
typedef struct lander_layer_definition {
  const char *name;
  const char *help;
  const lander_option *options; /* ended by a NULL name; NULL: none */
  size_t size;                  /* of the options' structure */
  int inputs;
  bool loss; /* y is one number for the whole batch, to be minimised; the last input is
                the target, which takes no gradient unless dx is there */
  void *userdata;
  lander_status (*setup)(void *userdata, lander_layer_setup *setup, lander_error *error);
  lander_status (*forward)(void *userdata, const lander_layer_pass *pass,
                           lander_error *error);
  lander_status (*backward)(void *userdata, const lander_layer_pass *pass,
                            lander_error *error);
  /* NULL, or called when a layer's net is freed, or its setup has failed. */
  void (*release)(void *userdata, lander_layer_setup *setup);
} lander_layer_definition;

/* Makes the type known to nets that are built from now on; a later definition of the same
 * name takes its place. What the definition points to must live as long as the engine.
 * fails: argument (a callback or the name is missing, too many inputs), memory. */
LANDER_API lander_status lander_engine_define(lander_engine *engine,
                                              const lander_layer_definition *definition,
                                              lander_error *error);

/* ---- 8. Solvers ------------------------------------------------------------------ */

/* Minimises a net's loss. Options are Caffe's words, written as key=value:
 *     type=sgd base_lr=0.01 momentum=0.9 weight_decay=0.0005 lr_policy=step gamma=0.1
 *     stepsize=1000 max_iter=3500
 * doc/solver.md has the formulas. A type that looks at the loss in several places before
 * it moves (lbfgs) goes forward and backward several times in one iteration. */
typedef struct lander_solver lander_solver;

/* Why an iteration was rejected; doc/divergence.md has the rules in full. */
typedef enum lander_rule {
  LANDER_RULE_NONE,
  LANDER_RULE_LOSS,     /* R1: the loss or an output is not finite */
  LANDER_RULE_GRADIENT, /* R2: the squared norm of the gradient is not finite */
  LANDER_RULE_BLOWUP,   /* R3: the median of the last 5 losses is far above the first */
  LANDER_RULE_RISE,     /* R4: it is far above the last 100 losses */
  LANDER_RULE_SHIFT,    /* R4b: what was learnt is lost: the loss is back at chance */
  LANDER_RULE_STALL     /* R5: nothing was learnt, and the weights have gone far */
} lander_rule;

/* What one iteration found. Numbers that a rule doesn't have are NaN. */
typedef struct lander_step {
  double loss;          /* mean over the minibatch, without the regulariser */
  double rate;          /* the learning rate of this iteration */
  double gradient_norm; /* of dL/dW over all parameters, before clipping; NaN: not made */
  lander_rule rule;     /* LANDER_RULE_NONE: accepted */
  lander_rule warning;  /* accepted, but the loss stays at chance (R5); said once */
  double value;         /* what the rule found too high: the loss (R1), the norm (R2), the
                           median (R3, R4), the mean of the last 100 losses (R4b, R5; each
                           counted up to twice the chance level) */
  double threshold;     /* the bound that it passed (R3 to R5) */
  double baseline;    /* what that is made from: the first loss (R3), the mean of the last
                         100 (R4), the best such mean (R4b), the chance level (R5) */
  double distance;    /* R5: norm(w - start) / norm(start) */
  const char *reason; /* R5: "dead net"; with a warning "rate too low", "nothing to
                         learn"; else NULL */
  const char *where;  /* R1: the layer that made it (finite in, not finite out), or the
                         input that had it; R2: the first parameter whose gradient is not
                         finite; else NULL. owns: the net */
} lander_step;

/* "R1", "R2", "R3", "R4", "R4b", "R5"; "none". fails: never. */
LANDER_API const char *lander_rule_name(lander_rule rule);

/* Each type's description (LANDER_SOLVER) lists the options, each schedule's
 * (LANDER_SCHEDULE) those that lr_policy makes it need or use.
 * owns: the caller; the net must outlive the solver, the binding sees to that.
 * fails: argument (an option unknown, missing, out of bounds or without effect; the net
 * has no loss or no parameters), memory. */
LANDER_API lander_solver *lander_solver_new(lander_net *net, const char *options,
                                            lander_error *error);
LANDER_API void lander_solver_free(lander_solver *solver);

/* One iteration on a minibatch, in train phase: forward, backward, and the update when
 * the monitor accepts it; otherwise nothing is changed (weights, history, iteration) and
 * step->rule says why. `inputs` are all of the net's, labels last. With iter_size n the
 * batch is cut in n parts whose gradients are averaged.
 * fails: shape, data, memory, argument (batch not divisible by iter_size; a rate that is
 * negative or not finite); then nothing was changed either. */
LANDER_API lander_status lander_solver_step(lander_solver *solver,
                                            lander_tensor *const *inputs, int count,
                                            lander_step *step, lander_error *error);

/* The iteration: how many updates were made. fails: never. */
LANDER_API int64_t lander_solver_iter(const lander_solver *solver);
/* The rate of the next iteration, and of iteration t (pure; plateau: as if the loss
 * stayed as it is). fails: never. */
LANDER_API double lander_solver_rate(const lander_solver *solver);
LANDER_API double lander_solver_rate_at(const lander_solver *solver, int64_t t);
/* The mean loss of the last average_loss accepted iterations; NaN before the first.
 * fails: never. */
LANDER_API double lander_solver_loss(const lander_solver *solver);
/* The losses of the last accepted iterations, the newest one last: at most `most` (it
 * remembers 1000, also across a snapshot). Returns how many there are in `losses`.
 * fails: never. */
LANDER_API int lander_solver_losses(const lander_solver *solver, double *losses,
                                    int most);

/* Options by name, as text; changed ones hold from the next iteration on. The type can't
 * be changed; what lr_policy will need is set before it. get writes the text as new reads
 * it. fails: argument (get: also a value longer than size), memory; then nothing was
 * changed. */
LANDER_API lander_status lander_solver_set(lander_solver *solver, const char *name,
                                           const char *value, lander_error *error);
LANDER_API lander_status lander_solver_get(const lander_solver *solver, const char *name,
                                           char *value, size_t size, lander_error *error);

/* A schedule of the host's own, in place of lr_policy; NULL takes it back. It is called
 * when a rate is asked for, once in an iteration, with t counting from 0; warmup and
 * lr_scale apply to what it returns. restore takes it back where the snapshot is of a
 * solver whose lr_policy was set later on, and has_schedule tells. fails: never. */
typedef double (*lander_schedule)(void *userdata, int64_t t);
LANDER_API void lander_solver_set_schedule(lander_solver *solver,
                                           lander_schedule schedule, void *userdata);
LANDER_API bool lander_solver_has_schedule(const lander_solver *solver);

/* Where the training begins: the losses of `times` forward passes without an update
 * (their mean is L0, their deviation s0), the weights as they are now, and the chance
 * level (NaN: lander_net_chance). Rules R3 to R5 are off before, and when one of the
 * losses is not finite; R4b and R5 when no chance level is known. A copy of the weights
 * is kept until something was learnt. fails: argument (a chance level that is not above
 * 0), memory; nothing was changed. */
LANDER_API lander_status lander_solver_baseline(lander_solver *solver,
                                                const double *losses, int times,
                                                double chance, lander_error *error);

/* Rule R7: whether all weights and the history are finite. *where (may be NULL) is the
 * first parameter that is not, or NULL. fails: state. */
LANDER_API lander_status lander_solver_check(const lander_solver *solver,
                                             const char **where, lander_error *error);

/* What a block of numbers holds. */
typedef struct lander_range {
  int64_t count;
  int64_t not_finite; /* how many of them are */
  int64_t first;      /* the first of those, from 0; -1: none */
  double min, max;    /* of the others; NaN without any */
} lander_range;

/* What a minibatch does at the weights as they are. */
typedef struct lander_probe {
  double loss;
  double gradient_norm;
  lander_rule rule;  /* R1, R2, or none: all is finite */
  const char *where; /* the layer that made it, or the parameter whose gradient it is (in
                        the order of backward). owns: the net */
  bool is_input;     /* where is an input or a label: the data has it */
  int64_t sample; /* of the minibatch, from 0, the first that has it; -1: no single one */
  int inputs;     /* what the layer took in; R2: the gradients of its outputs */
  lander_range input[LANDER_LIST_MAX];
  lander_range output; /* and what it made of that; R2: a gradient */
} lander_probe;

/* One iteration without the update and with a close look: forward and backward in train
 * phase, with the random numbers that the next step would draw. Nothing is changed but
 * the net's outputs and gradients. fails: as lander_solver_step. */
LANDER_API lander_status lander_solver_probe(lander_solver *solver,
                                             lander_tensor *const *inputs, int count,
                                             lander_probe *probe, lander_error *error);

/* Multiplies what the type remembers of the direction of past steps (a velocity, a first
 * moment) by a factor from 0 to 1; other history (mean squares) stays. After the rate was
 * lowered. fails: argument. */
LANDER_API lander_status lander_solver_scale_history(lander_solver *solver, double factor,
                                                     lander_error *error);

/* What a snapshot holds (the note apart), in memory: weights and layers' states, history,
 * iteration, schedule, monitor, options, multipliers. For going back to. */
typedef struct lander_checkpoint lander_checkpoint;

/* The solver as it is now. `reuse`, NULL or an older one of the same net and type of
 * solver, is written over and returned, and no memory is asked for. owns: the caller.
 * fails: state (R7, or in the middle of a pass), argument (reuse is of another solver),
 * memory; then reuse is what it was. */
LANDER_API lander_checkpoint *lander_solver_checkpoint(const lander_solver *solver,
                                                       lander_checkpoint *reuse,
                                                       lander_error *error);
/* Puts everything back, bit for bit; the checkpoint can be returned to again. Options are
 * what they were then, lr_scale too: a retry sets it afterwards. A schedule of the host's
 * own stays. fails: argument (a checkpoint of another net or type), state (in the middle
 * of a pass), memory (multipliers were changed); then nothing was changed. */
LANDER_API lander_status lander_solver_return(lander_solver *solver,
                                              const lander_checkpoint *checkpoint,
                                              lander_error *error);
/* fails: never. */
LANDER_API int64_t lander_checkpoint_iter(const lander_checkpoint *checkpoint);
LANDER_API size_t lander_checkpoint_bytes(const lander_checkpoint *checkpoint);
LANDER_API void lander_checkpoint_free(lander_checkpoint *checkpoint);

/* Everything that training needs to go on: weights, history, iteration, schedule and
 * monitor, in one .npz that lander_net_load reads too.
 * `note` is a text of the caller's own that is kept with it (NULL: none).
 * fails: state (a weight or a history value is not finite: nothing is saved), io, memory;
 * then the old file is whole. */
LANDER_API lander_status lander_solver_snapshot(const lander_solver *solver,
                                                const char *path, const char *note,
                                                lander_error *error);
/* Goes on from a snapshot of the same net and type of solver. Options stay what the
 * solver was made with, except those that lander_solver_set had changed before the
 * snapshot; the parameters' multipliers are the snapshot's.
 * fails: io, format, argument (another net or type, or a saved net without a solver's
 * state), memory; then nothing was changed. */
LANDER_API lander_status lander_solver_restore(lander_solver *solver, const char *path,
                                               lander_error *error);
/* Whether a file is a snapshot, with a solver's state, and not a saved net alone.
 * fails: io, format, memory. */
LANDER_API lander_status lander_file_is_snapshot(lander_engine *engine, const char *path,
                                                 bool *is, lander_error *error);
/* The note of the snapshot that was last restored, NULL without one.
 * owns: the solver, until the next restore. fails: never. */
LANDER_API const char *lander_solver_note(const lander_solver *solver);

/* ---- 9. Data --------------------------------------------------------------------- */

/* Samples that can be read in any order; bytes stay bytes until a batch is made. */
typedef struct lander_dataset lander_dataset;

/* A pair of IDX files (plain or gzipped): images as bytes, labels from 0 that become
 * classes from 1. Options as key=value: scale (1/255), mean (0), std (1): a pixel p
 * becomes (p * scale - mean) / std, mean and std being one number for all or one for each
 * channel, with commas between them; classes (10): a label outside is an error; limit
 * (0: all): only the first samples, and what comes after them is not looked at.
 * Images (n, rows, columns) become samples of (1, rows, columns).
 * owns: the caller. fails: io, format (truncated, wrong magic, sizes that lie), data (a
 * label out of range, with its sample), argument, memory. */
LANDER_API lander_dataset *lander_data_idx(lander_engine *engine, const char *images,
                                           const char *labels, const char *options,
                                           lander_error *error);
/* CIFAR-10 in its binary version: files of records of a label and 3 x 32 x 32 bytes, one
 * after the other. A file that is not there is looked for with .gz behind its name.
 * Options: scale, mean, std, limit, as above.
 * owns: the caller. fails: io, format (no whole records), data (a label out of range,
 * with its file and sample), argument, memory. */
LANDER_API lander_dataset *lander_data_cifar10(lander_engine *engine,
                                               const char *const *paths, int files,
                                               const char *options, lander_error *error);
/* A table in a text file, plain or gzipped: a line is a sample, y the columns that are
 * its target (NULL: there is none, y is nan), x those of its input (NULL: all others).
 * Columns are counted from 1, or from -1 backwards, or called what the header calls them,
 * with commas between them; "2:-1" is a range. Options as key=value: header (auto: the
 * first line is one when it has no number; true, false), separator (, ; tab space |;
 * semicolon and bar are words for two of them), decimal (point; comma: 1,5), classes (0:
 * y holds numbers; else it is one column of labels, which become classes from 1), first
 * (0: the label that the first class has in the file), read_y (true; false: what stands
 * in the columns of y is not looked at, y is nan: rows to predict), shape (a sample's x;
 * without it a row of numbers), and scale (1), mean, std of x, as above. Numbers are read
 * so whatever the locale; nan and inf are read. Where y is one column, without classes,
 * and the first sample has a word there, all have: the words are the names of classes, in
 * the order of their bytes; _named gives the names in an order of their own (a test set's
 * have to be the training set's). owns: the caller. fails: io, format and data (name line
 * and column), argument, memory. */
LANDER_API lander_dataset *lander_data_csv(lander_engine *engine, const char *path,
                                           const char *x, const char *y,
                                           const char *options, lander_error *error);
LANDER_API lander_dataset *lander_data_csv_named(lander_engine *engine, const char *path,
                                                 const char *x, const char *y,
                                                 const char *const *class_names,
                                                 int names, const char *options,
                                                 lander_error *error);
/* NumPy's arrays x (n, ...) and y (n, ...), of any type of number: two .npy files, or the
 * members x and y of one .npz file. Options: classes, first, scale, mean, std, as for
 * tables; labels are (n) or (n, 1).
 * owns: the caller. fails: io, format (names file and member), shape (different n), data
 * (a label out of range, with its sample), argument, memory. */
LANDER_API lander_dataset *lander_data_npy(lander_engine *engine, const char *x,
                                           const char *y, const char *options,
                                           lander_error *error);
LANDER_API lander_dataset *lander_data_npz(lander_engine *engine, const char *path,
                                           const char *x, const char *y,
                                           const char *options, lander_error *error);
/* A folder of pictures, PNG and JPEG, with a folder for each class: cats/1.png,
 * dogs/7.jpg. Classes are the folders' names in order (of bytes, so capitals go first),
 * or class_names, so many of them, in that order: a test set's have to be the training
 * set's. Files with other endings and hidden ones are left out. Samples go class by
 * class, in the order of their names. Options: channels (3: RGB; 1: grey), size (rows,
 * columns: pictures are brought to that size; without it all must have the same), scale,
 * mean, std, as above. All pictures are in memory, as bytes.
 * owns: the caller. fails: io, format (names the file), shape (another size than the
 * first), data (no pictures, a folder that is no class), state (no libpng or
 * libjpeg-turbo on this machine), argument, memory. */
LANDER_API lander_dataset *lander_data_images(lander_engine *engine, const char *folder,
                                              const char *const *class_names, int names,
                                              const char *options, lander_error *error);
/* Tensors as a dataset: x (n, ...) and y (n, ...), shared when they are contiguous, else
 * copied. They may be changed between two calls, unless prefetch is true.
 * Options: classes (0): if given, y (n) holds labels from 1 to classes; prefetch (false):
 * batches are made ahead by a thread.
 * owns: the caller. fails: shape (different n), data (a label out of range), argument,
 * memory. */
LANDER_API lander_dataset *lander_data_tensors(lander_tensor *x, lander_tensor *y,
                                               const char *options, lander_error *error);
/* The samples first .. first+count-1 of d as a dataset of its own, which keeps d alive.
 * owns: the caller. fails: argument (outside), memory. */
LANDER_API lander_dataset *lander_dataset_subset(lander_dataset *d, int64_t first,
                                                 int64_t count, lander_error *error);
/* The same samples in another order, which the seed decides: of data that lie class by
 * class no part has all. Keeps d alive. owns: the caller. fails: memory. */
LANDER_API lander_dataset *lander_dataset_shuffle(lander_dataset *d, uint64_t seed,
                                                  lander_error *error);
LANDER_API void lander_dataset_free(lander_dataset *d);

/* How many samples; how many classes, 0 where y is no choice between some.
 * fails: never. */
LANDER_API int64_t lander_dataset_count(const lander_dataset *d);
LANDER_API int lander_dataset_classes(const lander_dataset *d);
/* What class k (from 0) is called; NULL: the classes have no names. lander_data_images
 * gives them; name_classes gives them to a dataset that has none, and to parts that are
 * made of it from then on. owns: the dataset. name_classes fails: argument (it has names;
 * another count than its classes), memory. */
LANDER_API const char *lander_dataset_class_name(const lander_dataset *d, int k);
LANDER_API lander_status lander_dataset_name_classes(lander_dataset *d,
                                                     const char *const *names, int count,
                                                     lander_error *error);
/* What the header of a table calls number k (from 0) of a sample's x; NULL: there was
 * none. owns: the dataset. fails: never. */
LANDER_API const char *lander_dataset_column(const lander_dataset *d, int64_t k);
/* Likewise number k of its y. owns: the dataset. fails: never. */
LANDER_API const char *lander_dataset_target(const lander_dataset *d, int64_t k);
/* Where the sample at a position (from 0) was read, as text that begins with the file:
 * "houses.csv, line 12" of a table, "pets/cat/1.png" of a folder of pictures; cut where
 * it is longer than `room`. fails: false, where nobody knows. */
LANDER_API bool lander_dataset_place(const lander_dataset *d, int64_t position, char *out,
                                     size_t room);
/* Says that each sample of `made` was made of the one of d at the same position, so its
 * place is that one's; names: so are the names of its columns and targets. fails:
 * argument (another count; it has places or names; it is a part; names for other sizes),
 * memory. */
LANDER_API lander_status lander_dataset_take_places(lander_dataset *made,
                                                    const lander_dataset *d, bool names,
                                                    lander_error *error);
/* The shape of a sample's x (which 0) or y (which 1); returns its dims. fails: never. */
LANDER_API int lander_dataset_shape(const lander_dataset *d, int which,
                                    int64_t size[LANDER_MAX_DIMS]);
/* Copies samples (positions from 0) to x and y, which have room for them.
 * fails: argument (a position outside). */
LANDER_API lander_status lander_dataset_read(const lander_dataset *d,
                                             const int64_t *positions, int64_t count,
                                             lander_real *x, lander_real *y,
                                             lander_error *error);

/* Minibatches, made ready by a thread of their own while the last one is used; those of
 * lander_data_tensors when they are asked for, so that the tensors may be changed between
 * two calls. Options as
 * key=value: size, shuffle (false), seed (1), loop (false: one epoch, its last batch may
 * be short; true: epochs follow each other and every batch is full).
 *
 * Images (a sample's last two sizes are rows and columns) can be changed on the way:
 * augment.pad=4 puts black pixels around them (what the dataset makes of a 0 in its
 * file), augment.crop=28 cuts 28 rows and columns out at a random place,
 * augment.mirror=true mirrors every other one, by chance, left to right. crop and pad
 * take two numbers too, rows,columns. phase=test (train) crops the middle and mirrors
 * nothing. What a sample gets is drawn from the seed, the epoch and its place in it, so
 * from any place on the same batches come. owns: the caller. fails: argument, memory. */
typedef struct lander_batches lander_batches;
LANDER_API lander_batches *lander_batches_new(lander_dataset *d, const char *options,
                                              lander_error *error);
/* The next minibatch, as tensors that stay as they are until the next call but one;
 * *x is NULL after the end of an epoch (seek to the position there to begin the next
 * one, in an order of its own). owns: the batches.
 * fails: what lander_dataset_read does. */
LANDER_API lander_status lander_batches_next(lander_batches *b, lander_tensor **x,
                                             lander_tensor **y, lander_error *error);
/* The place in the data: samples given out since the start; seek goes to such a place
 * (the same seed gives the same samples from there on; a negative one is the start).
 * fails: never. */
LANDER_API int64_t lander_batches_position(const lander_batches *b);
LANDER_API void lander_batches_seek(lander_batches *b, int64_t position);
/* The shape of a sample's x as the batches have it, which augment may have changed;
 * returns its dims. fails: never. */
LANDER_API int lander_batches_shape(const lander_batches *b,
                                    int64_t size[LANDER_MAX_DIMS]);
/* The positions (from 0) of the samples of the last batch. owns: the batches, until the
 * next call. fails: never. */
LANDER_API const int64_t *lander_batches_samples(const lander_batches *b, int64_t *count);
LANDER_API void lander_batches_free(lander_batches *b);

/* Called after each iteration; false: stop. Nothing is held or half-done then: it may
 * call whatever changes no size and frees neither solver, net nor batches
 * (lander_solver_set, lander_solver_snapshot, lander_net_predict ...), and may leave by
 * longjmp. */
typedef bool (*lander_progress)(void *userdata, const lander_solver *solver,
                                const lander_step *step);

/* Iterations on minibatches (x, y) until `until` updates were made since the beginning,
 * or the batches have ended: then LANDER_OK. Before the first update the losses of five
 * minibatches become the baseline of the monitor, unless it has one. The stop flag is
 * looked at before every iteration. `progress` may be NULL; it hears of a refused update
 * too. To go on where a snapshot was made, seek the batches to iter * their size first.
 * fails: stopped (the flag was up, or progress has said so), diverged (the monitor has
 * refused an update: weights, history and iteration are what they were before it), and
 * what lander_batches_next and lander_solver_step do. */
LANDER_API lander_status lander_solver_train(lander_solver *solver,
                                             lander_batches *batches, int64_t until,
                                             lander_progress progress, void *userdata,
                                             lander_error *error);

/* ---- 10. Pictures ---------------------------------------------------------------- */

/* A PNG or JPEG file as a tensor (channels, rows, columns) of numbers from 0 to 1.
 * channels: 1 (grey), 3 (RGB), or 0, as the file has them. What is transparent lies on
 * white; how a camera was held (EXIF) is not looked at. libpng and libjpeg-turbo are
 * opened when the first picture is read.
 * owns: the caller. fails: io, format (neither kind, damaged, cut short, over 2^28
 * numbers, larger than its file can be), state (the library is not installed), argument,
 * memory. */
LANDER_API lander_tensor *lander_image_load(lander_engine *engine, const char *path,
                                            int channels, lander_error *error);
/* The same, brought to so many rows and columns, each new pixel being the mean of the
 * area that it covers, as lander_data_images does it (0, 0: as the file has them). owns:
 * the caller. fails: as above. */
LANDER_API lander_tensor *lander_image_load_sized(lander_engine *engine, const char *path,
                                                  int channels, int rows, int columns,
                                                  lander_error *error);

/* A tensor (rows, columns), (1, rows, columns) or (3, rows, columns) as a PNG file, grey
 * or RGB: `low` and what is below is black, `high` is white, NaN is black.
 * save: fails: io (then the old file is whole), shape, argument, memory.
 * encode: the same file in memory. owns: the caller (lander_image_free). */
LANDER_API lander_status lander_image_save(const lander_tensor *t, const char *path,
                                           double low, double high, lander_error *error);
LANDER_API lander_status lander_image_encode(const lander_tensor *t, double low,
                                             double high, unsigned char **png,
                                             size_t *size, lander_error *error);
LANDER_API void lander_image_free(lander_engine *engine, unsigned char *png);

/* ---- 11. Lua ---------------------------------------------------------------------- */

/* Needs Lua 5.4 in the host; one without it links and runs the library all the same. The
 * module uses the base library, string, table, math, utf8 and coroutine; not io, os,
 * debug nor package. These functions obey Lua's rules: what fails is a Lua error. */
struct lua_State;

/* Opens the module in a state: pushes its table, and returns 1. (Also what
 * `require "lander"` calls in a stock lua5.4.) The state has an engine of its own, which
 * takes its memory from the state's allocator, so that a limit set there holds for both,
 * sends warnings to lua_warning, and is freed when the state is closed.
 * fails: memory. */
LANDER_API int luaopen_lander(struct lua_State *L);

/* The same, with an engine as `config` says; allocate NULL: the state's allocator, log
 * NULL: warnings to lua_warning. Called before anything else has opened the module.
 * fails: memory, argument (threads), state (the module is open). */
LANDER_API int lander_lua_open(struct lua_State *L, const lander_config *config);

/* The engine of a state, for its stop flag and threads; NULL when the module is not open.
 * owns: the state. fails: never. */
LANDER_API lander_engine *lander_lua_engine(struct lua_State *L);

/* Pushes a tensor of the state's engine for scripts to use.
 * owns: the state, from the call on, also when it fails. fails: memory, argument (a
 * tensor of another engine, or the module is not open). */
LANDER_API void lander_lua_push_tensor(struct lua_State *L, lander_tensor *t);
/* The tensor or net at a place of the stack; NULL when something else is there.
 * owns: the state, until the value is collected. fails: never. */
LANDER_API lander_tensor *lander_lua_tensor(struct lua_State *L, int index);
LANDER_API lander_net *lander_lua_net(struct lua_State *L, int index);

#ifdef __cplusplus
}
#endif

#endif
