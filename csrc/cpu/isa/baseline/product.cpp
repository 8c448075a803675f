#include "../begin_baseline.h"
#ifdef ZOO_ISA
#include "../product.h"
#include "../end.h"
#endif
