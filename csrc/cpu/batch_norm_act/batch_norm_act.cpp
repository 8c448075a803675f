// zoo::batch_norm_act_forward and _backward on the CPU.
#include <tuple>

#include <torch/csrc/stable/library.h>

#include "../../formulas.h"
#include "../runtime/arguments.h"

namespace zoo {
namespace {

constexpr const char* kOp = "batch_norm_act";

std::tuple<Tensor, Tensor, Tensor> forward(
    const Tensor& input, const std::optional<Tensor>& weight, const std::optional<Tensor>& bias,
    const std::optional<Tensor>& running_mean, const std::optional<Tensor>& running_var, bool training, double momentum,
    double eps, int64_t activation, double slope, int64_t order, int64_t groups) {
  check_batch_norm_forward(kOp, input, running_mean, running_var, groups, training, activation, order);
  const Tensor x = plain(input);
  const bool nhwc = is_nhwc(x);
  const int64_t parts = training ? groups : 1;
  const ScalarType compute = compute_type(x);
  Tensor y = new_like(x, nhwc), mean = new_tensor<2>(x, {parts, x.size(1)}, compute),
         invstd = new_tensor<2>(x, {parts, x.size(1)}, compute);
  Tensor keep[4];
  BatchNormForward a{};
  a.extent = extent_of(x, nhwc);
  a.fusion = {Activation(activation), Order(order), slope};
  a.groups = parts;
  a.training = training;
  a.momentum = momentum;
  a.eps = eps;
  a.x = x.const_data_ptr();
  a.y = y.mutable_data_ptr();
  a.weight = parameter(kOp, "weight", weight, x, keep[0]);
  a.bias = parameter(kOp, "bias", bias, x, keep[1]);
  a.running_mean = parameter(kOp, "running_mean", running_mean, x, keep[2]);
  a.running_var = parameter(kOp, "running_var", running_var, x, keep[3]);
  a.mean = mean.mutable_data_ptr();
  a.invstd = invstd.mutable_data_ptr();
  kernels().batch_norm_forward[storage_of(x)](a);
  return {y, mean, invstd};
}

std::tuple<Tensor, Tensor, Tensor> backward(
    const Tensor& given, const Tensor& input, const std::optional<Tensor>& weight, const std::optional<Tensor>& bias,
    const Tensor& mean, const Tensor& invstd, bool training, int64_t activation, double slope, int64_t order,
    int64_t groups) {
  check_batch_norm_backward(kOp, given, input, mean, invstd, groups, training, activation, order);
  const int64_t parts = training ? groups : 1;
  const Tensor x = plain(input);
  const bool nhwc = is_nhwc(x);
  const Tensor gradient = in_layout(given, nhwc);
  const ScalarType compute = compute_type(x);
  Tensor dx = new_like(x, nhwc);
  Tensor dweight = new_tensor<1>(x, {x.size(1)}, weight ? weight->scalar_type() : compute);
  Tensor dbias = new_tensor<1>(x, {x.size(1)}, bias ? bias->scalar_type() : compute);
  Tensor keep[2];
  BatchNormBackward a{};
  a.extent = extent_of(x, nhwc);
  a.fusion = {Activation(activation), Order(order), slope};
  a.groups = parts;
  a.training = training;
  a.gradient = gradient.const_data_ptr();
  a.x = x.const_data_ptr();
  a.dx = dx.mutable_data_ptr();
  a.weight = parameter(kOp, "weight", weight, x, keep[0]);
  a.bias = parameter(kOp, "bias", bias, x, keep[1]);
  a.dweight = per_channel(dweight);
  a.dbias = per_channel(dbias);
  a.mean = mean.const_data_ptr();
  a.invstd = invstd.const_data_ptr();
  kernels().batch_norm_backward[storage_of(x)](a);
  return {dx, dweight, dbias};
}

}  // namespace
}  // namespace zoo

STABLE_TORCH_LIBRARY_IMPL(zoo, CPU, m) {
  m.impl("batch_norm_act_forward", TORCH_BOX(&zoo::forward));
  m.impl("batch_norm_act_backward", TORCH_BOX(&zoo::backward));
}
