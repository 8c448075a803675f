// zoo::bias_act_forward and _backward on CUDA.
#include <tuple>

#include <torch/csrc/stable/library.h>

#include "../launch/plan.h"

namespace zoo {
namespace {

template <class S>
struct BiasForward {
  using T = typename ComputeOf<S>::type;
  Work work;
  const S* x;
  S* y;
  PerChannel bias;
  T slope;
  Activation activation;
  int stages;
};

// Passes over memory: one read, one write. Blocks: one per tile and chunk; a thread keeps the biases of its channels.
template <class S, bool NHWC, int Vec>
__global__ void __launch_bounds__(kMostThreads, blocks_at_once<S, Vec>()) bias_forward_kernel(const BiasForward<S> a) {
  using T = typename ComputeOf<S>::type;
  using Place = zoo::Place<NHWC, Vec>;
  using Pack = zoo::Pack<S, Vec>;
  constexpr int N = Place::kChannels, kUnroll = 4;
  const Place p(a.work, false);
  T bias[N];
#pragma unroll
  for (int e = 0; e < N; ++e) bias[e] = p.active ? load<S, T>(a.bias, p.channel + e, 0) : T(0);
  walk<NHWC, Vec, kUnroll, false, Pack>(
      a.work, p, 0, [&](Pack& pack, int64_t offset, int) { pack = load_pack<Pack>(a.x + offset); },
      [&](const Pack& pack, int64_t offset, int) {
        T v[Vec];
        Pack out;
        unpack(pack, v);
#pragma unroll
        for (int e = 0; e < Vec; ++e) v[e] += bias[NHWC ? e : 0];
        activate_all(v, a.activation, a.slope);
        pack_up(out, v);
        store_pack_global(a.y + offset, out);
      });
}

template <class S>
struct BiasBackward {
  using T = typename ComputeOf<S>::type;
  Work work;
  const S *gradient, *y;
  S* dx;
  T *dbias, *partial;
  T slope;
  Activation activation;
  int stages;
};

// Passes over memory: one read of the gradient and of y, one write of dx. Blocks: one per tile and chunk; where a tile has
// several chunks, a second launch of one block per tile adds up their sums.
template <class S, bool NHWC, int Vec>
__global__ void __launch_bounds__(kMostThreads, blocks_at_once<S, Vec>()) bias_backward_kernel(const BiasBackward<S> a) {
  using T = typename ComputeOf<S>::type;
  using Place = zoo::Place<NHWC, Vec>;
  using Pack = zoo::Pack<S, Vec>;
  struct Both {
    Pack y, gradient;
  };
  constexpr int N = Place::kChannels, kUnroll = 2;
  __shared__ Scratch<T> scratch;
  const Work& w = a.work;
  const Place p(w, false);
  int64_t mine = 0;
  const bool owner = p.owns(w, mine);
  T total[1] = {};
  if (a.stages & kStatistics) {
    T sums[1][N] = {};
    walk<NHWC, Vec, kUnroll, false, Both>(
        w, p, 0,
        [&](Both& pack, int64_t offset, int) {
          pack.gradient = load_pack<Pack>(a.gradient + offset);
          pack.y = load_pack<Pack>(a.y + offset);
        },
        [&](const Both& pack, int64_t offset, int) {
          T g[Vec], y[Vec];
          Pack out;
          unpack(pack.gradient, g);
          unpack(pack.y, y);
          activate_all_backward<true>(g, y, a.activation, a.slope);
#pragma unroll
          for (int e = 0; e < Vec; ++e) sums[0][NHWC ? e : 0] += g[e];
          pack_up(out, g);
          store_pack_global(a.dx + offset, out);
        });
    reduce<false>(scratch, w.lanes, T(0), sums, total);
    if (w.chunks > 1) {
      if (owner) partial_of(a.partial, w, 0, 0, p.chunk)[mine] = total[0];
      return;
    }
  } else {
    combine<false>(scratch, a.partial, w, p, 0, total);
  }
  if (owner) a.dbias[mine] = total[0];
}

template <class S>
auto bias_forward_kernel_of(bool nhwc, bool packed) -> void (*)(const BiasForward<S>) {
  constexpr int kVec = 16 / sizeof(S);
  if (nhwc) return packed ? &bias_forward_kernel<S, true, kVec> : &bias_forward_kernel<S, true, 1>;
  return packed ? &bias_forward_kernel<S, false, kVec> : &bias_forward_kernel<S, false, 1>;
}

template <class S>
auto bias_backward_kernel_of(bool nhwc, bool packed) -> void (*)(const BiasBackward<S>) {
  constexpr int kVec = 16 / sizeof(S);
  if (nhwc) return packed ? &bias_backward_kernel<S, true, kVec> : &bias_backward_kernel<S, true, 1>;
  return packed ? &bias_backward_kernel<S, false, kVec> : &bias_backward_kernel<S, false, 1>;
}

constexpr const char* kOp = "bias_act";

Tensor bias_forward(const Tensor& input, const std::optional<Tensor>& bias, int64_t activation, double slope) {
  check_bias_act(kOp, "x", input, activation);
  const Context context(input);
  const Tensor x = plain(input);
  const bool nhwc = is_nhwc(x);
  const Tensor y = new_like(x, nhwc);
  Tensor keep;
  if (bias) require_per_channel(kOp, "bias", *bias, x);
  if (x.numel() == 0) return y;
  with_type(x, [&](auto element) {
    using S = decltype(element);
    BiasForward<S> a{};
    a.x = static_cast<const S*>(x.const_data_ptr());
    a.y = static_cast<S*>(y.mutable_data_ptr());
    a.bias = parameter(kOp, "bias", bias, x, keep);
    a.slope = typename ComputeOf<S>::type(slope);
    a.activation = Activation(activation);
    const Request request = request_of(Kind::kMap, x, nhwc, 1, 0, is_aligned(a.x) && is_aligned(a.y));
    plan_and_run(request, context, bias_forward_kernel_of<S>, a, [](const Plan& plan) { return plan.blocks(); });
  });
  return y;
}

std::tuple<Tensor, Tensor> bias_backward(const Tensor& given, const Tensor& result, int64_t activation, double slope) {
  check_bias_act(kOp, "y", result, activation);
  require_same_shape(kOp, "gradient", given, result);
  const Context context(result);
  const Tensor y = plain(result);
  const bool nhwc = is_nhwc(y);
  const Tensor gradient = in_layout(given, nhwc);
  const ScalarType compute = compute_type(y);
  const Tensor dx = new_like(y, nhwc), dbias = new_tensor<1>(y, {y.size(1)}, compute);
  if (y.size(1) == 0) return {dx, dbias};
  with_type(y, [&](auto element) {
    using S = decltype(element);
    using T = typename ComputeOf<S>::type;
    BiasBackward<S> a{};
    a.gradient = static_cast<const S*>(gradient.const_data_ptr());
    a.y = static_cast<const S*>(y.const_data_ptr());
    a.dx = static_cast<S*>(dx.mutable_data_ptr());
    a.dbias = static_cast<T*>(dbias.mutable_data_ptr());
    a.slope = T(slope);
    a.activation = Activation(activation);
    const bool aligned = is_aligned(a.gradient) && is_aligned(a.y) && is_aligned(a.dx);
    const Request request = request_of(Kind::kReduce, y, nhwc, 1, 0, aligned);
    Tensor partial;
    plan_and_run(request, context, bias_backward_kernel_of<S>, a, [&](const Plan& plan) {
      if (plan.work.chunks > 1) {
        partial = new_tensor<1>(y, {plan.work.chunks * y.size(1)}, compute);
        a.partial = static_cast<T*>(partial.mutable_data_ptr());
      }
      return plan.work.tiles;
    });
  });
  return {dx, dbias};
}

}  // namespace
}  // namespace zoo

STABLE_TORCH_LIBRARY_IMPL(zoo, CUDA, m) {
  m.impl("bias_act_forward", TORCH_BOX(&zoo::bias_forward));
  m.impl("bias_act_backward", TORCH_BOX(&zoo::bias_backward));
}
