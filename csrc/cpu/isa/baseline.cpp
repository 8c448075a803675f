// The kernels for what every processor of the family has: SSE2 on x86-64, Advanced SIMD on arm64.
#include <math.h>
#include <stdint.h>

#define ZOO_VECTOR_BYTES 16
#include "table.h"

namespace zoo {
const Kernels* baseline_kernels() {
  static constexpr Kernels table = ZOO_TABLE("baseline");
  return &table;
}
}  // namespace zoo
