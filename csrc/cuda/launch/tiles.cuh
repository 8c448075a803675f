// How a tensor is divided among blocks and threads, and the reductions over it. Everything here is deterministic: who
// reads which element, and in which order sums are formed, follows from the shape alone. There is no atomic operation.
//
// A tensor is one of two kinds of memory:
//   nhwc  channels_last images and 2-d tensors. A thread's pack of 16 bytes holds Vec channels of one pixel.
//   nchw  contiguous images. A thread's pack holds Vec pixels of one channel.
// A tile is what lies side by side in the direction of the channels: `lanes` packs of a pixel, or one channel's planes.
// An item of a tile is one pixel, or one pack of a channel's planes. Groups have equally many items, and every group is cut
// into `chunks` pieces of `chunk` items. Block b works on tile b % tiles, chunk b / tiles of every group: blocks that run
// at the same time are neighbours in memory. In a block, thread t has lane t % lanes and takes every rows-th item.
//
// With Vec == 1 the same kernels serve memory that 16-byte accesses do not fit: odd sizes, unaligned views.
#pragma once

#include <cstdint>
#include <cstring>

#include <cooperative_groups.h>
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "../../formulas.h"

#ifndef ZOO_DYNAMIC_SHARED
#define ZOO_DYNAMIC_SHARED(name) extern __shared__ uint4 name[]
#endif

