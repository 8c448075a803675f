// The convolutions of one instruction set, for the kernels and strides that GANs are made of.
#pragma once

#include "small_channels.h"
#include "images.h"
#include "weight.h"

namespace zoo {
namespace {

// Calls body with the phases and taps of a kernel. What is not among them, convolution.cpp has refused.
// `MostOf5x5`: how many outputs tiles of 5x5 kernels may have.
template <int MostOf5x5 = 4, class F>
ZOO_INLINE void with_line(const Convolution& c, const F& body) {
  if (c.stride == 1) return c.outputs == 4 ? body(Line<4, 3>{}) : body(Line<2, 3>{});
  if (c.kernel == 3) return body(Line<2, 2, 1>{});
  if (c.kernel == 4) return c.outputs == 4 ? body(Line<4, 2, 2>{}) : body(Line<2, 2, 2>{});
  c.outputs == MostOf5x5 ? body(Line<MostOf5x5, 3, 2>{}) : body(Line<2, 3, 2>{});
}

void convolve_forward(const Convolution& c) {
  if (has_small_channels(c)) return small_channels_forward(c);
  with_line(c, [&](auto line) { convolution_forward(c, line); });
}

void convolve_transposed(const Convolution& c) {
  if (has_small_channels(c)) return small_channels_transposed(c);
  with_line(c, [&](auto line) { convolution_transposed(c, line); });
}

void convolve_weight(const Convolution& c) {
  if (has_small_channels(c)) return small_channels_weight(c);
  with_line<2>(c, [&](auto line) { convolution_weight(c, line); });
}

}  // namespace
}  // namespace zoo
