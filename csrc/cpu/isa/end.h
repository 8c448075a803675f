// Ends what begin_avx512.h or begin_avx2.h began.
#if defined(__clang__) && ZOO_VECTOR_BYTES > 16
#pragma clang attribute pop
#endif
