#include "../begin_avx2.h"
#ifdef ZOO_ISA
#include "../bfloat16.h"
#include "../end.h"
#endif
