// Stores around the caches, for results too large to be found there by whoever reads them next. An ordinary store first
// reads the line that it is about to overwrite: half as much traffic again for a pass that reads one tensor and writes one.
#pragma once

#include "vector.h"

namespace zoo {
namespace {

constexpr int64_t kNontemporalBytes =
    (1 << 22) + 1;  // more than 4 MiB; measured, a smaller result is better left in L2 or L3

// Whether a result goes around the caches: it is large, and all its vectors are aligned.
template <class S>
ZOO_INLINE bool use_nontemporal(const S* to, int64_t count, int64_t row) {
#if defined(__x86_64__)
  const int64_t bytes = lanes<compute_t<S>> * int64_t(sizeof(S));
  return count * int64_t(sizeof(S)) >= kNontemporalBytes && bytes >= 16 && reinterpret_cast<uintptr_t>(to) % bytes == 0 &&
         row * int64_t(sizeof(S)) % bytes == 0;
#else
  return false;
#endif
}

template <class Raw>
ZOO_INLINE void store_nontemporal(void* to, Raw raw) {
#if defined(__x86_64__) && defined(__clang__)
  if constexpr (sizeof(raw) >= 16) return __builtin_nontemporal_store(raw, static_cast<Raw*>(to));
#else
#if defined(__x86_64__) && ZOO_VECTOR_BYTES >= 64
  typedef float f64bytes __attribute__((vector_size(64)));
  if constexpr (sizeof(raw) == 64) return __builtin_ia32_movntps512(static_cast<float*>(to), bits_as<f64bytes>(raw));
#endif
#if defined(__x86_64__) && ZOO_VECTOR_BYTES >= 32
  typedef float f32bytes __attribute__((vector_size(32)));
  if constexpr (sizeof(raw) == 32) return __builtin_ia32_movntps256(static_cast<float*>(to), bits_as<f32bytes>(raw));
#endif
#if defined(__x86_64__)
  typedef float f16bytes __attribute__((vector_size(16)));
  if constexpr (sizeof(raw) == 16) return __builtin_ia32_movntps(static_cast<float*>(to), bits_as<f16bytes>(raw));
#endif
#endif
  __builtin_memcpy(to, &raw, sizeof(raw));
}

// A store that goes around the caches if `nontemporal`, which `use_nontemporal` said for the whole tensor.
template <class S, int N>
ZOO_INLINE void put(bool nontemporal, S* to, vec<compute_t<S>> value, Constant<N> values) {
  if (!nontemporal) return store(to, value, values);
  if constexpr (sizeof(S) == 2) {
    store_nontemporal(to, narrow(S{}, value));
  } else {
    store_nontemporal(to, value);
  }
}

template <class S>
ZOO_INLINE void put(bool, S* to, vec<compute_t<S>> value, int values) {
  store_part(to, value, values);
}

template <class S>
ZOO_INLINE void put(bool, S* to, vec<compute_t<S>> value, Overlapping) {
  store(to, value);
}

// After the last nontemporal store of a thread: such stores are not ordered with what tells others that it is done.
ZOO_INLINE void finish_nontemporal() {
#if defined(__x86_64__)
  __builtin_ia32_sfence();
#endif
}

}  // namespace
}  // namespace zoo
