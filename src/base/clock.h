/* clock.h: how much time has passed. */
#ifndef LANDER_BASE_CLOCK_H
#define LANDER_BASE_CLOCK_H

#include <stdint.h>

/* Nanoseconds since some moment; never goes back. */
int64_t clock_now(void);

#endif
