// zoo::upfirdn2d_forward on CUDA.
#include <vector>

#include <torch/csrc/stable/library.h>

#include "../launch/plan.h"

namespace zoo {
namespace {

// y[o] = activation(sum over j of filter[j] z[o * down - origin + j] + bias) in both directions, where z is x with up - 1 zeros
// after each pixel and zeros all around. The filter has been turned round.
template <class S>
struct Upfirdn2d {
  using T = typename ComputeOf<S>::type;
  const S* x;
  S* y;
  PerChannel bias;
  T slope;
  Activation activation;
  int64_t packs;  // of y
  int64_t up, down, left, top, channels, height, width, y_height, y_width;
  int taps;
  T filter[kMostTaps];
};

// The first pixel that a filter meets, and the tap that meets it; every up-th tap after it meets the next pixel.
struct Meeting {
  int64_t first;
  int tap;

  __device__ __forceinline__ Meeting(int64_t o, int64_t up, int64_t down, int64_t origin, int taps) {
    const int64_t start = o * down - origin;
    first = start > 0 ? (start + up - 1) / up : -(-start / up);
    const int64_t phase = first * up - start;
    tap = phase < taps ? int(phase) : taps;
  }
};

// Passes over memory: one write of y; pixels of x that several results share come from a cache. Blocks: as many packs of y as
// they have threads: channels of a pixel in nhwc, one number in nchw, so that neighbouring threads write neighbouring memory.
template <class S, bool NHWC, int Vec>
__global__ void __launch_bounds__(256) upfirdn2d_kernel(const Upfirdn2d<S> a) {
  using T = typename ComputeOf<S>::type;
  using Pack = zoo::Pack<S, Vec>;
  const int64_t index = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (index >= a.packs) return;
  const int64_t across = NHWC ? a.channels / Vec : 1;
  const int64_t pixel = index / across, row = pixel / a.y_width, plane = row / a.y_height;
  const int64_t channel = NHWC ? index % across * Vec : plane % a.channels;
  const Meeting rows(row % a.y_height, a.up, a.down, a.top, a.taps);
  const Meeting columns(pixel % a.y_width, a.up, a.down, a.left, a.taps);
  const int64_t step = NHWC ? a.channels : 1;
  const S* const image = a.x + plane * a.height * a.width * step + (NHWC ? channel : 0);
  const int up = a.up < kMostTaps ? int(a.up) : kMostTaps;  // of a filter with fewer taps, one at most meets a pixel
  T sums[Vec] = {};
  int64_t i = rows.first;
  for (int u = rows.tap; u < a.taps; u += up, ++i) {
    if (i < 0 || i >= a.height) continue;
    int64_t j = columns.first;
    for (int v = columns.tap; v < a.taps; v += up, ++j) {
      if (j < 0 || j >= a.width) continue;
      T values[Vec];
      unpack(load_pack<Pack>(image + (i * a.width + j) * step), values);
      const T weight = a.filter[u] * a.filter[v];
#pragma unroll
      for (int e = 0; e < Vec; ++e) sums[e] += weight * values[e];
    }
  }
#pragma unroll
  for (int e = 0; e < Vec; ++e) sums[e] += load<S, T>(a.bias, channel + e, 0);
  activate_all(sums, a.activation, a.slope);
  Pack out;
  pack_up(out, sums);
  store_pack_global(a.y + index * Vec, out);
}

template <class S>
auto upfirdn2d_kernel_of(bool nhwc, bool packed) -> void (*)(const Upfirdn2d<S>) {
  constexpr int kVec = 16 / sizeof(S);
  if (!nhwc) return &upfirdn2d_kernel<S, false, 1>;
  return packed ? &upfirdn2d_kernel<S, true, kVec> : &upfirdn2d_kernel<S, true, 1>;
}

Tensor upfirdn2d(
    const Tensor& input, const std::optional<Tensor>& bias, const std::vector<double>& taps, int64_t up, int64_t down,
    int64_t left, int64_t top, int64_t height, int64_t width, int64_t activation, double slope) {
  constexpr const char* op = "upfirdn2d";
  check_upfirdn2d(op, input, int64_t(taps.size()), up, down, left, top, height, width, activation);
  const Context context(input);
  const Tensor x = plain(input);
  const bool last = lies_nhwc(x), nhwc = last && x.size(1) > 1;
  const Tensor y = new_images(x, x.size(0), x.size(1), height, width, last);
  Tensor keep;
  if (bias) require_per_channel(op, "bias", *bias, x);
  if (y.numel() == 0) return y;
  with_type(x, [&](auto element) {
    using S = decltype(element);
    using T = typename ComputeOf<S>::type;
    constexpr int kVec = 16 / sizeof(S), kThreads = 256;
    Upfirdn2d<S> a{};
    a.x = static_cast<const S*>(x.const_data_ptr());
    a.y = static_cast<S*>(y.mutable_data_ptr());
    a.bias = parameter(op, "bias", bias, x, keep);
    a.slope = T(slope);
    a.activation = Activation(activation);
    a.up = up;
    a.down = down;
    a.left = left;
    a.top = top;
    a.channels = x.size(1);
    a.height = x.size(2);
    a.width = x.size(3);
    a.y_height = height;
    a.y_width = width;
    a.taps = int(taps.size());
    for (int i = 0; i < a.taps; ++i) a.filter[i] = T(taps[size_t(a.taps - 1 - i)]);
    const bool packed = nhwc && a.channels % kVec == 0 && is_aligned(a.x) && is_aligned(a.y);
    a.packs = y.numel() / (packed ? kVec : 1);
    launch(upfirdn2d_kernel_of<S>(nhwc, packed), a, divided_up(a.packs, kThreads), kThreads, 0, context.stream);
  });
  return y;
}

}  // namespace
}  // namespace zoo

STABLE_TORCH_LIBRARY_IMPL(zoo, CUDA, m) { m.impl("upfirdn2d_forward", TORCH_BOX(&zoo::upfirdn2d)); }
