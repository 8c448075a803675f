// What the kernel of matrix products is given.
#pragma once

#include <stdint.h>

namespace zoo {

// y (rows, columns) = a b, summed over `depth`. `across`: a is [row][p] and b [column][p]; else b is [p][column], of a multiple
// of 16 columns, and a [row][p], or [p][row] where it lies transposed. Rows of a and b are `a_step` and `b_step` apart.
struct Gemm {
  bool across, a_transposed;
  int64_t rows, columns, depth;
  const float* a;
  int64_t a_step;
  const float* b;
  int64_t b_step;
  float* y;
};

}  // namespace zoo
