#include "../begin_baseline.h"
#ifdef ZOO_ISA
#include "../bfloat16.h"
#include "../end.h"
#endif
