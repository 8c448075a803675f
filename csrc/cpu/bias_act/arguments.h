// What the kernels of bias_act are given.
#pragma once

#include <stdint.h>

#include "../../kinds.h"
#include "../runtime/memory.h"

namespace zoo {

struct BiasForward {
  Extent extent;
  Activation activation;
  double slope;
  const void* x;
  void* y;
  PerChannel bias;
};

struct BiasBackward {
  Extent extent;
  Activation activation;
  double slope;
  const void *gradient, *y;
  void *dx, *dbias;  // dbias in the compute type
};

}  // namespace zoo
