#ifndef LY_TESTS_SIM_CLOCK_H
#define LY_TESTS_SIM_CLOCK_H

#include "base/time.h"

/** Sets what gettimeofday() tells from now on. */
void sim_clock_set(ly_usec now);

#endif
