// zoo::upfirdn2d_forward on the CPU.
#include <vector>

#include <torch/csrc/stable/library.h>

#include "../runtime/arguments.h"

namespace zoo {
namespace {

Tensor upfirdn2d(
    const Tensor& input, const std::optional<Tensor>& bias, const std::vector<double>& taps, int64_t up, int64_t down,
    int64_t left, int64_t top, int64_t height, int64_t width, int64_t activation, double slope) {
  constexpr const char* op = "upfirdn2d";
  check_upfirdn2d(op, input, int64_t(taps.size()), up, down, left, top, height, width, activation);
  const Tensor x = plain(input);
  const bool last = lies_nhwc(x);
  Tensor y = new_images(x, x.size(0), x.size(1), height, width, last), keep;
  Upfirdn2d a{};
  a.nhwc = last && x.size(1) > 1;
  a.activation = Activation(activation);
  a.slope = slope;
  a.up = up;
  a.down = down;
  a.left = left;
  a.top = top;
  a.taps = int(taps.size());
  for (int i = 0; i < a.taps; ++i) a.filter[i] = taps[size_t(a.taps - 1 - i)];
  a.batch = x.size(0);
  a.channels = x.size(1);
  a.height = x.size(2);
  a.width = x.size(3);
  a.y_height = height;
  a.y_width = width;
  a.x = x.const_data_ptr();
  a.y = y.mutable_data_ptr();
  a.bias = parameter(op, "bias", bias, x, keep);
  if (y.numel() > 0) kernels().upfirdn2d[storage_of(x)](a);
  return y;
}

}  // namespace
}  // namespace zoo

STABLE_TORCH_LIBRARY_IMPL(zoo, CPU, m) { m.impl("upfirdn2d_forward", TORCH_BOX(&zoo::upfirdn2d)); }
