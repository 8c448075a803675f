#include "../begin_avx2.h"
#ifdef ZOO_ISA
#include "../batch_norm.h"
#include "../end.h"
#endif
