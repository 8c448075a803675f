// zoo::linear_forward on the CPU, for float32.
#include <torch/csrc/stable/library.h>

#include "../../tensors.h"
#include "../isa/kernels.h"

namespace zoo {
namespace {

constexpr const char* op = "linear";
constexpr int64_t kColumnsTogether = 16;  // what the tiles of every instruction set divide, or are made of

float* memory_of(const Tensor& t) { return const_cast<float*>(static_cast<const float*>(t.const_data_ptr())); }

bool is_matrix_of_rows(const Tensor& t) { return t.stride(1) == 1 && t.stride(0) >= t.size(1); }

bool is_matrix_of_columns(const Tensor& t) { return t.stride(0) == 1 && t.stride(1) >= t.size(0); }

void require_matrix(const char* name, const Tensor& t) {
  ZOO_REQUIRE(
      t.scalar_type() == ScalarType::Float && t.dim() == 2, op, ": ", name, " of shape ", shape_of(t),
      " is not a float32 matrix");
}

// x Wᵀ of (N, in) and (out, in). Either may be a transposed view; what lies in no order that the kernels walk is copied.
Tensor linear(const Tensor& given_x, const Tensor& given_weight) {
  require_matrix("x", given_x);
  require_matrix("weight", given_weight);
  ZOO_REQUIRE(
      given_x.size(1) == given_weight.size(1), op, ": weight has shape ", shape_of(given_weight),
      ", which does not fit x of shape ", shape_of(given_x));
  Gemm d{};
  d.across = !is_matrix_of_columns(given_weight) || given_weight.size(0) % kColumnsTogether != 0;
  d.a_transposed = !d.across && !is_matrix_of_rows(given_x) && is_matrix_of_columns(given_x);
  const Tensor x = d.a_transposed || is_matrix_of_rows(given_x) ? given_x : torch::stable::contiguous(given_x);
  const Tensor weight =
      !d.across || is_matrix_of_rows(given_weight) ? given_weight : torch::stable::contiguous(given_weight);
  Tensor y = new_tensor<2>(x, {x.size(0), weight.size(0)}, ScalarType::Float);
  d.rows = x.size(0);
  d.columns = weight.size(0);
  d.depth = x.size(1);
  d.a = memory_of(x);
  d.a_step = x.stride(d.a_transposed ? 1 : 0);
  d.b = memory_of(weight);
  d.b_step = weight.stride(d.across ? 0 : 1);
  d.y = static_cast<float*>(y.mutable_data_ptr());
  if (d.depth == 0) return torch::stable::fill_(y, 0.0);
  if (d.rows > 0 && d.columns > 0) kernels().gemm(d);
  return y;
}

}  // namespace
}  // namespace zoo

STABLE_TORCH_LIBRARY_IMPL(zoo, CPU, m) { m.impl("linear_forward", TORCH_BOX(&zoo::linear)); }
