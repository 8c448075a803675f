#include "../begin_baseline.h"
#ifdef ZOO_ISA
#include "../batch_norm.h"
#include "../end.h"
#endif