namespace zoo {

constexpr int kMostThreads = 512;
constexpr int kMostWarps = kMostThreads / 32;
constexpr unsigned kWholeWarp = 0xffffffffu;

template <class S>
struct ComputeOf {
  using type = float;
};
template <>
struct ComputeOf<double> {
  using type = double;
};

__device__ __forceinline__ float widened(float x) { return x; }
__device__ __forceinline__ double widened(double x) { return x; }
__device__ __forceinline__ float widened(__half x) { return __half2float(x); }
__device__ __forceinline__ float widened(__nv_bfloat16 x) { return __bfloat162float(x); }

template <class S>
__device__ __forceinline__ S narrowed(float x);
template <>
__device__ __forceinline__ float narrowed<float>(float x) {
  return x;
}
template <>
__device__ __forceinline__ __half narrowed<__half>(float x) {
  return __float2half_rn(x);
}
template <>
__device__ __forceinline__ __nv_bfloat16 narrowed<__nv_bfloat16>(float x) {
  return __float2bfloat16_rn(x);
}
template <class S>
__device__ __forceinline__ S narrowed(double x);
template <>
__device__ __forceinline__ double narrowed<double>(double x) {
  return x;
}

__device__ __forceinline__ float root_of(float x) { return sqrtf(x); }
__device__ __forceinline__ double root_of(double x) { return ::sqrt(x); }

// Vec elements that are loaded and stored at once; 16 bytes, or one element.
template <class S, int Vec>
struct alignas(sizeof(S) * Vec) Pack {
  S at[Vec];
};

// Eight short elements stay in the four registers that they came in until they are used.
template <>
struct alignas(16) Pack<__half, 8> {
  __half2 at[4];
};
template <>
struct alignas(16) Pack<__nv_bfloat16, 8> {
  __nv_bfloat162 at[4];
};

// Loads and stores of a whole pack: said in uint4, or the compiler may split them up again.
template <class P>
__device__ __forceinline__ P load_pack(const void* from) {
  if constexpr (sizeof(P) == sizeof(uint4)) {
    const uint4 bits = *static_cast<const uint4*>(from);
    P pack;
    memcpy(&pack, &bits, sizeof(P));
    return pack;
  } else {
    return *static_cast<const P*>(from);
  }
}

template <class P>
__device__ __forceinline__ void store_pack_shared(P* to, const P& pack) {
  if constexpr (sizeof(P) == sizeof(uint4)) {
    uint4 bits;
    memcpy(&bits, &pack, sizeof(P));
    *reinterpret_cast<uint4*>(to) = bits;
  } else {
    *to = pack;
  }
}

template <class P>
__device__ __forceinline__ void store_pack_global(void* to, const P& pack) {
  if constexpr (sizeof(P) == sizeof(uint4)) {
    uint4 bits;
    memcpy(&bits, &pack, sizeof(P));
    __stwb(static_cast<uint4*>(to), bits);  // the ordinary store, but one that stays whole
  } else {
    *static_cast<P*>(to) = pack;
  }
}

template <class S, int Vec, class T>
__device__ __forceinline__ void unpack(const Pack<S, Vec>& pack, T (&v)[Vec]) {
#pragma unroll
  for (int e = 0; e < Vec; ++e) v[e] = widened(pack.at[e]);
}

__device__ __forceinline__ float2 both_widened(__half2 x) { return __half22float2(x); }
__device__ __forceinline__ float2 both_widened(__nv_bfloat162 x) { return __bfloat1622float2(x); }

template <class S>
__device__ __forceinline__ void unpack(const Pack<S, 8>& pack, float (&v)[8]) {
#pragma unroll
  for (int e = 0; e < 4; ++e) {
    const float2 two = both_widened(pack.at[e]);
    v[2 * e] = two.x;
    v[2 * e + 1] = two.y;
  }
}

template <class S, int Vec, class T>
__device__ __forceinline__ void pack_up(Pack<S, Vec>& pack, const T (&v)[Vec]) {
#pragma unroll
  for (int e = 0; e < Vec; ++e) pack.at[e] = narrowed<S>(v[e]);
}

__device__ __forceinline__ void narrow_both(__half2& to, float a, float b) { to = __floats2half2_rn(a, b); }
__device__ __forceinline__ void narrow_both(__nv_bfloat162& to, float a, float b) { to = __floats2bfloat162_rn(a, b); }

template <class S>
__device__ __forceinline__ void pack_up(Pack<S, 8>& pack, const float (&v)[8]) {
#pragma unroll
  for (int e = 0; e < 4; ++e) narrow_both(pack.at[e], v[2 * e], v[2 * e + 1]);
}

// Blocks that a multiprocessor is to hold at once: two where that leaves enough registers for what a thread keeps.
template <class S, int Vec>
constexpr int blocks_at_once() {
  return sizeof(S) == 8 || Vec == 8 ? 1 : 2;
}

// One value per channel, stored as S or (beside 16-bit S) as float; absent where data is null.
struct PerChannel {
  void* data;
  bool wide;  // float, whatever S is
};

template <class S, class T>
__device__ __forceinline__ T load(const PerChannel& p, int64_t channel, T absent) {
  if (p.data == nullptr) return absent;
  if (p.wide) return T(static_cast<const float*>(p.data)[channel]);
  return widened(static_cast<const S*>(p.data)[channel]);
}

template <class S, class T>
__device__ __forceinline__ void store(const PerChannel& p, int64_t channel, T value) {
  if (p.data == nullptr) return;
  if (p.wide) static_cast<float*>(p.data)[channel] = float(value);
  else static_cast<S*>(p.data)[channel] = narrowed<S>(value);
}

constexpr int64_t kMostItems = int64_t(1) << 30;  // 32 bits count them, with room for a step beyond the end

// The division of the work, decided by the host (plan.h).
struct Work {
  int64_t channels;      // C
  int64_t items;         // of one tile in one group
  int64_t chunk;         // items of one block in one group, at most kMostItems
  int64_t plane;         // packs in a plane, at most kMostItems; 1 for nhwc
  int64_t group_stride;  // elements from one group to the next
  int64_t tiles;
  int chunks;
  int groups;
  int lanes;   // a power of two, 1 to 32; 1 for nchw
  int cached;  // items per thread that stay in shared memory between two passes over them
};

// Where this thread works.
template <bool NHWC, int Vec>
struct Place {
  static constexpr int kChannels = NHWC ? Vec : 1;  // channels that one thread holds
  int lane, row, rows, chunk, tile_channels;
  int64_t first_channel;  // of the tile
  int64_t channel;        // of this thread
  bool active;            // false beyond the last channel

