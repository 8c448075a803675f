// How the small functions of this core are declared.
#pragma once

#ifdef __CUDACC__
#define ZOO_INLINE static __host__ __device__ __forceinline__
#else
// Static and always inlined: a copy compiled for AVX-512 must never be the one that the linker keeps for everybody.
#define ZOO_INLINE static inline __attribute__((always_inline, unused))
// For what many callers share and is long: once per file, and so per instruction set.
#define ZOO_SHARED static __attribute__((noinline, unused))
#endif
