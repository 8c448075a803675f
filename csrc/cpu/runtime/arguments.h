// Tensors as the kernels' structs.
#pragma once

#include "../../tensors.h"
#include "../isa/kernels.h"

namespace zoo {

inline int storage_of(const Tensor& t) {
  switch (t.scalar_type()) {
    case ScalarType::Double: return kFloat64;
    case ScalarType::BFloat16: return kBFloat16;
    case ScalarType::Half: return kFloat16;
    default: return kFloat32;
  }
}

inline Extent extent_of(const Tensor& x, bool nhwc) {
  return {nhwc, x.size(0), x.size(1), x.dim() == 4 ? x.size(2) * x.size(3) : 1};
}

inline PerChannel per_channel(const Tensor& t) { return {t.mutable_data_ptr(), storage_of(t)}; }

// Checked and contiguous; `keep` holds a copy alive where one was needed.
inline PerChannel parameter(
    const char* op, const char* name, const std::optional<Tensor>& t, const Tensor& x, Tensor& keep) {
  if (!t.has_value()) return {};
  require_per_channel(op, name, *t, x);
  keep = as_contiguous(*t);
  return {const_cast<void*>(keep.const_data_ptr()), storage_of(keep)};
}

}  // namespace zoo
