#include "../begin_avx512.h"
#ifdef ZOO_ISA
#include "../bfloat16.h"
#include "../end.h"
#endif
