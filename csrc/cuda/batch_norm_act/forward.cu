// zoo::batch_norm_act_forward on CUDA.
#include <tuple>

#include <torch/csrc/stable/library.h>

#include "../launch/plan.h"

namespace zoo {
namespace {

template <class S>
struct Forward {
  using T = typename ComputeOf<S>::type;
  Work work;
  const S* x;
  S* y;
  PerChannel weight, bias, running_mean, running_var;
  T *mean, *invstd;  // (groups, C)
  T* partial;        // [mean, sum of squared deviations][group][chunk][channel]
  T momentum, eps, slope;
  Activation activation;
  bool act_first, training;
  int stages;
};

// Passes over memory: in training two reads of x and one write of y, of which the second read is from shared memory as
// far as the plan reserves some (all of it in the plans `block` and `cooperative`, so that device memory is read once);
// in evaluation one read and one write.
// Blocks: one per tile and chunk. With one chunk (`block`), a block takes the statistics of its channels and normalises
// them, all in one launch. With more, the partial statistics go through global memory, and all blocks wait for each other
// in between: at a grid barrier (`cooperative`), or by ending one launch and starting the next (`split`), whose blocks run
// in the opposite order, because the end of the tensor is what L2 still holds.
// Statistics: every thread sums x - k and (x - k)² with a k of its own, the first value it sees; the results, as means
// relative to the first value of the channel, merge pairwise. So neither a mean far from zero, nor a drift, nor an
// outlier costs digits, at three operations per element.
template <class S, bool NHWC, int Vec>
__global__ void __launch_bounds__(kMostThreads, blocks_at_once<S, Vec>()) forward_kernel(const Forward<S> a) {
  using T = typename ComputeOf<S>::type;
  using Place = zoo::Place<NHWC, Vec>;
  using Pack = zoo::Pack<S, Vec>;
  constexpr int N = Place::kChannels, kUnroll = 4;
  __shared__ Scratch<T> scratch;
  ZOO_DYNAMIC_SHARED(dynamic);
  Pack* const cache = reinterpret_cast<Pack*>(dynamic);
  const Work& w = a.work;
  const Place p(w, (a.stages & kBackwards) != 0);
  const bool alone = a.training && w.chunks == 1;
  const int group_slots = alone ? 0 : most_rounds(w, p.rows);
  int64_t mine = 0;
  const bool owner = p.owns(w, mine), writer = owner && p.chunk == 0;
  const Activation before = a.act_first ? a.activation : Activation::identity,
                   behind = a.act_first ? Activation::identity : a.activation;
  T running_mean = 0, running_var = 1, scale = 1, shift = 0;
  if (owner && (!a.training || (writer && (a.stages & kApply)))) {
    running_mean = load<S, T>(a.running_mean, mine, 0);
    running_var = load<S, T>(a.running_var, mine, 1);
  }
  if (owner && (a.stages & kApply)) {
    scale = load<S, T>(a.weight, mine, 1);
    shift = load<S, T>(a.bias, mine, 0);
  }

  // Alone, every step is all of one group. Otherwise the statistics of all groups come first, then the barrier, then the
  // normalisation of all groups.
  const int steps = alone ? w.groups : 2 * w.groups;
  for (int step = 0; step < steps; ++step) {
    const int group = step % w.groups, slot = group * group_slots;
    const bool first = step < w.groups, second = alone || !first;
    T total[2] = {};
    if (first) {
      if (!a.training || !(a.stages & kStatistics)) continue;  // never so if alone
      T k[N] = {}, sum[N] = {}, square[N] = {};
      walk<NHWC, Vec, kUnroll, false, Pack>(
          w, p, group,
          // Nothing here may need what is loaded: then all loads of a round are under way before the first is waited for.
          [&](Pack& pack, int64_t offset, int) { pack = load_pack<Pack>(a.x + offset); },
          [&](const Pack& pack, int64_t, int round) {
            if (slot + round < w.cached)
              store_pack_shared(cache + (slot + round) * int(blockDim.x) + int(threadIdx.x), pack);
            T v[Vec];
            unpack(pack, v);
            activate_all(v, before, a.slope);
            if (round == 0) {
#pragma unroll
              for (int e = 0; e < N; ++e) k[e] = v[e];
            }
#pragma unroll
            for (int e = 0; e < Vec; ++e) {
              const int c = NHWC ? e : 0;
              const T d = v[e] - k[c];
              sum[c] += d;
              square[c] += d * d;
            }
          });
      const T count = T(visits(w, p)) * T(NHWC ? 1 : Vec);
      T moments[2][N] = {};
      if (count > 0 && p.active) {
        T origin[N];
#pragma unroll
        for (int e = 0; e < N; ++e) origin[e] = widened(a.x[first_of<NHWC, Vec>(w, group, p.channel + e)]);
        activate_all(origin, before, a.slope);
#pragma unroll
        for (int e = 0; e < N; ++e) {
          const T m2 = square[e] - sum[e] * sum[e] / count;
          moments[0][e] = k[e] - origin[e] + sum[e] / count;
          moments[1][e] = m2 < 0 ? T(0) : m2;
        }
      }
      reduce<true>(scratch, w.lanes, count, moments, total);
      if (!second) {
        if (owner) {
          partial_of(a.partial, w, 0, group, p.chunk)[mine] = total[0];
          partial_of(a.partial, w, 1, group, p.chunk)[mine] = total[1];
        }
        continue;
      }
    } else {
      if (!(a.stages & kApply)) break;
      if (a.training) {
        if (step == w.groups && (a.stages & kStatistics)) cooperative_groups::this_grid().sync();
        combine<true>(scratch, a.partial, w, p, group, total);
      }
    }

    if (owner) {
      T mean = running_mean, invstd = 1 / root_of(running_var + a.eps);
      if (a.training) {
        T origin[1] = {widened(a.x[first_of<NHWC, Vec>(w, group, mine)])};
        activate_all(origin, before, a.slope);
        const T count = T(w.items * (NHWC ? 1 : Vec)), var = total[1] / count;
        mean = origin[0] + total[0];
        invstd = 1 / root_of(var + a.eps);
        running_mean = a.momentum * mean + (1 - a.momentum) * running_mean;
        running_var = a.momentum * (total[1] / (count - 1)) + (1 - a.momentum) * running_var;
      }
      if (writer) {
        a.mean[group * w.channels + mine] = mean;
        a.invstd[group * w.channels + mine] = invstd;
        if (a.training && group == w.groups - 1) {
          store<S>(a.running_mean, mine, running_mean);
          store<S>(a.running_var, mine, running_var);
        }
      }
      scratch.result[0][threadIdx.x] = mean;
      scratch.result[1][threadIdx.x] = invstd * scale;
      scratch.result[2][threadIdx.x] = shift;
    }
    __syncthreads();
    T center[N], factor[N], constant[N];
#pragma unroll
    for (int e = 0; e < N; ++e) {
      center[e] = scratch.result[0][p.lane * N + e];
      factor[e] = scratch.result[1][p.lane * N + e];
      constant[e] = scratch.result[2][p.lane * N + e];
    }
    walk<NHWC, Vec, kUnroll, true, Pack>(
        w, p, group,
        [&](Pack& pack, int64_t offset, int round) {
          if (slot + round < w.cached) pack = load_pack<Pack>(cache + (slot + round) * int(blockDim.x) + int(threadIdx.x));
          else pack = load_pack<Pack>(a.x + offset);
        },
        [&](const Pack& pack, int64_t offset, int) {
          T v[Vec];
          Pack out;
          unpack(pack, v);
          activate_all(v, before, a.slope);
#pragma unroll
          for (int e = 0; e < Vec; ++e) {
            const int c = NHWC ? e : 0;
            v[e] = (v[e] - center[c]) * factor[c] + constant[c];
          }
          activate_all(v, behind, a.slope);
          pack_up(out, v);
          store_pack_global(a.y + offset, out);
        });
  }
}

template <class S>
using ForwardKernel = void (*)(const Forward<S>);

template <class S>
ForwardKernel<S> forward_kernel_of(bool nhwc, bool packed) {
  constexpr int kVec = 16 / sizeof(S);
  if (nhwc) return packed ? &forward_kernel<S, true, kVec> : &forward_kernel<S, true, 1>;
  return packed ? &forward_kernel<S, false, kVec> : &forward_kernel<S, false, 1>;
}

constexpr const char* kOp = "batch_norm_act";

std::tuple<Tensor, Tensor, Tensor> forward(
    const Tensor& input, const std::optional<Tensor>& weight, const std::optional<Tensor>& bias,
    const std::optional<Tensor>& running_mean, const std::optional<Tensor>& running_var, bool training, double momentum,
    double eps, int64_t activation, double slope, int64_t order, int64_t groups) {
  check_batch_norm_forward(kOp, input, running_mean, running_var, groups, training, activation, order);
  const Context context(input);
  const Tensor x = plain(input);
  const bool nhwc = is_nhwc(x);
  const int64_t parts = training ? groups : 1, channels = x.size(1);
  const ScalarType compute = compute_type(x);
  const Tensor y = new_like(x, nhwc), mean = new_tensor<2>(x, {parts, channels}, compute),
               invstd = new_tensor<2>(x, {parts, channels}, compute);
  if (channels == 0) return {y, mean, invstd};
  Tensor keep[4];
  with_type(x, [&](auto element) {
    using S = decltype(element);
    using T = typename ComputeOf<S>::type;
    Forward<S> a{};
    a.x = static_cast<const S*>(x.const_data_ptr());
    a.y = static_cast<S*>(y.mutable_data_ptr());
    a.weight = parameter(kOp, "weight", weight, x, keep[0]);
    a.bias = parameter(kOp, "bias", bias, x, keep[1]);
    a.running_mean = parameter(kOp, "running_mean", running_mean, x, keep[2]);
    a.running_var = parameter(kOp, "running_var", running_var, x, keep[3]);
    a.mean = static_cast<T*>(mean.mutable_data_ptr());
    a.invstd = static_cast<T*>(invstd.mutable_data_ptr());
    a.momentum = T(momentum);
    a.eps = T(eps);
    a.slope = T(slope);
    a.activation = Activation(activation);
    a.act_first = Order(order) == Order::act_norm;
    a.training = training;

    const Request request =
        request_of(training ? Kind::kTwice : Kind::kMap, x, nhwc, parts, 1, is_aligned(a.x) && is_aligned(a.y));
    Tensor partial;
    plan_and_run(request, context, forward_kernel_of<S>, a, [&](const Plan& plan) {
      if (training && plan.work.chunks > 1) {
        partial = new_tensor<1>(x, {2 * parts * plan.work.chunks * channels}, compute);
        a.partial = static_cast<T*>(partial.mutable_data_ptr());
      }
      return plan.blocks();
    });
  });
  return {y, mean, invstd};
}

}  // namespace
}  // namespace zoo

STABLE_TORCH_LIBRARY_IMPL(zoo, CUDA, m) { m.impl("batch_norm_act_forward", TORCH_BOX(&zoo::forward)); }
