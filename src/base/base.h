/* base.h: what every floor stands on. */
#ifndef LANDER_BASE_BASE_H
#define LANDER_BASE_BASE_H

#include "../lander.h"

#if defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__
#error "Lander looks for NaN and infinity: build it without -ffast-math"
#endif

typedef lander_real real;

#define COUNT_OF(array) ((int)(sizeof(array) / sizeof((array)[0])))

#endif
