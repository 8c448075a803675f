// What the kernels of the losses are given.
#pragma once

#include <stdint.h>

#include "../../kinds.h"

namespace zoo {

// One side (real or generated) of a loss. `sums`: loss, D(.), number taken for real, number taken for generated.
struct LossSide {
  const void* logits;
  void* gradient;
  int64_t count;
  bool discriminator, real;
  Loss kind;
  double a, b, c, threshold, scale;
  double sums[4];
};

struct ScaledCopy {
  const void* from;
  void* to;
  int64_t count;
  double factor;
};

}  // namespace zoo
