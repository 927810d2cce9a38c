/* target_picture.c: PNG and JPEG files. The input is a byte with the number of channels,
 * then the file. PNG's sums are mended, so that what is behind them is reached. */
#include "fuzz.h"

#include <string.h>
#include <zlib.h>

/* Goes from chunk to chunk: a length, a name, that many bytes, a sum. */
static void mend(uint8_t *png, size_t size) {
  for (size_t at = 8; size > at && size - at >= 12;) {
    uint8_t *chunk = png + at;
    size_t length = (size_t)chunk[0] << 24 | (size_t)chunk[1] << 16 |
                    (size_t)chunk[2] << 8 | chunk[3];
    if (length > size - at - 12) return;
    uint32_t crc = (uint32_t)crc32(0, chunk + 4, (uInt)length + 4);
    for (int i = 0; i < 4; i++) chunk[8 + length + i] = (uint8_t)(crc >> (24 - 8 * i));
    at += 12 + length;
  }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed) {
  size = LLVMFuzzerMutate(data, size, room);
  if (seed % 8 != 0 && size > 9 && data[1] == 0x89) mend(data + 1, size - 1);
  return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  lander_error error;
  if (size < 1) return 0;
  lander_engine *engine = fuzz_open(FUZZ_MEMORY);
  const char *path = fuzz_file(0, data + 1, size - 1);
  lander_tensor *t = lander_image_load(engine, path, data[0] % 4, &error);
  if (t) {
    unsigned char *png;
    size_t length;
    FUZZ_REQUIRE(lander_tensor_dims(t) == 3);
    if (lander_image_encode(t, 0, 1, &png, &length, &error) == LANDER_OK)
      lander_image_free(engine, png);
    else
      fuzz_refused(&error);
  } else {
    fuzz_refused(&error);
  }
  lander_tensor_free(t);
  fuzz_close(engine);
  return 0;
}
