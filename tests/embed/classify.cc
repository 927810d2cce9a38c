// classify.cc: a host in C++: handles free themselves, failures are exceptions. Trains a
// few steps, and prints the features of a hidden layer, by its name.
#include <lander.h>

#include <cstdio>
#include <memory>
#include <stdexcept>
#include <vector>

struct Free {
  void operator()(lander_engine *e) const { lander_engine_free(e); }
  void operator()(lander_net *n) const { lander_net_free(n); }
  void operator()(lander_solver *s) const { lander_solver_free(s); }
  void operator()(lander_tensor *t) const { lander_tensor_free(t); }
};
template <typename T> using Handle = std::unique_ptr<T, Free>;

template <typename T> Handle<T> made(T *object, const lander_error &error) {
  if (!object) throw std::runtime_error(error.message);
  return Handle<T>(object);
}

static void check(lander_status status, const lander_error &error) {
  if (status != LANDER_OK) throw std::runtime_error(error.message);
}

// A tensor on a vector's memory: the vector stays the owner.
static Handle<lander_tensor> wrap(lander_engine *engine, std::vector<lander_real> &v,
                                  std::vector<int64_t> size) {
  lander_error error;
  return made(lander_tensor_wrap(engine, v.data(), static_cast<int>(size.size()),
                                 size.data(), nullptr, nullptr, nullptr, &error),
              error);
}

static void run() {
  lander_error error;
  auto engine = made(lander_engine_new(nullptr, &error), error);
  auto net = made(lander_net_build(engine.get(),
                                   "x = input () shape=2\n"
                                   "hidden = linear (x) outputs=8\n"
                                   "bent = tanh (hidden)\n"
                                   "scores = linear (bent) outputs=2\n"
                                   "class = label ()\n"
                                   "loss = softmax_loss (scores, class)\n",
                                   1, &error),
                  error);
  auto solver = made(
      lander_solver_new(net.get(), "type=sgd base_lr=0.5 momentum=0.9", &error), error);

  std::vector<lander_real> x{0, 0, 0, 1, 1, 0, 1, 1}, y{1, 2, 2, 1}; // exclusive or
  auto inputs = wrap(engine.get(), x, {4, 2}), labels = wrap(engine.get(), y, {4});
  lander_tensor *both[] = {inputs.get(), labels.get()};
  lander_step step;
  for (int i = 0; i < 200; i++)
    check(lander_solver_step(solver.get(), both, 2, &step, &error), error);

  std::vector<lander_real> probabilities(8);
  check(lander_net_predict(net.get(), x.data(), 4, probabilities.data(), &error), error);
  for (int i = 0; i < 4; i++)
    std::printf("%g xor %g = %d\n", static_cast<double>(x[2 * i]),
                static_cast<double>(x[2 * i + 1]),
                probabilities[2 * i + 1] > probabilities[2 * i] ? 1 : 0);

  int layer = lander_net_find(net.get(), "bent");
  lander_net_set_phase(net.get(), LANDER_TEST);
  check(lander_net_keep(net.get(), true, &error), error);
  check(lander_net_forward(net.get(), both, 1, &error), error);
  auto features = made(lander_net_value(net.get(), layer, 0, &error), error);
  std::printf("bent: %d numbers for each of %d samples\n",
              static_cast<int>(lander_tensor_sizes(features.get())[1]),
              static_cast<int>(lander_tensor_sizes(features.get())[0]));
}

int main() {
  try {
    run();
  } catch (const std::exception &e) {
    std::fprintf(stderr, "classify: %s\n", e.what());
    return 1;
  }
}
