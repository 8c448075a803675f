// zoo::batch_norm_act_backward on CUDA.
#include <tuple>

#include <torch/csrc/stable/library.h>

#include "../launch/plan.h"

namespace zoo {
namespace {

template <class S>
struct Backward {
  using T = typename ComputeOf<S>::type;
  Work work;
  const S *gradient, *x;
  S* dx;
  PerChannel weight, bias, dweight, dbias;
  const T *mean, *invstd;  // (groups, C)
  T* partial;              // [sum of g, sum of g (x - mean)][group][chunk][channel]
  T slope;
  Activation activation;
  bool act_first, training;
  int stages;
};

// Passes over memory: in training two reads of x and of the gradient and one write of dx, of which the second reads are
// from shared memory as far as the plan reserves some (all of them in the plans `block` and `cooperative`); in evaluation,
// where dx does not depend on the sums, one read of each and one write.
// Blocks: as in the forward kernel: one per tile and chunk; alone, or with the sums of all chunks combined behind a grid
// barrier or a launch. In evaluation the second launch only adds up: one block per tile.
// The sums are those over the group of g, the gradient behind the normalisation, and of g (x - mean); dx follows from
// equation 4 of Ioffe & Szegedy 2015. What the activation saw is computed again rather than read.
template <class S, bool NHWC, int Vec>
__global__ void __launch_bounds__(kMostThreads, blocks_at_once<S, Vec>()) backward_kernel(const Backward<S> a) {
  using T = typename ComputeOf<S>::type;
  using Place = zoo::Place<NHWC, Vec>;
  using Pack = zoo::Pack<S, Vec>;
  struct Both {
    Pack x, gradient;
  };
  constexpr int N = Place::kChannels, kUnroll = 2;
  __shared__ Scratch<T> scratch;
  ZOO_DYNAMIC_SHARED(dynamic);
  const Work& w = a.work;
  const Place p(w, (a.stages & kBackwards) != 0);
  Pack* const cache = reinterpret_cast<Pack*>(dynamic);  // of x; that of the gradient follows
  Pack* const gradient_cache = cache + int64_t(w.cached) * int(blockDim.x);
  const bool alone = w.chunks == 1;
  const int group_slots = alone ? 0 : most_rounds(w, p.rows);
  int64_t mine = 0;
  const bool owner = p.owns(w, mine), writer = owner && p.chunk == 0;
  const Activation behind = a.act_first ? Activation::identity : a.activation,
                   before = a.act_first ? a.activation : Activation::identity;
  T scale = 1, shift = 0, invstd = 0, dweight = 0, dbias = 0;
  if (owner) {
    scale = load<S, T>(a.weight, mine, 1);
    shift = load<S, T>(a.bias, mine, 0);
  }

  // The gradient behind the normalisation, and the deviation of what was normalised from its mean.
  const auto behind_normalisation = [&](const Both& pack, const T(&center)[N], const T(&factor)[N], const T(&constant)[N],
                                        T(&g)[Vec], T(&deviation)[Vec]) {
    unpack(pack.x, deviation);
    unpack(pack.gradient, g);
    activate_all(deviation, before, a.slope);
    T argument[Vec];
#pragma unroll
    for (int e = 0; e < Vec; ++e) {
      const int c = NHWC ? e : 0;
      deviation[e] -= center[c];
      argument[e] = deviation[e] * factor[c] + constant[c];
    }
    activate_all_backward<false>(g, argument, behind, a.slope);
  };
  // From the gradient before the normalisation to that of x.
  const auto store_dx = [&](const Both& pack, T(&g)[Vec], int64_t offset) {
    T argument[Vec];
    Pack out;
    unpack(pack.x, argument);
    activate_all_backward<false>(g, argument, before, a.slope);
    pack_up(out, g);
    store_pack_global(a.dx + offset, out);
  };

  const int steps = alone ? w.groups : 2 * w.groups;
  for (int step = 0; step < steps; ++step) {
    const int group = step % w.groups, slot = group * group_slots;
    const bool first = step < w.groups, second = alone || !first;
    if (first && !(a.stages & kStatistics)) continue;  // never so if alone
    if (!first && !(a.stages & kApply)) break;
    __syncthreads();  // the constants of the group before may still be in use
    if (owner) {
      invstd = a.invstd[group * w.channels + mine];
      scratch.result[0][threadIdx.x] = a.mean[group * w.channels + mine];
      scratch.result[1][threadIdx.x] = invstd * scale;
      scratch.result[2][threadIdx.x] = shift;
    }
    __syncthreads();
    T center[N], factor[N], constant[N], total[2] = {};
#pragma unroll
    for (int e = 0; e < N; ++e) {
      center[e] = scratch.result[0][p.lane * N + e];
      factor[e] = scratch.result[1][p.lane * N + e];
      constant[e] = scratch.result[2][p.lane * N + e];
    }
    if (first) {
      T sums[2][N] = {};
      walk<NHWC, Vec, kUnroll, false, Both>(
          w, p, group,
          // As in the forward pass: nothing here may need what is loaded.
          [&](Both& pack, int64_t offset, int) {
            pack.x = load_pack<Pack>(a.x + offset);
            pack.gradient = load_pack<Pack>(a.gradient + offset);
          },
          [&](const Both& pack, int64_t offset, int round) {
            if (slot + round < w.cached) {
              store_pack_shared(cache + (slot + round) * int(blockDim.x) + int(threadIdx.x), pack.x);
              store_pack_shared(gradient_cache + (slot + round) * int(blockDim.x) + int(threadIdx.x), pack.gradient);
            }
            T g[Vec], deviation[Vec];
            behind_normalisation(pack, center, factor, constant, g, deviation);
#pragma unroll
            for (int e = 0; e < Vec; ++e) {
              const int c = NHWC ? e : 0;
              sums[0][c] += g[e];
              sums[1][c] += g[e] * deviation[e];
              g[e] *= factor[c];
            }
            if (!a.training) store_dx(pack, g, offset);
          });
      reduce<false>(scratch, w.lanes, T(0), sums, total);
      if (!second) {
        if (owner) {
          partial_of(a.partial, w, 0, group, p.chunk)[mine] = total[0];
          partial_of(a.partial, w, 1, group, p.chunk)[mine] = total[1];
        }
        continue;
      }
    } else {
      if (step == w.groups && (a.stages & kStatistics)) cooperative_groups::this_grid().sync();
      combine<false>(scratch, a.partial, w, p, group, total);
    }

    if (owner) {
      dbias += total[0];
      dweight += total[1] * invstd;
      const T count = T(w.items * (NHWC ? 1 : Vec));
      scratch.result[3][threadIdx.x] = total[0] / count;
      scratch.result[4][threadIdx.x] = total[1] / count * invstd * invstd;
    }
    if (writer && group == w.groups - 1) {
      store<S>(a.dweight, mine, dweight);
      store<S>(a.dbias, mine, dbias);
    }
    if (!a.training) continue;
    __syncthreads();
    T average[N], correlation[N];
#pragma unroll
    for (int e = 0; e < N; ++e) {
      average[e] = scratch.result[3][p.lane * N + e];
      correlation[e] = scratch.result[4][p.lane * N + e];
    }
    walk<NHWC, Vec, kUnroll, true, Both>(
        w, p, group,
        [&](Both& pack, int64_t offset, int round) {
          if (slot + round < w.cached) {
            pack.x = load_pack<Pack>(cache + (slot + round) * int(blockDim.x) + int(threadIdx.x));
            pack.gradient = load_pack<Pack>(gradient_cache + (slot + round) * int(blockDim.x) + int(threadIdx.x));
          } else {
            pack.x = load_pack<Pack>(a.x + offset);
            pack.gradient = load_pack<Pack>(a.gradient + offset);
          }
        },
        [&](const Both& pack, int64_t offset, int) {
          T g[Vec], deviation[Vec];
          behind_normalisation(pack, center, factor, constant, g, deviation);
#pragma unroll
          for (int e = 0; e < Vec; ++e) {
            const int c = NHWC ? e : 0;
            g[e] = (g[e] - average[c] - deviation[e] * correlation[c]) * factor[c];
          }
          store_dx(pack, g, offset);
        });
  }
}

template <class S>
using BackwardKernel = void (*)(const Backward<S>);

template <class S>
BackwardKernel<S> backward_kernel_of(bool nhwc, bool packed) {
  constexpr int kVec = 16 / sizeof(S);
  if (nhwc) return packed ? &backward_kernel<S, true, kVec> : &backward_kernel<S, true, 1>;
  return packed ? &backward_kernel<S, false, kVec> : &backward_kernel<S, false, 1>;
}

constexpr const char* kOp = "batch_norm_act";

std::tuple<Tensor, Tensor, Tensor> backward(
    const Tensor& given, const Tensor& input, const std::optional<Tensor>& weight, const std::optional<Tensor>& bias,
    const Tensor& mean, const Tensor& invstd, bool training, int64_t activation, double slope, int64_t order,
    int64_t groups) {
  check_batch_norm_backward(kOp, given, input, mean, invstd, groups, training, activation, order);
  const int64_t parts = training ? groups : 1, channels = input.size(1);
  const Context context(input);
  const Tensor x = plain(input);
  const bool nhwc = is_nhwc(x);
  const Tensor gradient = in_layout(given, nhwc);
  const ScalarType compute = compute_type(x);
  const Tensor dx = new_like(x, nhwc);
  const Tensor dweight = new_tensor<1>(x, {channels}, weight ? weight->scalar_type() : compute);
  const Tensor dbias = new_tensor<1>(x, {channels}, bias ? bias->scalar_type() : compute);
  if (channels == 0) return {dx, dweight, dbias};
  Tensor keep[2];
  with_type(x, [&](auto element) {
    using S = decltype(element);
    using T = typename ComputeOf<S>::type;
    Backward<S> a{};
    a.gradient = static_cast<const S*>(gradient.const_data_ptr());
    a.x = static_cast<const S*>(x.const_data_ptr());
    a.dx = static_cast<S*>(dx.mutable_data_ptr());
    a.weight = parameter(kOp, "weight", weight, x, keep[0]);
    a.bias = parameter(kOp, "bias", bias, x, keep[1]);
    a.dweight = per_channel(dweight, x);
    a.dbias = per_channel(dbias, x);
    a.mean = static_cast<const T*>(mean.const_data_ptr());
    a.invstd = static_cast<const T*>(invstd.const_data_ptr());
    a.slope = T(slope);
    a.activation = Activation(activation);
    a.act_first = Order(order) == Order::act_norm;
    a.training = training;

    const bool aligned = is_aligned(a.x) && is_aligned(a.gradient) && is_aligned(a.dx);
    const Request request = request_of(training ? Kind::kTwice : Kind::kReduce, x, nhwc, parts, training ? 2 : 0, aligned);
    Tensor partial;
    plan_and_run(request, context, backward_kernel_of<S>, a, [&](const Plan& plan) {
      if (plan.work.chunks > 1) {
        partial = new_tensor<1>(x, {2 * parts * plan.work.chunks * channels}, compute);
        a.partial = static_cast<T*>(partial.mutable_data_ptr());
      }
      return training ? plan.blocks() : plan.work.tiles;
    });
  });
  return {dx, dweight, dbias};
}

}  // namespace
}  // namespace zoo

STABLE_TORCH_LIBRARY_IMPL(zoo, CUDA, m) { m.impl("batch_norm_act_backward", TORCH_BOX(&zoo::backward)); }
