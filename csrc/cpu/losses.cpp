// zoo::discriminator_loss_* and zoo::generator_loss_* on the CPU.
#include <tuple>

#include <torch/csrc/stable/library.h>

#include "../formulas.h"
#include "arguments.h"

namespace zoo {
namespace {

constexpr const char* kD = "discriminator_loss";
constexpr const char* kG = "generator_loss";

void write_scalar(const Tensor& t, double value) {
  if (t.scalar_type() == ScalarType::Double) *static_cast<double*>(t.mutable_data_ptr()) = value;
  else *static_cast<float*>(t.mutable_data_ptr()) = float(value);
}

double read_scalar(const char* op, const Tensor& t) {
  ZOO_REQUIRE(t.numel() == 1 && t.is_cpu() && (t.scalar_type() == ScalarType::Double || t.scalar_type() == ScalarType::Float),
          op, ": the gradient of the loss has shape ", shape_of(t), "; one number in float32 or float64 is needed");
  return t.scalar_type() == ScalarType::Double ? *static_cast<const double*>(t.const_data_ptr())
                                               : double(*static_cast<const float*>(t.const_data_ptr()));
}

double threshold_of(int64_t kind, double a, double b) { return kind == kLeastSquares ? (a + b) / 2 : 0; }

// Fills `side` and the gradient of its logits.
void run(const char* op, const char* name, const Tensor& given, Tensor& gradient, LossSide& side) {
  require_floating(op, name, given);
  ZOO_REQUIRE(given.numel() > 0, op, ": ", name, " has shape ", shape_of(given), ", which holds no element");
  const Tensor logits = dense(given);
  gradient = new_contiguous_like(logits);
  side.logits = logits.const_data_ptr();
  side.gradient = gradient.mutable_data_ptr();
  side.count = logits.numel();
  kernels().loss_side[storage_of(logits)](side);
}

std::tuple<Tensor, Tensor, Tensor, Tensor> discriminator_forward(
    const Tensor& real, const Tensor& fake, int64_t kind, double a, double b, double scale) {
  require_code(kD, "kind", kind, 5);
  ZOO_REQUIRE(real.scalar_type() == fake.scalar_type(), kD, ": the dtypes of real and fake logits differ");
  Tensor dreal, dfake;
  LossSide r{}, f{};
  r.discriminator = f.discriminator = r.real = true;
  r.kind = f.kind = int(kind);
  r.a = f.a = a;
  r.b = f.b = b;
  r.scale = f.scale = scale;
  r.threshold = f.threshold = threshold_of(kind, a, b);
  run(kD, "real", real, dreal, r);
  run(kD, "fake", fake, dfake, f);
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
  require_code(kG, "kind", kind, 5);
  Tensor dfake;
  LossSide f{};
  f.kind = int(kind);
  f.c = c;
  f.scale = scale;
  f.threshold = threshold_of(kind, a, b);
  run(kG, "fake", fake, dfake, f);
  const double fakes = double(f.count);
  Tensor loss = new_tensor<0>(fake, {}, compute_type(fake)), statistics = new_tensor<1>(fake, {2}, ScalarType::Float);
  write_scalar(loss, scale * (f.sums[0] / fakes));
  float* s = static_cast<float*>(statistics.mutable_data_ptr());
  s[0] = float(f.sums[1] / fakes);
  s[1] = float(f.sums[2] / fakes);
  return {loss, statistics, dfake};
}

Tensor scaled(const char* op, double factor, const Tensor& given) {
  require_floating(op, "gradient of the logits", given);
  const Tensor from = dense(given);
  Tensor to = new_contiguous_like(from);
  kernels().scaled_copy[storage_of(from)]({from.const_data_ptr(), to.mutable_data_ptr(), from.numel(), factor});
  return to;
}

std::tuple<Tensor, Tensor> discriminator_backward(const Tensor& gradient, const Tensor& dreal, const Tensor& dfake) {
  const double factor = read_scalar(kD, gradient);
  return {scaled(kD, factor, dreal), scaled(kD, factor, dfake)};
}

Tensor generator_backward(const Tensor& gradient, const Tensor& dfake) {
  return scaled(kG, read_scalar(kG, gradient), dfake);
}

}  // namespace
}  // namespace zoo

STABLE_TORCH_LIBRARY_IMPL(zoo, CPU, m) {
  m.impl("discriminator_loss_forward", TORCH_BOX(&zoo::discriminator_forward));
  m.impl("discriminator_loss_backward", TORCH_BOX(&zoo::discriminator_backward));
  m.impl("generator_loss_forward", TORCH_BOX(&zoo::generator_forward));
  m.impl("generator_loss_backward", TORCH_BOX(&zoo::generator_backward));
}
