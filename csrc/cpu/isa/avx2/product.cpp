#include "../begin_avx2.h"
#ifdef ZOO_ISA
#include "../product.h"
#include "../end.h"
#endif
