// The kernels for what every processor of the family has: SSE2 on x86-64, Advanced SIMD on arm64.
#include <math.h>
#include <stdint.h>

#define ZOO_VECTOR_BYTES 16
#include "kernels_table.h"

namespace zoo {
const Kernels* baseline_kernels() {
  static const Kernels table = ZOO_KERNELS("baseline");
  return &table;
}
}  // namespace zoo
