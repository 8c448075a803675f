// Layouts of tensors, and new tensors in them. Shared by the CPU and the CUDA library.
#pragma once

#include <array>
#include <optional>

#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>

#include "checks.h"

namespace zoo {

using torch::headeronly::MemoryFormat;

// Whether memory is [row][channel]: channels_last images (torch's own rule: strides of dimensions of size 1 do not count)
// and contiguous 2-d tensors.
inline bool is_nhwc(const Tensor& t) {
  if (t.dim() == 2) return t.is_contiguous();
  int64_t expected = 1;
  for (const int64_t d : {1, 3, 2, 0}) {
    if (t.size(d) == 1) continue;
    if (t.stride(d) != expected) return false;
    expected *= t.size(d);
  }
  return true;
}

// t itself, or a copy, in memory that the kernels read: nhwc or contiguous.
inline Tensor plain(const Tensor& t) { return is_nhwc(t) || t.is_contiguous() ? t : torch::stable::contiguous(t); }

// t in the layout that was found for another tensor of its shape.
inline Tensor in_layout(const Tensor& t, bool nhwc) {
  if (!nhwc || t.dim() == 2) return t.is_contiguous() ? t : torch::stable::contiguous(t);
  return is_nhwc(t) ? t : torch::stable::contiguous(t, MemoryFormat::ChannelsLast);
}

inline Tensor as_contiguous(const Tensor& t) { return t.is_contiguous() ? t : torch::stable::contiguous(t); }

inline Tensor new_strided(const Tensor& like, const int64_t* sizes, const int64_t* strides, int64_t dims, ScalarType type) {
  int32_t code = 0, device_type = 0;
  code = torch::stable::detail::to<int32_t>(torch::stable::detail::from(type));
  TORCH_ERROR_CODE_CHECK(aoti_torch_get_device_type(like.get(), &device_type));
  AtenTensorHandle handle = nullptr;
  TORCH_ERROR_CODE_CHECK(
      aoti_torch_empty_strided(dims, sizes, strides, code, device_type, like.get_device_index(), &handle));
  return Tensor(handle);
}

// A new contiguous tensor on the device of `like`.
template <size_t N>
inline Tensor new_tensor(const Tensor& like, const std::array<int64_t, N>& sizes, ScalarType type) {
  std::array<int64_t, N> strides{};
  int64_t step = 1;
  for (size_t d = N; d-- > 0;) {
    strides[d] = step;
    step *= sizes[d] > 1 ? sizes[d] : 1;
  }
  return new_strided(like, sizes.data(), strides.data(), int64_t(N), type);
}

// A new tensor of x's shape and dtype, in nhwc or contiguous. An image of one channel or one pixel is both, and keeps its
// strides: they tell the layers behind this one which of the two is meant.
inline Tensor new_like(const Tensor& x, bool nhwc) {
  if (x.dim() == 2) return new_tensor<2>(x, {x.size(0), x.size(1)}, x.scalar_type());
  if (nhwc && x.is_contiguous()) return new_strided(x, x.sizes().data(), x.strides().data(), 4, x.scalar_type());
  const std::array<int64_t, 4> n = {x.size(0), x.size(1), x.size(2), x.size(3)};
  if (!nhwc) return new_tensor(x, n, x.scalar_type());
  const auto at_least_one = [](int64_t v) { return v > 1 ? v : 1; };
  const int64_t c = at_least_one(n[1]), w = at_least_one(n[3]), h = at_least_one(n[2]);
  const std::array<int64_t, 4> strides = {h * w * c, 1, w * c, c};
  return new_strided(x, n.data(), strides.data(), 4, x.scalar_type());
}

// Whether images lie channels last by their strides too: those of one channel or one pixel lie in both layouts at once.
inline bool lies_nhwc(const Tensor& t) {
  if (!is_nhwc(t)) return false;
  return !t.is_contiguous() || (t.stride(1) == 1 && t.stride(2) == t.size(3) * t.size(1) && t.stride(3) == t.size(1));
}

// New images of the dtype and on the device of `like`.
inline Tensor new_images(const Tensor& like, int64_t batch, int64_t channels, int64_t height, int64_t width, bool nhwc) {
  const std::array<int64_t, 4> sizes = {batch, channels, height, width};
  if (!nhwc) return new_tensor(like, sizes, like.scalar_type());
  const std::array<int64_t, 4> strides = {height * width * channels, 1, width * channels, channels};
  return new_strided(like, sizes.data(), strides.data(), 4, like.scalar_type());
}

// A new contiguous tensor of x's shape and dtype, whatever its rank.
inline Tensor new_contiguous_like(const Tensor& x) {
  int64_t strides[64], step = 1;
  ZOO_REQUIRE(x.dim() <= 64, "a tensor of ", x.dim(), " dimensions is more than torch allows");
  for (int64_t d = x.dim(); d-- > 0;) {
    strides[d] = step;
    step *= x.size(d) > 1 ? x.size(d) : 1;
  }
  return new_strided(x, x.sizes().data(), strides, x.dim(), x.scalar_type());
}

// What x is computed in.
inline ScalarType compute_type(const Tensor& x) {
  return x.scalar_type() == ScalarType::Double ? ScalarType::Double : ScalarType::Float;
}

}  // namespace zoo
