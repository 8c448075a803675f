// What follows is compiled for what every processor of the family has: SSE2 on x86-64, Advanced SIMD on arm64.
#include "kernels.h"

#include <math.h>

#include <type_traits>

#define ZOO_ISA baseline
#define ZOO_VECTOR_BYTES 16
