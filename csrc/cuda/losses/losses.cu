// zoo::discriminator_loss_* and zoo::generator_loss_* on CUDA.
#include <tuple>

#include <torch/csrc/stable/library.h>

#include "../launch/plan.h"

namespace zoo {
namespace {

constexpr int kLossThreads = 1024;
constexpr int64_t kLossChunk =
    64 * 1024;  // logits of one block: a batch of logits is one block, a patch map of a large batch several
constexpr int kMostLossBlocks = 1024;
constexpr int kSums =
    6;  // loss and D(.) of real and of fake logits, real ones above the threshold, fake ones below (or above)

template <class S>
struct LossWork {
  using T = typename ComputeOf<S>::type;
  const S *real, *fake;
  S *dreal, *dfake;
  int64_t reals, fakes;  // no real ones for the generator
  int64_t chunk;         // logits of one block; its numbers run over the real ones, then the fake ones
  double* partial;       // [block][kSums]
  T* loss;
  float* statistics;
  double a, b, c, scale, threshold;
  Loss kind;
  bool discriminator;
  int stages;
};

// Sums over the block, for thread 0; always in one order.
__device__ __forceinline__ void add_up(double (&sums)[kSums], double (&scratch)[kSums][32]) {
  const int in_warp = int(threadIdx.x) & 31, warp = int(threadIdx.x) >> 5, warps = int(blockDim.x) >> 5;
#pragma unroll
  for (int i = 0; i < kSums; ++i) {
    for (int distance = 16; distance > 0; distance >>= 1) sums[i] += __shfl_down_sync(kWholeWarp, sums[i], distance);
    if (in_warp == 0) scratch[i][warp] = sums[i];
  }
  __syncthreads();
  if (warp > 0) return;
#pragma unroll
  for (int i = 0; i < kSums; ++i) {
    sums[i] = in_warp < warps ? scratch[i][in_warp] : 0;
    for (int distance = 16; distance > 0; distance >>= 1) sums[i] += __shfl_down_sync(kWholeWarp, sums[i], distance);
  }
}

// Passes over memory: one read of the logits, one write of their gradients; loss and statistics in the same pass.
// Blocks: one for what a batch of single logits has; beyond 65536 logits (maps of patches) as many as that takes, and a
// second launch of one block adds up their sums. Accesses are of one element: there is little to read, and the latency of
// one trip to memory is nearly all of the time. Sums are formed in double: a few operations per thread.
template <class S>
__global__ void __launch_bounds__(kLossThreads) loss_kernel(const LossWork<S> a) {
  using T = typename ComputeOf<S>::type;
  __shared__ double scratch[kSums][32];
  double sums[kSums] = {};
  const bool alone = a.stages == (kStatistics | kApply);
  if (a.stages & kStatistics) {
    // Each thread sums in the compute type first: few terms, of one sign or of one size.
    T own[kSums] = {};
    const int64_t begin = int64_t(blockIdx.x) * a.chunk, all = a.reals + a.fakes;
    const int64_t end = begin + a.chunk < all ? begin + a.chunk : all;
    const T first = T(a.a), second = T(a.b), target = T(a.c), threshold = T(a.threshold);
    const T of_real = T(a.scale / double(a.reals)), of_fake = T(a.scale / double(a.fakes));
#pragma unroll 2
    for (int64_t i = begin + threadIdx.x; i < end; i += blockDim.x) {
      if (i < a.reals) {
        const T x = widened(a.real[i]);
        const LossTerm<T> term = discriminator_term(x, true, a.kind, first, second);
        a.dreal[i] = narrowed<S>(term.gradient * of_real);
        own[0] += term.loss;
        own[2] += term.d_of_x;
        own[4] += x > threshold ? T(1) : T(0);
      } else {
        const int64_t j = i - a.reals;
        const T x = widened(a.fake[j]);
        const LossTerm<T> term =
            a.discriminator ? discriminator_term(x, false, a.kind, first, second) : generator_term(x, a.kind, target);
        a.dfake[j] = narrowed<S>(term.gradient * of_fake);
        own[1] += term.loss;
        own[3] += term.d_of_x;
        own[5] += (a.discriminator ? x <= threshold : x > threshold) ? T(1) : T(0);
      }
    }
#pragma unroll
    for (int i = 0; i < kSums; ++i) sums[i] = double(own[i]);
  } else {
    for (int64_t block = threadIdx.x; block * a.chunk < a.reals + a.fakes; block += blockDim.x) {
#pragma unroll
      for (int i = 0; i < kSums; ++i) sums[i] += a.partial[block * kSums + i];
    }
  }
  add_up(sums, scratch);
  if (threadIdx.x != 0) return;
  if (!alone && (a.stages & kStatistics)) {
#pragma unroll
    for (int i = 0; i < kSums; ++i) a.partial[int64_t(blockIdx.x) * kSums + i] = sums[i];
    return;
  }
  const double reals = double(a.reals), fakes = double(a.fakes);
  if (a.discriminator) {
    *a.loss = T(a.scale * (sums[0] / reals + sums[1] / fakes));
    a.statistics[0] = float(sums[2] / reals);
    a.statistics[1] = float(sums[3] / fakes);
    a.statistics[2] = float(sums[4] / reals);
    a.statistics[3] = float(sums[5] / fakes);
  } else {
    *a.loss = T(a.scale * (sums[1] / fakes));
    a.statistics[0] = float(sums[3] / fakes);
    a.statistics[1] = float(sums[5] / fakes);
  }
}

template <class S>
struct Scale {
  const void* factor;  // the gradient of the loss: one number, double or float
  bool wide;
  const S* from[2];
  S* to[2];
  int64_t counts[2];
};

// Passes over memory: one read, one write, of both tensors in one launch.
template <class S>
__global__ void __launch_bounds__(256) scale_kernel(const Scale<S> a) {
  using T = typename ComputeOf<S>::type;
  const T factor = a.wide ? T(*static_cast<const double*>(a.factor)) : T(*static_cast<const float*>(a.factor));
  const int64_t all = a.counts[0] + a.counts[1], step = int64_t(gridDim.x) * blockDim.x;
  for (int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x; i < all; i += step) {
    const bool other = i >= a.counts[0];
    const int64_t j = other ? i - a.counts[0] : i;
    (other ? a.to[1] : a.to[0])[j] = narrowed<S>(widened((other ? a.from[1] : a.from[0])[j]) * factor);
  }
}

constexpr const char* kD = "discriminator_loss";
constexpr const char* kG = "generator_loss";

double threshold_of(int64_t kind, double a, double b) { return Loss(kind) == Loss::least_squares ? (a + b) / 2 : 0; }

// Fills in sizes and results and runs the kernel; one launch, or two for many logits.
template <class S>
void run_loss(LossWork<S> a, const Tensor& like, const Tensor& loss, const Tensor& statistics, cudaStream_t stream) {
  a.loss = static_cast<typename ComputeOf<S>::type*>(loss.mutable_data_ptr());
  a.statistics = static_cast<float*>(statistics.mutable_data_ptr());
  const int64_t all = a.reals + a.fakes;
  a.chunk = divided_up(all, kMostLossBlocks) > kLossChunk ? divided_up(all, kMostLossBlocks) : kLossChunk;
  const int64_t blocks = divided_up(all, a.chunk);
  const int threads = power_of_two(all, 64, kLossThreads);
  a.stages = kStatistics | kApply;
  if (blocks == 1) return launch(&loss_kernel<S>, a, 1, threads, 0, stream);
  const Tensor partial = new_tensor<1>(like, {blocks * kSums}, ScalarType::Double);
  a.partial = static_cast<double*>(partial.mutable_data_ptr());
  a.stages = kStatistics;
  launch(&loss_kernel<S>, a, blocks, threads, 0, stream);
  a.stages = kApply;
  launch(&loss_kernel<S>, a, 1, threads, 0, stream);
}

std::tuple<Tensor, Tensor, Tensor, Tensor> discriminator_forward(
    const Tensor& given_real, const Tensor& given_fake, int64_t kind, double a, double b, double scale) {
  check_discriminator_loss(kD, given_real, given_fake, kind);
  const Context context(given_real);
  const Tensor real = as_contiguous(given_real), fake = as_contiguous(given_fake);
  const Tensor dreal = new_contiguous_like(real), dfake = new_contiguous_like(fake);
  const Tensor loss = new_tensor<0>(real, {}, compute_type(real));
  const Tensor statistics = new_tensor<1>(real, {4}, ScalarType::Float);
  with_type(real, [&](auto element) {
    using S = decltype(element);
    LossWork<S> arguments{};
    arguments.real = static_cast<const S*>(real.const_data_ptr());
    arguments.fake = static_cast<const S*>(fake.const_data_ptr());
    arguments.dreal = static_cast<S*>(dreal.mutable_data_ptr());
    arguments.dfake = static_cast<S*>(dfake.mutable_data_ptr());
    arguments.reals = real.numel();
    arguments.fakes = fake.numel();
    arguments.a = a;
    arguments.b = b;
    arguments.scale = scale;
    arguments.threshold = threshold_of(kind, a, b);
    arguments.kind = Loss(kind);
    arguments.discriminator = true;
    run_loss(arguments, real, loss, statistics, context.stream);
  });
  return {loss, statistics, dreal, dfake};
}

std::tuple<Tensor, Tensor, Tensor> generator_forward(
    const Tensor& given, int64_t kind, double a, double b, double c, double scale) {
  check_logits(kG, "fake", given, kind);
  const Context context(given);
  const Tensor fake = as_contiguous(given);
  const Tensor dfake = new_contiguous_like(fake);
  const Tensor loss = new_tensor<0>(fake, {}, compute_type(fake));
  const Tensor statistics = new_tensor<1>(fake, {2}, ScalarType::Float);
  with_type(fake, [&](auto element) {
    using S = decltype(element);
    LossWork<S> arguments{};
    arguments.fake = static_cast<const S*>(fake.const_data_ptr());
    arguments.dfake = static_cast<S*>(dfake.mutable_data_ptr());
    arguments.fakes = fake.numel();
    arguments.c = c;
    arguments.scale = scale;
    arguments.threshold = threshold_of(kind, a, b);
    arguments.kind = Loss(kind);
    run_loss(arguments, fake, loss, statistics, context.stream);
  });
  return {loss, statistics, dfake};
}

// Both tensors, or the first alone, times the gradient of the loss.
void scale_all(const char* op, const Tensor& gradient, const Tensor* from, const Tensor* to, int count) {
  for (int i = 0; i < count; ++i) check_loss_gradient(op, gradient, from[i]);
  const Context context(from[0]);
  with_type(from[0], [&](auto element) {
    using S = decltype(element);
    Scale<S> a{};
    a.factor = gradient.const_data_ptr();
    a.wide = gradient.scalar_type() == ScalarType::Double;
    for (int i = 0; i < count; ++i) {
      a.from[i] = static_cast<const S*>(from[i].const_data_ptr());
      a.to[i] = static_cast<S*>(to[i].mutable_data_ptr());
      a.counts[i] = from[i].numel();
    }
    const int64_t blocks = divided_up(a.counts[0] + a.counts[1], 256), most = 16 * int64_t(context.device.multiprocessors);
    launch(&scale_kernel<S>, a, blocks < most ? blocks : most, 256, 0, context.stream);
  });
}

std::tuple<Tensor, Tensor> discriminator_backward(const Tensor& gradient, const Tensor& dreal, const Tensor& dfake) {
  require_device(kD, "dfake", dfake, dreal);
  require(dreal.scalar_type() == dfake.scalar_type(), kD, ": the dtypes of the gradients of real and fake logits differ");
  const Context context(dreal);
  const Tensor from[2] = {as_contiguous(dreal), as_contiguous(dfake)};
  const Tensor to[2] = {new_contiguous_like(from[0]), new_contiguous_like(from[1])};
  scale_all(kD, gradient, from, to, 2);
  return {to[0], to[1]};
}

Tensor generator_backward(const Tensor& gradient, const Tensor& dfake) {
  const Context context(dfake);
  const Tensor from = as_contiguous(dfake), to = new_contiguous_like(from);
  scale_all(kG, gradient, &from, &to, 1);
  return to;
}

}  // namespace
}  // namespace zoo

STABLE_TORCH_LIBRARY_IMPL(zoo, CUDA, m) {
  m.impl("discriminator_loss_forward", TORCH_BOX(&zoo::discriminator_forward));
  m.impl("discriminator_loss_backward", TORCH_BOX(&zoo::discriminator_backward));
  m.impl("generator_loss_forward", TORCH_BOX(&zoo::generator_forward));
  m.impl("generator_loss_backward", TORCH_BOX(&zoo::generator_backward));
}
