/* test_static.c: a host that is linked with liblander.a. It has functions whose names the
 * library uses inside, too, and each side must go on with its own: if the archive let
 * such a name out, this would not link, or the library would call what is here. */
#include <lander.h>
#include <stdio.h>
#include <string.h>

#include "check.h"

static int called;

int error_set(void);
int memory_new(void);
int options_read(void);
int gemm(void);
int text_add(void);
int error_set(void) {
  return ++called;
}
int memory_new(void) {
  return ++called;
}
int options_read(void) {
  return ++called;
}
int gemm(void) {
  return ++called;
}
int text_add(void) {
  return ++called;
}

int main(void) {
  lander_error error;
  lander_engine *engine = lander_engine_new(NULL, &error);
  lander_net *net = lander_net_build(engine,
                                     "data = input () shape=2\n"
                                     "scores = linear (data) outputs=2\n",
                                     1, &error);
  check(net != NULL, "the net is built");
  const lander_real x[] = {1, 2};
  lander_real y[2];
  check(lander_net_predict(net, x, 1, y, &error) == LANDER_OK, "it predicts");
  lander_net_free(net);
  check(!lander_net_build(engine, "data = inputt () shape=2\n", 1, &error) &&
            strstr(error.message, "did you mean 'input'"),
        "messages are the library's");
  lander_engine_free(engine);
  check(called == 0, "the library calls its own functions");
  check(error_set() + memory_new() + options_read() + gemm() + text_add() == 15,
        "the host calls its own");
  return finish();
}
