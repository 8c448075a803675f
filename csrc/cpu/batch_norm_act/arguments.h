// What the kernels of batch_norm_act are given.
#pragma once

#include <stdint.h>

#include "../../kinds.h"
#include "../runtime/memory.h"

namespace zoo {

struct Fusion {
  Activation activation;
  Order order;
  double slope;
};

struct BatchNormForward {
  Extent extent;
  Fusion fusion;
  int64_t groups;  // 1 in evaluation
  bool training;
  double momentum, eps;
  const void* x;
  void* y;
  PerChannel weight, bias, running_mean, running_var;
  void *mean, *invstd;  // (groups, channels) in the compute type
};

struct BatchNormBackward {
  Extent extent;
  Fusion fusion;
  int64_t groups;
  bool training;
  const void *gradient, *x;
  void* dx;
  PerChannel weight, bias, dweight, dbias;
  const void *mean, *invstd;
};

}  // namespace zoo
