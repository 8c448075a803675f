// zoo::augment_forward and _backward on CUDA.
#include <torch/csrc/stable/library.h>

#include "../launch/plan.h"
#include "gather.h"

namespace zoo {
namespace {

constexpr int kThreads = 256;
constexpr int kInRegisters = 4;  // channels of pictures; of more, each is sampled anew for every channel that it colours

template <class S>
struct Augment {
  using T = typename ComputeOf<S>::type;
  const S* from;
  S* to;
  const float *affine, *color;
  const int64_t* box;
  T* added;  // (N, C): what colour adds to each channel of an image
  double* sums;
  WayBack<T>* ways;
  int64_t batch;
  int channels, height, width;
  bool nhwc, linear;
  Padding padding;

  __device__ int64_t place(int64_t n, int channel, int row, int column) const {
    return nhwc ? ((n * height + row) * width + column) * channels + channel
                : ((n * channels + channel) * height + row) * width + column;
  }
  __device__ bool in_box(int64_t n, int row, int column) const {
    if (!box) return false;
    const int64_t* b = box + 4 * n;
    return row >= b[0] && row < b[2] && column >= b[1] && column < b[3];
  }
  __device__ const float* colors_of(int64_t n, int channel) const {
    return color + (n * channels + channel) * (2 * channels + 1);
  }
};

// The four pixels that make one of the result.
template <class T>
struct Sample {
  Taps<T> x, y;

  template <class S>
  __device__ Sample(const Augment<S>& a, int64_t n, int row, int column) {
    if (!a.affine) {
      x = {{column, column}, {T(1), T(0)}};
      y = {{row, row}, {T(1), T(0)}};
      return;
    }
    const Warp<T> warp = warp_of<T>(a.affine + 6 * n);
    x = taps(warped_x(warp, column, row), a.width, a.padding);
    y = taps(warped_y(warp, column, row), a.height, a.padding);
  }
  __device__ T whole() const { return (x.weight[0] + x.weight[1]) * (y.weight[0] + y.weight[1]); }

