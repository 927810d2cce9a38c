/* test_guard.c: rules R1 and R3 to R5 on losses that are made up, in a real solver,
 * beside a plain one that keeps every loss in a list. A solver that is saved and
 * restored, or that goes away and comes back, at every iteration decides the same. */
#include "../../src/solver/solver.h"
#include "allocator.h"
#include "files.h"
#include "unit.h"

#include <math.h>

/* ---- a net whose loss is what the test says -------------------------------------------
 */

static double next_loss;

static lander_status say(void *userdata, const lander_layer_pass *pass,
                         lander_error *error) {
  (void)userdata, (void)error;
  pass->y[0] = (real)next_loss;
  return LANDER_OK;
}

static lander_status zero(void *userdata, const lander_layer_pass *pass,
                          lander_error *error) {
  (void)userdata, (void)error;
  int64_t count = pass->batch * pass->setup->in[0].size[0];
  for (int64_t i = 0; pass->dx[0] && i < count; i++) pass->dx[0][i] = 0;
  return LANDER_OK;
}

static const lander_layer_definition said_loss = {
    .name = "said", .inputs = 2, .loss = true, .forward = say, .backward = zero};

#define SOLVERS 2

typedef struct training {
  lander_engine *engine;
  lander_net *net[SOLVERS];
  lander_solver *solver[SOLVERS];
  lander_tensor *inputs[2];
} training;

static void end(training *t) {
  for (int i = 0; i < SOLVERS; i++) {
    lander_solver_free(t->solver[i]);
    lander_net_free(t->net[i]);
    lander_tensor_free(t->inputs[i]);
  }
  lander_engine_free(t->engine);
}

static lander_status begin_all(training *t, const char *options, test_allocator *a,
                               lander_error *error) {
  lander_config config = {
      .allocate = a ? test_allocate : NULL, .allocate_userdata = a, .threads = 1};
  t->engine = lander_engine_new(&config, error);
  if (!t->engine) return error->code;
  lander_status status = lander_engine_define(t->engine, &said_loss, error);
  if (status != LANDER_OK) return status;
  for (int i = 0; i < SOLVERS; i++) {
    t->net[i] = lander_net_build(t->engine,
                                 "data = input () shape=3\n"
                                 "one = linear (data) outputs=2\n"
                                 "norm = batch_norm (one)\n"
                                 "label = label ()\n"
                                 "loss = said (norm, label)\n",
                                 1 + (uint64_t)i, error);
    if (!t->net[i]) return error->code;
    t->solver[i] = lander_solver_new(t->net[i], options, error);
    if (!t->solver[i]) return error->code;
  }
  t->inputs[0] = lander_tensor_new(t->engine, 2, (int64_t[]){4, 3}, error);
  t->inputs[1] =
      t->inputs[0] ? lander_tensor_new(t->engine, 1, (int64_t[]){4}, error) : NULL;
  return t->inputs[1] ? LANDER_OK : error->code;
}

static bool begin(training *t, const char *options, test_allocator *a,
                  lander_error *error) {
  *t = (training){.engine = NULL};
  if (begin_all(t, options, a, error) == LANDER_OK) return true;
  end(t);
  return false;
}

static lander_step step(training *t, int which, double loss) {
  lander_step found;
  next_loss = loss;
  lander_status status = lander_solver_step(t->solver[which], t->inputs, 2, &found, NULL);
  UNIT_CHECK(status == LANDER_OK);
  return found;
}

/* ---- the same rules, plainly
 * ----------------------------------------------------------- */

#define MOST 1200 /* losses in a run */

typedef struct plain {
  double first[5], chance, distance; /* what the baseline is made from */
  int count;                         /* of accepted losses */
  double loss[MOST];
  double mean[MOST]; /* of the hundred losses that end with this one, large ones cut */
  int warned_at;     /* how many were accepted then; MOST: never */
} plain;

static double mean_of(const double *x, int count) {
  double sum = 0;
  for (int i = 0; i < count; i++) sum += x[i] / count;
  return sum;
}

