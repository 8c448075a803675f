// What follows is compiled for x86-64 with AVX-512 (F, BW, DQ, VL), up to end.h. Without ZOO_ISA there is nothing to compile.
#include "kernels.h"

#if defined(__x86_64__)
// System headers come first: what they define inline stays compiled for every processor.
#include <math.h>

#include <type_traits>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")
#endif

#define ZOO_ISA avx512
#define ZOO_VECTOR_BYTES 64
#endif