  __device__ Place(const Work& w, bool backwards) {
    const int64_t block = backwards ? int64_t(gridDim.x) - 1 - blockIdx.x : int64_t(blockIdx.x);
    const int64_t tile = block % w.tiles;
    chunk = int(block / w.tiles);
    lane = int(threadIdx.x) & (w.lanes - 1);
    row = int(threadIdx.x) / w.lanes;
    rows = int(blockDim.x) / w.lanes;
    tile_channels = w.lanes * kChannels;
    first_channel = tile * tile_channels;
    channel = first_channel + int64_t(lane) * kChannels;
    active = channel < w.channels;  // the host takes Vec > 1 for nhwc only where Vec divides C
  }

  // The channel that thread t < tile_channels finishes for its block; false where there is none.
  __device__ bool owns(const Work& w, int64_t& mine) const {
    mine = first_channel + int64_t(threadIdx.x);
    return int(threadIdx.x) < tile_channels && mine < w.channels;
  }
};

// Items of `chunk` in a group: the last chunks can be short or empty.
__device__ __forceinline__ int64_t length_of(const Work& w, int64_t chunk) {
  const int64_t left = w.items - chunk * w.chunk;
  return left < 0 ? 0 : left < w.chunk ? left : w.chunk;
}

// The element offset of the first element of a channel in a group.
template <bool NHWC, int Vec>
__device__ __forceinline__ int64_t first_of(const Work& w, int group, int64_t channel) {
  return group * w.group_stride + (NHWC ? channel : channel * w.plane * Vec);
}

__device__ __forceinline__ int64_t divided(int64_t a, int64_t b) {  // both are positive; 32 bits divide much faster
  return ((a | b) >> 32) == 0 ? int64_t(uint32_t(a) / uint32_t(b)) : a / b;
}

// Moves from one item of a thread to its next.
template <bool NHWC, int Vec, bool Backwards>
struct Cursor {
  int64_t offset;       // of the item's first element
  int position = 0;     // in the plane, in packs
  int64_t offset_step;  // to the next item, if that is as far into its plane or farther ...
  int position_step = 0;
  int64_t jump = 0;  // ... and otherwise past the planes of the other channels
  int plane = 1;

  __device__ Cursor(const Work& w, const Place<NHWC, Vec>& p, int group, int64_t item) {
    offset = first_of<NHWC, Vec>(w, group, p.channel);
    if (NHWC) {
      offset += item * w.channels;
      offset_step = p.rows * w.channels;
    } else {
      plane = int(w.plane);
      jump = (w.channels - 1) * w.plane * Vec;
      const int64_t images = divided(item, w.plane);
      const int whole = p.rows / plane;
      position = int(item - images * w.plane);
      offset += item * Vec + images * jump;
      position_step = p.rows - whole * plane;
      offset_step = p.rows * int64_t(Vec) + whole * jump;
    }
  }