/* Of a hundred losses, the larger ones counted as `most`. */
static double mean_below(const double *x, double most) {
  double sum = 0;
  for (int i = 0; i < 100; i++) sum += (x[i] < most ? x[i] : most) / 100;
  return sum;
}

static double deviation_of(const double *x, int count) {
  double mean = mean_of(x, count), sum = 0;
  for (int i = 0; i < count; i++) sum += pow(x[i] - mean, 2) / (count - 1);
  return sqrt(sum);
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

static double median_with(const plain *p, double loss) {
  double five[5] = {loss};
  memcpy(five + 1, p->loss + p->count - 4, 4 * sizeof *five);
  qsort(five, 5, sizeof *five, compare);
  return five[2];
}

static lander_rule expect(plain *p, double loss, bool *warns) {
  double size = fmax(fabs(mean_of(p->first, 5)), p->chance), best = (double)INFINITY;
  int n = p->count, window = n < 100 ? n : 100;
  const double *last = p->loss + n - window;
  *warns = false;
  if (!isfinite(loss)) return LANDER_RULE_LOSS;
  if (n >= 4 && median_with(p, loss) >
                    mean_of(p->first, 5) + fmax(2 * size, 6 * deviation_of(p->first, 5)))
    return LANDER_RULE_BLOWUP;
  if (n >= 50) {
    double mean = mean_of(last, window), room = fmax(fabs(mean), 0.5 * size);
    room = fmax(room, 6 * deviation_of(last, window));
    if (median_with(p, loss) > mean + room) return LANDER_RULE_RISE;
  }
  if (p->chance == 0 || n < 100) return LANDER_RULE_NONE;
  for (int i = 99; i < n; i++) best = fmin(best, p->mean[i]);
  double now = p->mean[n - 1];
  if (best < 0.9 * p->chance)
    return now > best + 0.7 * (p->chance - best) ? LANDER_RULE_SHIFT : LANDER_RULE_NONE;
  if (n < 500 || n % 100 || now < 0.97 * p->chance) return LANDER_RULE_NONE;
  if (p->distance >= 0.6) return LANDER_RULE_STALL;
  *warns = p->warned_at >= n;
  return LANDER_RULE_NONE;
}

/* ---- losses
 * ---------------------------------------------------------------------------- */

static uint32_t draws;

static double draw(double low, double high) {
  draws = draws * 1664525u + 1013904223u;
  return low + (high - low) * (draws >> 8) / 16777216.0;
}

enum { HEALTHY, BELOW_ZERO, SOLVED, OUTLIERS, JUMPS, STALLS, SHIFTS, WILD, KINDS };

static double falling(int t) {
  return 2 * exp(-t / 150.0) + 0.3 + draw(-0.1, 0.1);
}

/* Of time t in a run of a kind in which something happens at `when`. */
static double make_loss(int kind, int t, int when, double how) {
  switch (kind) {
  case HEALTHY: return falling(t);
  case BELOW_ZERO: return 0.05 - t * 0.02 + draw(-0.5, 0.5);
  case SOLVED: return draw(0, 0.001) * (1 + 30 * (t > when));
  case OUTLIERS: return falling(t) + (t % 90 == 89 ? 50 * how : 0);
  case JUMPS: return falling(t) * (t > when && t % 40 < 8 ? how : 1);
  case STALLS: return (t > when ? 2.33 : 2.2) + draw(-0.05, 0.05);
  case SHIFTS: return t > when ? 2.3 + draw(-0.1, 0.1) : falling(t);
  default: return exp(draw(-4, 0.4 + how / 10));
  }
}

typedef struct run {
  int kind, when;
  double how;
  plain p;
} run;

static void begin_run(run *r, uint32_t seed) {
  draws = seed * 2654435761u;
  *r = (run){.kind = (int)(seed % KINDS)};
  r->when = (int)draw(20, 700);
  r->how = draw(1.5, 20);
  double first = r->kind == BELOW_ZERO || r->kind == SOLVED ? 0.05 : 2.3;
  double spread = r->kind == BELOW_ZERO ? 0.5 : 0.04;
  for (int i = 0; i < 5; i++) r->p.first[i] = first + draw(-spread, spread);
  r->p.chance = r->kind == BELOW_ZERO ? 0 : 2.3;
  r->p.distance = draw(0, 1);
  r->p.warned_at = MOST;
}

/* The weights go so far from where they began. */
static void move_weights(training *t, int which, double distance) {
  for (int i = 0; i < lander_net_params(t->net[which]); i++) {
    const lander_param *p = lander_net_param(t->net[which], i);
    real *w = lander_tensor_data(p->data);
    for (int64_t k = 0; !p->frozen && k < lander_tensor_count(p->data); k++)
      w[k] *= (real)(1 + distance);
  }
}

static void set_baseline(training *t, int which, const plain *p) {
  UNIT_CHECK(lander_solver_baseline(t->solver[which], p->first, 5,
                                    p->chance > 0 ? p->chance : (double)NAN,
                                    NULL) == LANDER_OK);
}

/* ---- one run
 * --------------------------------------------------------------------------- */

typedef enum way { STRAIGHT, SAVED, AWAY } way;

#define EVERY 50 /* iterations between two checkpoints that a rule goes back to */

typedef struct player {
  training t;
  int which; /* of the solvers is in use */
  lander_checkpoint *ring[MOST / EVERY + 1];
  lander_checkpoint *here;
  int seen[LANDER_RULE_STALL + 1], warnings;
} player;

/* Away from this iteration and back to it, so that only what was kept is still there. */
static void leave_and_return(player *g, way how) {
  if (how == SAVED) {
    const char *path = files_path("guard.npz");
    UNIT_CHECK(!lander_solver_snapshot(g->t.solver[g->which], path, NULL, NULL));
    g->which = !g->which;
    UNIT_CHECK(!lander_solver_restore(g->t.solver[g->which], path, NULL));
  } else if (how == AWAY) {
    lander_solver *s = g->t.solver[g->which];
    g->here = lander_solver_checkpoint(s, g->here, NULL);
    UNIT_CHECK(g->here);
    for (int i = 0; i < 3; i++) step(&g->t, g->which, 1e-3 * i);
    UNIT_CHECK(!lander_solver_return(s, g->here, NULL));
  }
}

static void keep(player *g, const plain *p) {
  if (p->count % EVERY) return;
  lander_checkpoint **at = &g->ring[p->count / EVERY];
  *at = lander_solver_checkpoint(g->t.solver[g->which], *at, NULL);
  UNIT_CHECK(*at);
}

/* What a policy does when a state is no good: back to an older one. */
static void go_back(player *g, plain *p) {
  int slot = p->count / EVERY > 3 ? p->count / EVERY - 3 : 0;
  UNIT_CHECK(!lander_solver_return(g->t.solver[g->which], g->ring[slot], NULL));
  p->count = slot * EVERY;
  if (p->warned_at >= p->count) p->warned_at = MOST;
}

static void accept(plain *p, double loss) {
  int n = p->count++;
  p->loss[n] = (double)(real)loss;
  if (n >= 99) p->mean[n] = mean_below(p->loss + n - 99, 2 * p->chance);
}

static void play(player *g, run *r, int times, way how) {
  plain *p = &r->p;
  for (int t = 0; t < times; t++) {
    if (how == AWAY || p->count % EVERY == 0) leave_and_return(g, how);
    if (how != SAVED) keep(g, p);
    double loss = make_loss(r->kind, t, r->when, r->how);
    if (draw(0, 1) < 0.03) loss = draw(0, 1) < 0.5 ? (double)NAN : (double)INFINITY;
    bool warns;
    lander_rule rule = expect(p, (double)(real)loss, &warns);
    lander_step found = step(&g->t, g->which, loss);
    bool same = UNIT_CHECK(found.rule == rule && (found.warning != 0) == warns);
    if (!same)
      printf("  kind %d, loss %d of iteration %d: %s%s, expected %s%s\n", r->kind, t,
             p->count, lander_rule_name(found.rule), found.warning ? " and warns" : "",
             lander_rule_name(rule), warns ? " and warns" : "");
    UNIT_CHECK(lander_solver_iter(g->t.solver[g->which]) ==
               p->count + (found.rule == LANDER_RULE_NONE));
    g->seen[rule]++;
    g->warnings += warns;
    if (warns) p->warned_at = p->count;
    if (rule == LANDER_RULE_NONE) accept(p, loss);
    if (how != SAVED && (rule == LANDER_RULE_SHIFT || rule == LANDER_RULE_STALL))
      go_back(g, p);
    if (!same) return;
  }
}

/* By the rules that look at losses that are finite. */
static int rejections(const player *g) {
  int sum = 0;
  for (int rule = LANDER_RULE_BLOWUP; rule <= LANDER_RULE_STALL; rule++)
    sum += g->seen[rule];
  return sum;
}

static void play_seeds(player *g, int seeds, int times, way how) {
  lander_error error;
  for (uint32_t seed = 1; seed <= (uint32_t)seeds; seed++) {
    static run r; /* large */
    begin_run(&r, seed);
    if (!UNIT_CHECK(begin(&g->t, "base_lr=0 momentum=0.9", NULL, &error))) return;
    g->which = 0;
    set_baseline(&g->t, 0, &r.p);
    move_weights(&g->t, 0, r.p.distance);
    int before = rejections(g);
    play(g, &r, times, how);
    if (r.kind <= OUTLIERS) UNIT_CHECK(rejections(g) == before); /* no false alarm */
    for (int i = 0; i <= MOST / EVERY; i++) {
      lander_checkpoint_free(g->ring[i]);
      g->ring[i] = NULL;
    }
    lander_checkpoint_free(g->here);
    g->here = NULL;
    end(&g->t);
  }
}

static player g;

static void test_rules(void) {
  UNIT_TEST("R1, R3, R4, R4b, R5: at the iterations where a plain monitor has them");
  play_seeds(&g, 20 * KINDS, 1000, STRAIGHT);
  for (int rule = 0; rule <= LANDER_RULE_STALL; rule++)
    if (rule != LANDER_RULE_GRADIENT) UNIT_CHECK(g.seen[rule] >= 10);
  UNIT_CHECK(g.warnings >= 5);

  UNIT_TEST(
      "the same decisions when it is checkpointed and comes back at each iteration");
  play_seeds(&g, 4 * KINDS, 800, AWAY);

  UNIT_TEST("the same decisions in another solver that restores its snapshots");
  play_seeds(&g, 4 * KINDS, 800, SAVED);
}

/* ---- memory that is not there
 * ---------------------------------------------------------- */

static double sum_of_weights(const training *t) {
  int64_t count;
  double sum = 0;
  const real *w = net_data_arena(t->net[0], &count);
  for (int64_t i = 0; i < count; i++) sum += w[i] * (double)(i % 101 + 1);
  return sum;
}

typedef lander_status (*attempt)(training *t, lander_checkpoint *c, lander_error *error);

static const double losses[2] = {2.2, 2.4};

static lander_status try_baseline(training *t, lander_checkpoint *c,
                                  lander_error *error) {
  (void)c;
  return lander_solver_baseline(t->solver[0], losses, 2, 2.3, error);
}

static lander_status try_checkpoint(training *t, lander_checkpoint *c,
                                    lander_error *error) {
  (void)c;
  c = lander_solver_checkpoint(t->solver[0], NULL, error);
  lander_checkpoint_free(c);
  return c ? LANDER_OK : error->code;
}

static lander_status try_return(training *t, lander_checkpoint *c, lander_error *error) {
  return lander_solver_return(t->solver[0], c, error);
}

/* Tries `call` with ever more memory until it works; each failure changes nothing. */
static void run_out(attempt call, int most) {
  lander_error error;
  training t;
  test_allocator a = {.allowed = -1};
  if (!UNIT_CHECK(begin(&t, "base_lr=0.1", &a, &error))) return;
  UNIT_CHECK(!lander_solver_baseline(t.solver[0], losses, 2, 5, &error));
  step(&t, 0, 2);
  lander_checkpoint *c = lander_solver_checkpoint(t.solver[0], NULL, &error);
  if (!UNIT_CHECK(c)) return;
  lander_net_set_param(t.net[0], 0, 2, 1, false, &error); /* for return to put back */
  step(&t, 0, 2);
  double before = sum_of_weights(&t);
  int64_t blocks = a.blocks;
  lander_status status = LANDER_ERROR_MEMORY;
  int n = 0;
  for (; n < 100 && status == LANDER_ERROR_MEMORY; n++) {
    a.allowed = a.requests + n;
    status = call(&t, c, &error);
    if (status != LANDER_ERROR_MEMORY) continue;
    UNIT_CHECK(sum_of_weights(&t) == before && a.blocks == blocks && error.message[0]);
    UNIT_CHECK(lander_solver_iter(t.solver[0]) == 2);
    UNIT_CHECK(lander_net_param(t.net[0], 0)->lr_mult == 2);
    UNIT_CHECK(t.solver[0]->state.monitor.chance == 5);
  }
  UNIT_CHECK(status == LANDER_OK && n > most);
  a.allowed = a.requests; /* one to write over, and to go back where nothing differs */
  UNIT_CHECK(lander_solver_checkpoint(t.solver[0], c, &error) == c);
  UNIT_CHECK(!lander_solver_return(t.solver[0], c, &error));
  for (int i = 0; i < 600; i++) step(&t, 0, i < 550 ? 1.2 + i % 2 * 0.1 : 0.7);
  UNIT_CHECK(a.requests == a.allowed);
  lander_checkpoint_free(c);
  end(&t);
  UNIT_CHECK(test_allocator_clean(&a));
}

static void test_memory(void) {
  UNIT_TEST("a baseline, when the n-th allocation fails; steps under guard ask for none");
  run_out(try_baseline, 1);
  UNIT_TEST("a checkpoint, when the n-th allocation fails");
  run_out(try_checkpoint, 4);
  UNIT_TEST("going back to one, when the n-th allocation fails");
  run_out(try_return, 1);
}

static void test_the_start_is_dropped(void) {
  lander_error error;
  training t;
  UNIT_TEST(
      "the weights of the start are kept until something was learnt, and come back");
  if (!UNIT_CHECK(begin(&t, "base_lr=0", NULL, &error))) return;
  UNIT_CHECK(!lander_solver_baseline(t.solver[0], losses, 2, 2.3, &error));
  for (int i = 0; i < 100; i++) step(&t, 0, 2.2);
  UNIT_CHECK(t.solver[0]->start);
  lander_checkpoint *c = lander_solver_checkpoint(t.solver[0], NULL, &error);
  for (int i = 0; i < 100; i++) step(&t, 0, 1.5);
  UNIT_CHECK(!t.solver[0]->start);
  UNIT_CHECK(!lander_solver_return(t.solver[0], c, &error));
  move_weights(&t, 0, 0.25);
  UNIT_CHECK(t.solver[0]->start && fabs(solver_distance(t.solver[0]) - 0.25) < 1e-6);
  UNIT_CHECK(!lander_solver_baseline(t.solver[0], losses, 0, (double)NAN, &error));
  UNIT_CHECK(!t.solver[0]->start);
  lander_checkpoint_free(c);

  UNIT_TEST("a distance from weights that began at zero is not a number");
  int64_t count;
  real *w = net_data_arena(t.net[0], &count);
  for (int64_t i = 0; i < count; i++) w[i] = 0;
  UNIT_CHECK(!lander_solver_baseline(t.solver[0], losses, 2, 2.3, &error));
  w[0] = 1;
  UNIT_CHECK(isnan(solver_distance(t.solver[0])));
  for (int i = 0; i < 400; i++) step(&t, 0, 2.3); /* behind the 100 above */
  lander_step found = step(&t, 0, 2.3);
  UNIT_CHECK(!found.rule && found.warning == LANDER_RULE_STALL && isnan(found.distance) &&
             !strcmp(found.reason, "nothing to learn"));
  end(&t);
}

int main(void) {
  static const char *const names[] = {"guard.npz", NULL};
  files_begin();
  test_rules();
  test_memory();
  test_the_start_is_dropped();
  UNIT_TEST("nothing is left behind");
  UNIT_CHECK(files_end(names));
  return unit_finish();
}
