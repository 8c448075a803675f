// zoo::augment_forward and _backward on the CPU.
#include <torch/csrc/stable/library.h>

#include "../runtime/arguments.h"

namespace zoo {
namespace {

constexpr const char* kOp = "augment";

// Those of the arguments that both directions have in common; `keep` holds copies of what is not contiguous.
struct Parameters {
  std::optional<Tensor> affine, color, box;

  Parameters(const std::optional<Tensor>& a, const std::optional<Tensor>& c, const std::optional<Tensor>& b) {
    if (a) affine = as_contiguous(*a);
    if (c) color = as_contiguous(*c);
    if (b) box = as_contiguous(*b);
  }
};

Tensor run(const Tensor& given, const Parameters& p, int64_t padding, bool linear, void (*const* kernel)(const Augment&)) {
  const Tensor from = plain(given);
  const bool nhwc = is_nhwc(from);
  Tensor to = new_like(from, nhwc);
  Augment a{};
  a.nhwc = nhwc;
  a.batch = from.size(0);
  a.channels = from.size(1);
  a.height = int(from.size(2));
  a.width = int(from.size(3));
  a.from = from.const_data_ptr();
  a.to = to.mutable_data_ptr();
  if (p.affine) a.affine = static_cast<const float*>(p.affine->const_data_ptr());
  if (p.color) a.color = static_cast<const float*>(p.color->const_data_ptr());
  if (p.box) a.box = static_cast<const int64_t*>(p.box->const_data_ptr());
  a.padding = Padding(padding);
  a.linear = linear;
  if (from.numel() > 0) kernel[storage_of(from)](a);
  return to;
}

Tensor augment_forward(
    const Tensor& images, const std::optional<Tensor>& affine, const std::optional<Tensor>& color,
    const std::optional<Tensor>& box, int64_t padding, bool linear) {
  check_augment(kOp, images, affine, color, box, padding);
  return run(images, Parameters(affine, color, box), padding, linear, kernels().augment_forward);
}

Tensor augment_backward(
    const Tensor& gradient, const std::optional<Tensor>& affine, const std::optional<Tensor>& color,
    const std::optional<Tensor>& box, int64_t padding) {
  check_augment(kOp, gradient, affine, color, box, padding);
  return run(gradient, Parameters(affine, color, box), padding, true, kernels().augment_backward);
}

}  // namespace
}  // namespace zoo

STABLE_TORCH_LIBRARY_IMPL(zoo, CPU, m) {
  m.impl("augment_forward", TORCH_BOX(&zoo::augment_forward));
  m.impl("augment_backward", TORCH_BOX(&zoo::augment_backward));
}