  __device__ void advance() {
    offset += Backwards ? -offset_step : offset_step;
    if (NHWC) return;
    position += Backwards ? -position_step : position_step;
    if (!Backwards && position >= plane) position -= plane, offset += jump;
    if (Backwards && position < 0) position += plane, offset -= jump;
  }
};

// Visits this thread's items of its block's chunk of one group, Unroll at a time: all loads of a batch are under way
// before the first is used. fetch(pack, offset, round) loads; use(pack, offset, round) consumes; a round is the same for
// all threads. Backwards is for a second pass: it begins with what the first has read last, which a cache still holds.
template <bool NHWC, int Vec, int Unroll, bool Backwards, class Loaded, class Fetch, class Use>
__device__ __forceinline__ void walk(const Work& w, const Place<NHWC, Vec>& p, int group, Fetch fetch, Use use) {
  const int length = int(length_of(w, p.chunk));
  const int rounds = (length + p.rows - 1) / p.rows;
  if (!p.active || rounds == 0) return;
  const int start = Backwards ? rounds - 1 : 0;
  Cursor<NHWC, Vec, Backwards> loading(w, p, group, int64_t(p.chunk) * w.chunk + p.row + start * p.rows);
  for (int done = 0; done < rounds; done += Unroll) {
    Loaded loaded[Unroll];
    auto storing = loading;
#pragma unroll
    for (int q = 0; q < Unroll; ++q) {
      const int round = Backwards ? start - done - q : done + q;
      if (round >= 0 && p.row + round * p.rows < length) fetch(loaded[q], loading.offset, round);
      loading.advance();
    }
#pragma unroll
    for (int q = 0; q < Unroll; ++q) {
      const int round = Backwards ? start - done - q : done + q;
      if (round >= 0 && p.row + round * p.rows < length) use(loaded[q], storing.offset, round);
      storing.advance();
    }
  }
}

// How many items walk() gives this thread in one group.
template <bool NHWC, int Vec>
__device__ __forceinline__ int visits(const Work& w, const Place<NHWC, Vec>& p) {
  const int length = int(length_of(w, p.chunk));
  return p.row < length ? (length - p.row + p.rows - 1) / p.rows : 0;
}

// The rounds of the longest chunk: what a group takes in the shared-memory cache of a thread.
__device__ __forceinline__ int most_rounds(const Work& w, int rows) { return (int(w.chunk) + rows - 1) / rows; }

// Counts and moments of two parts become those of both (Chan, Golub & LeVeque 1979): no cancellation, however far the
// means lie apart. With weights from merge_weights, which also serve empty parts.
template <class T>
__device__ __forceinline__ void merge_weights(T& count, T other, T& share, T& product) {
  const T total = count + other;
  share = other / (total > 1 ? total : T(1));
  product = count * share;
  count = total;
}

template <class T>
__device__ __forceinline__ void merge(T& mean, T& m2, T other_mean, T other_m2, T share, T product) {
  const T delta = other_mean - mean;
  mean += delta * share;
  m2 += other_m2 + delta * delta * product;
}

template <class T>
struct Scratch {
  static constexpr int kChannels = sizeof(T) == 8 ? 32 : 64;  // most channels of a tile
  T part[2][kMostWarps][kChannels];
  T count[kMostWarps];
  T result[5][kChannels];
};

// Reduces over the rows of the block. Every thread brings, for its channels, Values sums; or with Moments, a count, means
// and sums of squared deviations. Thread t < tile_channels gets the result for the tile's channel t. Always in one order:
// lanes of a warp, then warp after warp.
template <bool Moments, int Values, class T, int N>
__device__ __forceinline__ void reduce(Scratch<T>& scratch, int lanes, T count, T (&v)[Values][N], T (&result)[Values]) {
  static_assert(!Moments || Values == 2, "a mean and a sum of squared deviations");
  const int in_warp = int(threadIdx.x) & 31, warp = int(threadIdx.x) >> 5, warps = int(blockDim.x) >> 5;
  for (int distance = 16; distance >= lanes; distance >>= 1) {
    T share = 0, product = 0;
    if (Moments) merge_weights(count, __shfl_down_sync(kWholeWarp, count, distance), share, product);
#pragma unroll
    for (int e = 0; e < N; ++e) {
      T other[Values];
#pragma unroll
      for (int i = 0; i < Values; ++i) other[i] = __shfl_down_sync(kWholeWarp, v[i][e], distance);
      if constexpr (Moments) {
        merge(v[0][e], v[1][e], other[0], other[1], share, product);
      } else {
#pragma unroll
        for (int i = 0; i < Values; ++i) v[i][e] += other[i];
      }
    }
  }
  __syncthreads();  // the scratch may still be in use from before
  if (in_warp < lanes) {
#pragma unroll
    for (int e = 0; e < N; ++e) {
#pragma unroll
      for (int i = 0; i < Values; ++i) scratch.part[i][warp][in_warp * N + e] = v[i][e];
    }
    if (Moments && in_warp == 0) scratch.count[warp] = count;
  }
  __syncthreads();
  const int mine = int(threadIdx.x);
  if (mine >= lanes * N) return;
#pragma unroll
  for (int i = 0; i < Values; ++i) result[i] = scratch.part[i][0][mine];
  T total = Moments ? scratch.count[0] : T(0);
  for (int other = 1; other < warps; ++other) {
    if constexpr (Moments) {
      T share, product;
      merge_weights(total, scratch.count[other], share, product);
      merge(result[0], result[1], scratch.part[0][other][mine], scratch.part[1][other][mine], share, product);
    } else {
#pragma unroll
      for (int i = 0; i < Values; ++i) result[i] += scratch.part[i][other][mine];
    }
  }
}

// Partial results in global memory: partial[value][group][chunk][channel].
template <class T>
__device__ __forceinline__ T* partial_of(T* partial, const Work& w, int value, int group, int64_t chunk) {
  return partial + ((int64_t(value) * w.groups + group) * w.chunks + chunk) * w.channels;
}

// Reduces the partial results of all chunks of one group; the result is distributed as by reduce().
template <bool Moments, int Values, class T, bool NHWC, int Vec>
__device__ __forceinline__ void combine(
    Scratch<T>& scratch, T* partial, const Work& w, const Place<NHWC, Vec>& p, int group, T (&result)[Values]) {
  constexpr int N = Place<NHWC, Vec>::kChannels;
  T v[Values][N] = {};
  T count = 0;
  for (int64_t chunk = p.row; chunk < w.chunks; chunk += p.rows) {
    T share = 0, product = 0;
    if (Moments) merge_weights(count, T(length_of(w, chunk) * (NHWC ? 1 : Vec)), share, product);
    if (!p.active) continue;
#pragma unroll
    for (int e = 0; e < N; ++e) {
      T other[Values];
#pragma unroll
      for (int i = 0; i < Values; ++i) other[i] = partial_of(partial, w, i, group, chunk)[p.channel + e];
      if constexpr (Moments) {
        merge(v[0][e], v[1][e], other[0], other[1], share, product);
      } else {
#pragma unroll
        for (int i = 0; i < Values; ++i) v[i][e] += other[i];
      }
    }
  }
  reduce<Moments, Values>(scratch, w.lanes, count, v, result);
}

// The activation of a pack: one uniform branch for all of it.
template <class T, int Vec>
__device__ __forceinline__ void activate_all(T (&v)[Vec], Activation activation, T slope) {
  switch (activation) {
    case Activation::relu:
#pragma unroll
      for (int e = 0; e < Vec; ++e) v[e] = activate(v[e], Activation::relu, slope);
      break;
    case Activation::leaky_relu:
#pragma unroll
      for (int e = 0; e < Vec; ++e) v[e] = activate(v[e], Activation::leaky_relu, slope);
      break;
    case Activation::tanh:
#pragma unroll
      for (int e = 0; e < Vec; ++e) v[e] = activate(v[e], Activation::tanh, slope);
      break;
    default: break;
  }
}

// The gradients before the activation, from those behind it and the activation's arguments (or, FromResult, its results).
template <bool FromResult, class T, int Vec>
__device__ __forceinline__ void activate_all_backward(T (&g)[Vec], const T (&v)[Vec], Activation activation, T slope) {
  switch (activation) {
    case Activation::relu:
#pragma unroll
      for (int e = 0; e < Vec; ++e) g[e] = activate_backward(g[e], v[e], Activation::relu, slope);
      break;
    case Activation::leaky_relu:
#pragma unroll
      for (int e = 0; e < Vec; ++e) g[e] = activate_backward(g[e], v[e], Activation::leaky_relu, slope);
      break;
    case Activation::tanh:
#pragma unroll
      for (int e = 0; e < Vec; ++e) {
        g[e] = FromResult ? activate_backward_from_result(g[e], v[e], Activation::tanh, slope)
                          : activate_backward(g[e], v[e], Activation::tanh, slope);
      }
      break;
    default: break;
  }
}

}  // namespace zoo
