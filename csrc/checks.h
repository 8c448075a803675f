// Checks of what reaches a kernel, for callers of torch.ops.zoo: zoo.ops has checked already, with better words. Nothing
// that passes here makes a kernel read or write outside of its tensors. Shared by the CPU and the CUDA library.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

#include <torch/csrc/stable/tensor.h>

namespace zoo {

using torch::headeronly::ScalarType;
using torch::stable::Tensor;

template <class... Parts>
[[noreturn]] inline void refuse(const Parts&... message) {
  std::ostringstream text;
  (text << ... << message);
  throw std::runtime_error(text.str());  // torch turns it into a Python RuntimeError
}

// For messages whose parts cost nothing to have ready.
template <class... Parts>
inline void require(bool holds, const Parts&... message) {
  if (!holds) refuse(message...);
}

// A macro, so that shapes are turned into text only when the message is needed.
#define ZOO_REQUIRE(holds, ...)               \
  do {                                        \
    if (!(holds)) ::zoo::refuse(__VA_ARGS__); \
  } while (0)

inline std::string shape_of(const Tensor& t) {
  std::ostringstream text;
  text << '(';
  for (int64_t d = 0; d < t.dim(); ++d) text << (d ? ", " : "") << t.size(d);
  text << (t.dim() == 1 ? ",)" : ")");
  return text.str();
}

inline void require_floating(const char* op, const char* name, const Tensor& t) {
  const ScalarType type = t.scalar_type();
  ZOO_REQUIRE(type == ScalarType::Float || type == ScalarType::Double || type == ScalarType::BFloat16 || type == ScalarType::Half,
          op, ": ", name, " of shape ", shape_of(t), " is not float32, float64, bfloat16 or float16");
}

inline void require_input(const char* op, const char* name, const Tensor& t) {
  require_floating(op, name, t);
  ZOO_REQUIRE(t.dim() == 2 || t.dim() == 4, op, ": ", name, " has shape ", shape_of(t), "; (N, C) or (N, C, H, W) is needed");
}

inline void require_device(const char* op, const char* name, const Tensor& t, const Tensor& x) {
  ZOO_REQUIRE(t.is_cuda() == x.is_cuda() && t.is_cpu() == x.is_cpu() && t.get_device_index() == x.get_device_index(), op, ": ",
          name, " of shape ", shape_of(t), " is not on the device of x of shape ", shape_of(x));
}

inline void require_same_shape(const char* op, const char* name, const Tensor& t, const Tensor& x) {
  require_device(op, name, t, x);
  bool same = t.dim() == x.dim() && t.scalar_type() == x.scalar_type();
  for (int64_t d = 0; same && d < x.dim(); ++d) same = t.size(d) == x.size(d);
  ZOO_REQUIRE(same, op, ": ", name, " of shape ", shape_of(t), " differs in shape or dtype from ", shape_of(x));
}

inline void require_per_channel(const char* op, const char* name, const Tensor& t, const Tensor& x) {
  require_floating(op, name, t);
  require_device(op, name, t, x);
  ZOO_REQUIRE(t.dim() == 1 && t.size(0) == x.size(1), op, ": ", name, " has shape ", shape_of(t), ", but x of shape ",
          shape_of(x), " has ", x.size(1), " channels");
}

inline void require_statistics(const char* op, const char* name, const Tensor& t, const Tensor& x, int64_t groups) {
  require_device(op, name, t, x);
  const ScalarType wanted = x.scalar_type() == ScalarType::Double ? ScalarType::Double : ScalarType::Float;
  ZOO_REQUIRE(t.dim() == 2 && t.size(0) == groups && t.size(1) == x.size(1) && t.is_contiguous() && t.scalar_type() == wanted,
          op, ": ", name, " has shape ", shape_of(t), "; (", groups, ", ", x.size(1), ") in the compute type is needed");
}

inline void require_groups(const char* op, const Tensor& x, int64_t groups, bool training) {
  ZOO_REQUIRE(groups >= 1 && x.size(0) % groups == 0, op, ": groups=", groups, " does not divide the batch of x of shape ",
          shape_of(x));
  ZOO_REQUIRE(!training || x.numel() > 0, op, ": x of shape ", shape_of(x), " is empty");
}

inline void require_code(const char* op, const char* name, int64_t code, int64_t count) {
  ZOO_REQUIRE(code >= 0 && code < count, op, ": ", name, " is ", code, "; 0 to ", count - 1, " are known");
}

}  // namespace zoo
