/* zip_format.h: the records of a zip file, shared by zip_write.c and zip_read.c. */
#ifndef LANDER_TENSOR_ZIP_FORMAT_H
#define LANDER_TENSOR_ZIP_FORMAT_H

#include "../base/base.h"
#include <stdio.h>
#include <string.h>

#define ZIP_LOCAL   0x04034b50u
#define ZIP_CENTRAL 0x02014b50u
#define ZIP_END     0x06054b50u

#define ZIP_LOCAL_SIZE   30
#define ZIP_CENTRAL_SIZE 46
#define ZIP_END_SIZE     22

#define ZIP_VERSION 20          /* 2.0: what a reader must know */
#define ZIP_DATE    0x0021      /* 1980-01-01 */
#define ZIP_MAX     0xfffffffeu /* larger sizes and places are zip64's */

static inline unsigned zip_get16(const unsigned char *p) {
  return p[0] | p[1] << 8;
}
static inline uint32_t zip_get32(const unsigned char *p) {
  return zip_get16(p) | (uint32_t)zip_get16(p + 2) << 16;
}
static inline void zip_put16(unsigned char *p, unsigned value) {
  p[0] = (unsigned char)value;
  p[1] = (unsigned char)(value >> 8);
}
static inline void zip_put32(unsigned char *p, uint32_t value) {
  zip_put16(p, value & 0xffff);
  zip_put16(p + 2, value >> 16);
}

/* A stored member's local header, without the name that follows it. */
static inline void zip_put_local(unsigned char out[ZIP_LOCAL_SIZE], uint32_t crc,
                                 uint32_t size, size_t name_length) {
  memset(out, 0, ZIP_LOCAL_SIZE);
  zip_put32(out, ZIP_LOCAL);
  zip_put16(out + 4, ZIP_VERSION);
  zip_put16(out + 12, ZIP_DATE);
  zip_put32(out + 14, crc);
  zip_put32(out + 18, size);
  zip_put32(out + 22, size);
  zip_put16(out + 26, (unsigned)name_length);
}

#define ZIP_SEAL_LENGTH 25
static inline void zip_seal(char out[ZIP_SEAL_LENGTH + 1], uint32_t directory_crc) {
  snprintf(out, ZIP_SEAL_LENGTH + 1, "Lander directory %08x", (unsigned)directory_crc);
}

#endif
