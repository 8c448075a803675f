// zoo::bias_act_forward and _backward on the CPU.
#include <tuple>

#include <torch/csrc/stable/library.h>

#include "../../formulas.h"
#include "../runtime/arguments.h"

namespace zoo {
namespace {

constexpr const char* kOp = "bias_act";

Tensor bias_forward(const Tensor& input, const std::optional<Tensor>& bias, int64_t activation, double slope) {
  check_bias_act(kOp, "x", input, activation);
  const Tensor x = plain(input);
  const bool nhwc = is_nhwc(x);
  Tensor y = new_like(x, nhwc), keep;
  BiasForward a{};
  a.extent = extent_of(x, nhwc);
  a.activation = Activation(activation);
  a.slope = slope;
  a.x = x.const_data_ptr();
  a.y = y.mutable_data_ptr();
  a.bias = parameter(kOp, "bias", bias, x, keep);
  if (x.numel() > 0) kernels().bias_forward[storage_of(x)](a);
  return y;
}

std::tuple<Tensor, Tensor> bias_backward(const Tensor& given, const Tensor& result, int64_t activation, double slope) {
  check_bias_act(kOp, "y", result, activation);
  require_same_shape(kOp, "gradient", given, result);
  const Tensor y = plain(result);
  const bool nhwc = is_nhwc(y);
  const Tensor gradient = in_layout(given, nhwc);
  Tensor dx = new_like(y, nhwc), dbias = new_tensor<1>(y, {y.size(1)}, compute_type(y));
  BiasBackward a{};
  a.extent = extent_of(y, nhwc);
  a.activation = Activation(activation);
  a.slope = slope;
  a.gradient = gradient.const_data_ptr();
  a.y = y.const_data_ptr();
  a.dx = dx.mutable_data_ptr();
  a.dbias = dbias.mutable_data_ptr();
  kernels().bias_backward[storage_of(y)](a);
  return {dx, dbias};
}

}  // namespace
}  // namespace zoo

STABLE_TORCH_LIBRARY_IMPL(zoo, CPU, m) {
  m.impl("bias_act_forward", TORCH_BOX(&zoo::bias_forward));
  m.impl("bias_act_backward", TORCH_BOX(&zoo::bias_backward));
}
