// The kinds of things that the ops' schemas carry as numbers. zoo/ops/kinds.py has the same names and values, which a test holds.
#pragma once

#include <stdint.h>

namespace zoo {

enum class Activation : int {
  identity = 0,
  relu = 1,
  leaky_relu = 2,
  tanh = 3,
};
constexpr int64_t kActivations = int64_t(Activation::tanh) + 1;

enum class Order : int {
  norm_act = 0,
  act_norm = 1,
};
constexpr int64_t kOrders = int64_t(Order::act_norm) + 1;

enum class Loss : int {
  non_saturating = 0,
  minimax = 1,
  least_squares = 2,
  hinge = 3,
  wasserstein = 4,
};
constexpr int64_t kLosses = int64_t(Loss::wasserstein) + 1;

enum class Padding : int {
  zeros = 0,
  reflect = 1,
};
constexpr int64_t kPaddings = int64_t(Padding::reflect) + 1;

// The longest filter of upfirdn2d; zoo/ops/families/upfirdn2d.py has the same.
constexpr int kMostTaps = 32;

}  // namespace zoo
