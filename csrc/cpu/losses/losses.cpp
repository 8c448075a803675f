// zoo::discriminator_loss_* and zoo::generator_loss_* on the CPU.
#include <tuple>

#include <torch/csrc/stable/library.h>

#include "../../formulas.h"
#include "../runtime/arguments.h"

namespace zoo {
namespace {

constexpr const char* kD = "discriminator_loss";
constexpr const char* kG = "generator_loss";

void write_scalar(const Tensor& t, double value) {
  if (t.scalar_type() == ScalarType::Double) *static_cast<double*>(t.mutable_data_ptr()) = value;
  else *static_cast<float*>(t.mutable_data_ptr()) = float(value);
}

double read_scalar(const Tensor& t) {
  return t.scalar_type() == ScalarType::Double ? *static_cast<const double*>(t.const_data_ptr())
                                               : double(*static_cast<const float*>(t.const_data_ptr()));
}

double threshold_of(int64_t kind, double a, double b) { return Loss(kind) == Loss::least_squares ? (a + b) / 2 : 0; }

// Fills `side` and the gradient of its logits.
void run(const Tensor& given, Tensor& gradient, LossSide& side) {
  const Tensor logits = as_contiguous(given);
  gradient = new_contiguous_like(logits);
  side.logits = logits.const_data_ptr();
  side.gradient = gradient.mutable_data_ptr();
  side.count = logits.numel();
  kernels().loss_side[storage_of(logits)](side);
}

std::tuple<Tensor, Tensor, Tensor, Tensor> discriminator_forward(
    const Tensor& real, const Tensor& fake, int64_t kind, double a, double b, double scale) {
  check_discriminator_loss(kD, real, fake, kind);
  Tensor dreal, dfake;
  LossSide r{}, f{};
  r.discriminator = f.discriminator = r.real = true;
  r.kind = f.kind = Loss(kind);
  r.a = f.a = a;
  r.b = f.b = b;
  r.scale = f.scale = scale;
  r.threshold = f.threshold = threshold_of(kind, a, b);
  run(real, dreal, r);
  run(fake, dfake, f);
  const double reals = double(r.count), fakes = double(f.count);
  Tensor loss = new_tensor<0>(real, {}, compute_type(real)), statistics = new_tensor<1>(real, {4}, ScalarType::Float);
  write_scalar(loss, scale * (r.sums[0] / reals + f.sums[0] / fakes));
  float* s = static_cast<float*>(statistics.mutable_data_ptr());
  s[0] = float(r.sums[1] / reals);
  s[1] = float(f.sums[1] / fakes);
  s[2] = float(r.sums[2] / reals);
  s[3] = float(f.sums[3] / fakes);
  return {loss, statistics, dreal, dfake};
}

std::tuple<Tensor, Tensor, Tensor> generator_forward(
    const Tensor& fake, int64_t kind, double a, double b, double c, double scale) {
  check_logits(kG, "fake", fake, kind);
  Tensor dfake;
  LossSide f{};
  f.kind = Loss(kind);
  f.c = c;
  f.scale = scale;
  f.threshold = threshold_of(kind, a, b);
  run(fake, dfake, f);
  const double fakes = double(f.count);
  Tensor loss = new_tensor<0>(fake, {}, compute_type(fake)), statistics = new_tensor<1>(fake, {2}, ScalarType::Float);
  write_scalar(loss, scale * (f.sums[0] / fakes));
  float* s = static_cast<float*>(statistics.mutable_data_ptr());
  s[0] = float(f.sums[1] / fakes);
  s[1] = float(f.sums[2] / fakes);
  return {loss, statistics, dfake};
}

// `of_logits`, times the gradient of the loss.
Tensor scaled(const char* op, const Tensor& gradient, const Tensor& of_logits) {
  check_loss_gradient(op, gradient, of_logits);
  const double factor = read_scalar(gradient);
  const Tensor from = as_contiguous(of_logits);
  Tensor to = new_contiguous_like(from);
  kernels().scaled_copy[storage_of(from)]({from.const_data_ptr(), to.mutable_data_ptr(), from.numel(), factor});
  return to;
}

std::tuple<Tensor, Tensor> discriminator_backward(const Tensor& gradient, const Tensor& dreal, const Tensor& dfake) {
  return {scaled(kD, gradient, dreal), scaled(kD, gradient, dfake)};
}

Tensor generator_backward(const Tensor& gradient, const Tensor& dfake) { return scaled(kG, gradient, dfake); }

}  // namespace
}  // namespace zoo

STABLE_TORCH_LIBRARY_IMPL(zoo, CPU, m) {
  m.impl("discriminator_loss_forward", TORCH_BOX(&zoo::discriminator_forward));
  m.impl("discriminator_loss_backward", TORCH_BOX(&zoo::discriminator_backward));
  m.impl("generator_loss_forward", TORCH_BOX(&zoo::generator_forward));
  m.impl("generator_loss_backward", TORCH_BOX(&zoo::generator_backward));
}