  // What does not count is not multiplied: it may be infinite.
  template <class S>
  __device__ T of(const Augment<S>& a, int64_t n, int channel) const {
    T sum = 0;
#pragma unroll
    for (int i = 0; i < 2; ++i) {
#pragma unroll
      for (int j = 0; j < 2; ++j) {
        const T weight = y.weight[i] * x.weight[j];
        if (weight == 1) return widened(a.from[a.place(n, channel, y.at[i], x.at[j])]);
        if (weight != 0) sum += weight * widened(a.from[a.place(n, channel, y.at[i], x.at[j])]);
      }
    }
    return sum;
  }
};

// The sum of each thread's number, for all of the block; always in one order.
__device__ __forceinline__ double block_sum(double mine, double* scratch) {
  for (int distance = 16; distance > 0; distance >>= 1) mine += __shfl_down_sync(kWholeWarp, mine, distance);
  __syncthreads();
  if ((threadIdx.x & 31) == 0) scratch[threadIdx.x >> 5] = mine;
  __syncthreads();
  double sum = 0;
#pragma unroll
  for (int warp = 0; warp < kThreads / 32; ++warp) sum += scratch[warp];
  return sum;
}

// Blocks: one per image. What colour adds to its channels, forward or (Back) backward, and its way back. Passes over memory: one
// read of the images, where the colours ask for their means.
template <class S, bool Back>
__global__ void __launch_bounds__(kThreads) prepare_kernel(const Augment<S> a) {
  using T = typename ComputeOf<S>::type;
  __shared__ double scratch[kThreads / 32];
  const int64_t n = blockIdx.x;
  if (Back && a.affine && threadIdx.x == 0) a.ways[n] = way_back<T>(a.affine + 6 * n, a.width, a.height);
  if (!a.color) return;
  const int pixels = a.height * a.width;
  for (int channel = 0; channel < a.channels; ++channel) {
    bool asked = false;  // the same in all threads
    for (int other = 0; other < a.channels; ++other) {
      asked |= a.colors_of(n, Back ? channel : other)[a.channels + (Back ? other : channel)] != 0;
    }
    double mine = 0;
    for (int i = int(threadIdx.x); asked && i < pixels; i += kThreads) {
      const int row = i / a.width, column = i % a.width;
      if (Back) {
        if (a.in_box(n, row, column)) continue;
        const T whole = Sample<T>(a, n, row, column).whole();
        if (whole != 0) mine += double(whole * widened(a.from[a.place(n, channel, row, column)]));
      } else {
        mine += double(widened(a.from[a.place(n, channel, row, column)]));
      }
    }
    const double sum = block_sum(mine, scratch);
    if (threadIdx.x == 0) a.sums[n * a.channels + channel] = sum;
  }
  __syncthreads();
  for (int channel = int(threadIdx.x); channel < a.channels; channel += kThreads) {
    double sum = Back || a.linear ? 0 : a.colors_of(n, channel)[2 * a.channels];
    for (int other = 0; other < a.channels; ++other) {
      const float share = a.colors_of(n, Back ? other : channel)[a.channels + (Back ? channel : other)];
      if (share != 0) sum += double(share) * a.sums[n * a.channels + other] / double(pixels);
    }
    a.added[n * a.channels + channel] = T(sum);
  }
}

// Passes over memory: one read, one write. A thread makes a pixel of the result, all channels; colour comes behind the
// interpolation, of which it makes the same.
template <class S>
__global__ void __launch_bounds__(kThreads) forward_kernel(const Augment<S> a) {
  using T = typename ComputeOf<S>::type;
  const int64_t area = int64_t(a.height) * a.width, step = int64_t(gridDim.x) * kThreads;
  for (int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x; i < a.batch * area; i += step) {
    const int64_t n = i / area;
    const int row = int(i % area) / a.width, column = int(i % area) % a.width;
    if (a.in_box(n, row, column)) {
      for (int c = 0; c < a.channels; ++c) a.to[a.place(n, c, row, column)] = narrowed<S>(T(0));
      continue;
    }
    const Sample<T> sample(a, n, row, column);
    if (!a.color) {
      for (int c = 0; c < a.channels; ++c) a.to[a.place(n, c, row, column)] = narrowed<S>(sample.of(a, n, c));
      continue;
    }
    T values[kInRegisters];
#pragma unroll
    for (int k = 0; k < kInRegisters; ++k) values[k] = k < a.channels ? sample.of(a, n, k) : T(0);
    const T whole = sample.whole();
    for (int c = 0; c < a.channels; ++c) {
      const float* colors = a.colors_of(n, c);
      T sum = whole != 0 ? whole * a.added[n * a.channels + c] : T(0);
#pragma unroll
      for (int k = 0; k < kInRegisters; ++k) {
        if (k < a.channels) sum += T(colors[k]) * values[k];
      }
      for (int k = kInRegisters; k < a.channels; ++k) sum += T(colors[k]) * sample.of(a, n, k);
      a.to[a.place(n, c, row, column)] = narrowed<S>(sum);
    }
  }
}

// What has come back to one pixel of the image, in one channel.
template <class S>
__device__ __forceinline__ typename ComputeOf<S>::type come_back(
    const Augment<S>& a, int64_t n, int channel, int row, int column) {
  using T = typename ComputeOf<S>::type;
  T sum = 0;
  if (!a.affine) return a.in_box(n, row, column) ? sum : widened(a.from[a.place(n, channel, row, column)]);
  each_reached(a.ways[n], column, row, a.width, a.height, a.padding, [&](int j, int i, T weight) {
    if (!a.in_box(n, i, j)) sum += weight * widened(a.from[a.place(n, channel, i, j)]);
  });
  return sum;
}

// Passes over memory: the gradient is read some nine times where it is warped, from near caches; one write. A thread makes a
// pixel of the images' gradient, all channels.
template <class S>
__global__ void __launch_bounds__(kThreads) backward_kernel(const Augment<S> a) {
  using T = typename ComputeOf<S>::type;
  const int64_t area = int64_t(a.height) * a.width, step = int64_t(gridDim.x) * kThreads;
  for (int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x; i < a.batch * area; i += step) {
    const int64_t n = i / area;
    const int row = int(i % area) / a.width, column = int(i % area) % a.width;
    T values[kInRegisters] = {};
    if (a.affine) {
      each_reached(a.ways[n], column, row, a.width, a.height, a.padding, [&](int j, int other, T weight) {
        if (a.in_box(n, other, j)) return;
#pragma unroll
        for (int c = 0; c < kInRegisters; ++c) {
          if (c < a.channels) values[c] += weight * widened(a.from[a.place(n, c, other, j)]);
        }
      });
    } else {
#pragma unroll
      for (int c = 0; c < kInRegisters; ++c) {
        if (c < a.channels) values[c] = come_back(a, n, c, row, column);
      }
    }
    for (int k = 0; k < a.channels; ++k) {
      T sum = 0;
      if (a.color) {
        sum = a.added[n * a.channels + k];
#pragma unroll
        for (int c = 0; c < kInRegisters; ++c) {
          if (c < a.channels) sum += T(a.colors_of(n, c)[k]) * values[c];
        }
        for (int c = kInRegisters; c < a.channels; ++c) sum += T(a.colors_of(n, c)[k]) * come_back(a, n, c, row, column);
      } else if (k >= kInRegisters) {
        sum = come_back(a, n, k, row, column);
      } else {
#pragma unroll
        for (int c = 0; c < kInRegisters; ++c) sum = c == k ? values[c] : sum;
      }
      a.to[a.place(n, k, row, column)] = narrowed<S>(sum);
    }
  }
}

constexpr const char* kOp = "augment";

template <bool Back>
Tensor run_augment(
    const Tensor& given, const std::optional<Tensor>& affine, const std::optional<Tensor>& color,
    const std::optional<Tensor>& box, int64_t padding, bool linear) {
  check_augment(kOp, given, affine, color, box, padding);
  const Context context(given);
  const Tensor from = plain(given);
  const bool nhwc = is_nhwc(from);
  const Tensor to = new_like(from, nhwc);
  if (from.numel() == 0) return to;
  std::optional<Tensor> maps, colors, boxes, added, sums, ways;
  if (affine) maps = as_contiguous(*affine);
  if (color) colors = as_contiguous(*color);
  if (box) boxes = as_contiguous(*box);
  with_type(from, [&](auto element) {
    using S = decltype(element);
    using T = typename ComputeOf<S>::type;
    Augment<S> a{};
    a.from = static_cast<const S*>(from.const_data_ptr());
    a.to = static_cast<S*>(to.mutable_data_ptr());
    a.batch = from.size(0);
    a.channels = int(from.size(1));
    a.height = int(from.size(2));
    a.width = int(from.size(3));
    a.nhwc = nhwc;
    a.linear = linear;
    a.padding = Padding(padding);
    if (maps) a.affine = static_cast<const float*>(maps->const_data_ptr());
    if (boxes) a.box = static_cast<const int64_t*>(boxes->const_data_ptr());
    if (colors) {
      a.color = static_cast<const float*>(colors->const_data_ptr());
      added = new_tensor<1>(from, {a.batch * a.channels}, compute_type(from));
      sums = new_tensor<1>(from, {a.batch * a.channels}, ScalarType::Double);
      a.added = static_cast<T*>(added->mutable_data_ptr());
      a.sums = static_cast<double*>(sums->mutable_data_ptr());
    }
    if (Back && maps) {
      constexpr int64_t kDoubles = (sizeof(WayBack<T>) + sizeof(double) - 1) / sizeof(double);
      ways = new_tensor<1>(from, {a.batch * kDoubles}, ScalarType::Double);
      a.ways = static_cast<WayBack<T>*>(ways->mutable_data_ptr());
    }
    if (colors || (Back && maps)) launch(&prepare_kernel<S, Back>, a, a.batch, kThreads, 0, context.stream);
    const int64_t blocks = divided_up(from.numel() / a.channels, kThreads);
    const int64_t most = 64 * int64_t(context.device.multiprocessors);
    launch(Back ? &backward_kernel<S> : &forward_kernel<S>, a, blocks < most ? blocks : most, kThreads, 0, context.stream);
  });
  return to;
}

Tensor augment_forward(
    const Tensor& images, const std::optional<Tensor>& affine, const std::optional<Tensor>& color,
    const std::optional<Tensor>& box, int64_t padding, bool linear) {
  return run_augment<false>(images, affine, color, box, padding, linear);
}

Tensor augment_backward(
    const Tensor& gradient, const std::optional<Tensor>& affine, const std::optional<Tensor>& color,
    const std::optional<Tensor>& box, int64_t padding) {
  return run_augment<true>(gradient, affine, color, box, padding, true);
}

}  // namespace
}  // namespace zoo

STABLE_TORCH_LIBRARY_IMPL(zoo, CUDA, m) {
  m.impl("augment_forward", TORCH_BOX(&zoo::augment_forward));
  m.impl("augment_backward", TORCH_BOX(&zoo::augment_backward));
}
