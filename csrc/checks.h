// Checks of what reaches a kernel, for callers of torch.ops.zoo: zoo.ops has checked already, with better words. Nothing
// that passes here makes a kernel read or write outside of its tensors. Shared by the CPU and the CUDA library.
#pragma once

#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>

#include <torch/csrc/stable/tensor.h>

#include "kinds.h"

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
  ZOO_REQUIRE(
      type == ScalarType::Float || type == ScalarType::Double || type == ScalarType::BFloat16 || type == ScalarType::Half,
      op, ": ", name, " of shape ", shape_of(t), " is not float32, float64, bfloat16 or float16");
}

inline void require_input(const char* op, const char* name, const Tensor& t) {
  require_floating(op, name, t);
  ZOO_REQUIRE(
      t.dim() == 2 || t.dim() == 4, op, ": ", name, " has shape ", shape_of(t), "; (N, C) or (N, C, H, W) is needed");
}

inline void require_device(const char* op, const char* name, const Tensor& t, const Tensor& x) {
  ZOO_REQUIRE(
      t.is_cuda() == x.is_cuda() && t.is_cpu() == x.is_cpu() && t.get_device_index() == x.get_device_index(), op, ": ",
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
  ZOO_REQUIRE(
      t.dim() == 1 && t.size(0) == x.size(1), op, ": ", name, " has shape ", shape_of(t), ", but x of shape ", shape_of(x),
      " has ", x.size(1), " channels");
}

inline void require_statistics(const char* op, const char* name, const Tensor& t, const Tensor& x, int64_t groups) {
  require_device(op, name, t, x);
  const ScalarType wanted = x.scalar_type() == ScalarType::Double ? ScalarType::Double : ScalarType::Float;
  ZOO_REQUIRE(
      t.dim() == 2 && t.size(0) == groups && t.size(1) == x.size(1) && t.is_contiguous() && t.scalar_type() == wanted, op,
      ": ", name, " has shape ", shape_of(t), "; (", groups, ", ", x.size(1), ") in the compute type is needed");
}

inline void require_groups(const char* op, const Tensor& x, int64_t groups, bool training) {
  ZOO_REQUIRE(
      groups >= 1 && x.size(0) % groups == 0, op, ": groups=", groups, " does not divide the batch of x of shape ",
      shape_of(x));
  ZOO_REQUIRE(!training || x.numel() > 0, op, ": x of shape ", shape_of(x), " is empty");
}

inline void require_code(const char* op, const char* name, int64_t code, int64_t count) {
  ZOO_REQUIRE(code >= 0 && code < count, op, ": ", name, " is ", code, "; 0 to ", count - 1, " are known");
}

// --- what each op asks of its arguments, on every device -----------------------------------------------------------------

inline void check_batch_norm(
    const char* op, const Tensor& x, int64_t groups, bool training, int64_t activation, int64_t order) {
  require_input(op, "x", x);
  require_groups(op, x, groups, training);
  require_code(op, "activation", activation, kActivations);
  require_code(op, "order", order, kOrders);
}

inline void check_batch_norm_forward(
    const char* op, const Tensor& x, const std::optional<Tensor>& running_mean, const std::optional<Tensor>& running_var,
    int64_t groups, bool training, int64_t activation, int64_t order) {
  check_batch_norm(op, x, groups, training, activation, order);
  require(training || (running_mean && running_var), op, ": evaluation mode needs running statistics");
  for (const auto* statistic : {&running_mean, &running_var}) {
    require(!*statistic || (*statistic)->is_contiguous(), op, ": running statistics must be contiguous to be updated");
  }
}

inline void check_batch_norm_backward(
    const char* op, const Tensor& gradient, const Tensor& x, const Tensor& mean, const Tensor& invstd, int64_t groups,
    bool training, int64_t activation, int64_t order) {
  check_batch_norm(op, x, groups, training, activation, order);
  require_same_shape(op, "gradient", gradient, x);
  const int64_t parts = training ? groups : 1;
  require_statistics(op, "mean", mean, x, parts);
  require_statistics(op, "invstd", invstd, x, parts);
}

inline void check_bias_act(const char* op, const char* name, const Tensor& x, int64_t activation) {
  require_input(op, name, x);
  require_code(op, "activation", activation, kActivations);
}

inline void check_upfirdn2d(
    const char* op, const Tensor& x, int64_t taps, int64_t up, int64_t down, int64_t left, int64_t top, int64_t height,
    int64_t width, int64_t activation) {
  require_floating(op, "x", x);
  ZOO_REQUIRE(
      x.dim() == 4 && x.size(2) > 0 && x.size(3) > 0, op, ": x has shape ", shape_of(x), "; (N, C, H, W) is needed");
  require(taps >= 1 && taps <= kMostTaps, op, ": the filter has ", taps, " taps; 1 to ", kMostTaps, " are needed");
  require_code(op, "activation", activation, kActivations);
  constexpr int64_t most = int64_t(1) << 30;  // sums and products of two of them are no trouble
  require(up >= 1 && up <= most && down >= 1 && down <= most, op, ": up is ", up, " and down is ", down);
  require(
      height >= 0 && height <= most && width >= 0 && width <= most, op, ": a result of ", height, "x", width, " pixels");
  require(left >= -most && left <= most && top >= -most && top <= most, op, ": padding is ", left, " and ", top);
}

inline void check_logits(const char* op, const char* name, const Tensor& logits, int64_t kind) {
  require_code(op, "kind", kind, kLosses);
  require_floating(op, name, logits);
  ZOO_REQUIRE(logits.numel() > 0, op, ": ", name, " has shape ", shape_of(logits), ", which holds no element");
}

inline void check_discriminator_loss(const char* op, const Tensor& real, const Tensor& fake, int64_t kind) {
  check_logits(op, "real", real, kind);
  check_logits(op, "fake", fake, kind);
  require_device(op, "fake", fake, real);
  require(real.scalar_type() == fake.scalar_type(), op, ": the dtypes of real and fake logits differ");
}

// The gradient of a loss, and what it is multiplied with: gradients of logits.
inline void check_loss_gradient(const char* op, const Tensor& gradient, const Tensor& of_logits) {
  require_floating(op, "gradient of the logits", of_logits);
  ZOO_REQUIRE(
      gradient.numel() == 1 &&
          (gradient.scalar_type() == ScalarType::Double || gradient.scalar_type() == ScalarType::Float),
      op, ": the gradient of the loss has shape ", shape_of(gradient), "; one number in float32 or float64 is needed");
  require_device(op, "the gradient of the loss", gradient, of_logits);
}

// Images, or the gradient of what became of them, and what is done to each.
inline void check_augment(
    const char* op, const Tensor& images, const std::optional<Tensor>& affine, const std::optional<Tensor>& color,
    const std::optional<Tensor>& box, int64_t padding) {
  require_floating(op, "images", images);
  require_code(op, "padding", padding, kPaddings);
  constexpr int64_t kLongestSide = 1 << 20, kMostPixels = int64_t(1) << 30;
  ZOO_REQUIRE(
      images.dim() == 4 && images.size(2) <= kLongestSide && images.size(3) <= kLongestSide &&
          images.size(2) * images.size(3) <= kMostPixels,
      op, ": images have shape ", shape_of(images), "; (N, C, H, W) with sides of 2^20 at most is needed");
  const int64_t n = images.size(0), c = images.size(1);
  const auto require_rows = [&](const char* name, const std::optional<Tensor>& t, ScalarType type, int64_t rows,
                                int64_t columns) {
    if (!t) return;
    require_device(op, name, *t, images);
    const bool fits = rows == 0 ? t->dim() == 2 && t->size(0) == n && t->size(1) == columns
                                : t->dim() == 3 && t->size(0) == n && t->size(1) == rows && t->size(2) == columns;
    ZOO_REQUIRE(
        fits && t->scalar_type() == type, op, ": ", name, " of shape ", shape_of(*t), " does not fit images of shape ",
        shape_of(images), ", or is not ", type == ScalarType::Float ? "float32" : "int64");
  };
  require_rows("affine", affine, ScalarType::Float, 2, 3);
  require_rows("color", color, ScalarType::Float, c, 2 * c + 1);
  require_rows("box", box, ScalarType::Long, 0, 4);
}

}  // namespace zoo
