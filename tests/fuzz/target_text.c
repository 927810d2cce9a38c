/* target_text.c: the text of a net. The input is the text. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  lander_error error;
  char *text = malloc(size + 1);
  FUZZ_REQUIRE(text);
  for (size_t i = 0; i < size; i++) text[i] = (char)data[i];
  text[size] = 0;
  lander_engine *engine = fuzz_open((int64_t)16 << 20);
  lander_net *net = lander_net_build(engine, text, 1, &error);
  if (net) {
    fuzz_use_net(net);
    if (lander_net_append(net, "more = relu (data)", &error) != LANDER_OK)
      fuzz_refused(&error);
  } else {
    fuzz_refused(&error);
  }
  lander_net_free(net);
  fuzz_close(engine);
  free(text);
  return 0;
}
