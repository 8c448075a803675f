// The kernels for x86-64 with AVX-512 (F, BW, DQ, VL).
#include "kernels.h"

#if defined(__x86_64__)
// System headers come first: what they define inline stays compiled for every processor.
#include <math.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")
#endif

#define ZOO_VECTOR_BYTES 64
#include "table.h"

namespace zoo {
const Kernels* avx512_kernels() {
  static constexpr Kernels table = ZOO_TABLE("avx512");
  return &table;
}
}  // namespace zoo

#if defined(__clang__)
#pragma clang attribute pop
#endif

#else
namespace zoo {
const Kernels* avx512_kernels() { return nullptr; }
}  // namespace zoo
#endif
