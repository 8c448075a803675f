// zoo._host: what is native and needs no torch. NumPy arrays in, NumPy arrays out.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <string>
#include <thread>
#include <vector>

#include "gather.h"

namespace py = pybind11;

namespace zoo {
namespace {

std::string shape_of(const py::array& a) {
  std::string text = "(";
  for (py::ssize_t d = 0; d < a.ndim(); ++d) text += (d ? ", " : "") + std::to_string(a.shape(d));
  return text + (a.ndim() == 1 ? ",)" : ")");
}

template <class T>
void require(const char* name, const py::array& a, int dims, const char* wanted) {
  if (!py::isinstance<py::array_t<T>>(a) || a.ndim() != dims) {
    throw py::value_error(
        std::string("gather: ") + name + " is " + py::str(a.dtype()).cast<std::string>() + " of shape " + shape_of(a) +
        "; " + wanted + " is needed");
  }
}

void gather(
    const py::array& images, const py::array& indices, const py::object& flips, double low, double high, py::array out) {
  require<uint8_t>("images", images, 4, "uint8 (N, H, W, C)");
  require<int64_t>("indices", indices, 1, "int64 (B,)");
  require<float>("out", out, 4, "float32 (B, C, H, W)");
  const int64_t stored = images.shape(0), count = indices.shape(0);
  Batch b{};
  b.height = images.shape(1);
  b.width = images.shape(2);
  b.channels = images.shape(3);
  if (out.shape(0) != count || out.shape(1) != b.channels || out.shape(2) != b.height || out.shape(3) != b.width) {
    throw py::value_error(
        "gather: out has shape " + shape_of(out) + ", but " + std::to_string(count) + " images of shape (H, W, C) from " +
        shape_of(images) + " need (" + std::to_string(count) + ", " + std::to_string(b.channels) + ", " +
        std::to_string(b.height) + ", " + std::to_string(b.width) + ")");
  }
  if (!out.writeable()) throw py::value_error("gather: out is read-only");

  // Copies of the small arrays: the caller may change them while the lock is released.
  std::vector<int64_t> rows(static_cast<size_t>(count));
  const auto given = indices.unchecked<int64_t, 1>();
  for (int64_t i = 0; i < count; ++i) {
    rows[size_t(i)] = given(i);
    if (given(i) < 0 || given(i) >= stored) {
      throw py::index_error(
          "gather: index " + std::to_string(given(i)) + " at position " + std::to_string(i) + " is outside of the " +
          std::to_string(stored) + " images");
    }
  }
  std::vector<uint8_t> mirrored(static_cast<size_t>(count), 0);
  if (!flips.is_none()) {
    if (!py::isinstance<py::array>(flips)) throw py::type_error("gather: flips must be a bool array or None");
    const auto array = py::reinterpret_borrow<py::array>(flips);
    require<bool>("flips", array, 1, "bool (B,)");
    if (array.shape(0) != count) {
      throw py::value_error(
          "gather: flips has shape " + shape_of(array) + ", indices " + shape_of(indices) + "; they must agree");
    }
    const auto values = array.unchecked<bool, 1>();
    for (int64_t i = 0; i < count; ++i) mirrored[size_t(i)] = values(i);
    b.flips = reinterpret_cast<const bool*>(mirrored.data());
  }
  b.indices = rows.data();
  b.images.data = static_cast<const uint8_t*>(images.data());
  b.out.data = static_cast<char*>(out.mutable_data());
  for (int d = 0; d < 4; ++d) {
    b.images.strides[d] = images.strides(d);
    b.out.strides[d] = out.strides(d);
  }
  // The rounding of the reference: in double, in this order, then to float. Compiled without contraction to fused
  // multiply-adds, which would round once less.
  for (int v = 0; v < 256; ++v) b.table[v] = float(low + (high - low) * double(v) / 255.0);

  py::gil_scoped_release release;
  if (count > 0) gather_batch(b, count);
}

py::dict cpu_facts() {
  std::vector<std::string> features;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2")) features.emplace_back("avx2");
  if (__builtin_cpu_supports("fma")) features.emplace_back("fma");
  if (__builtin_cpu_supports("avx512f")) features.emplace_back("avx512f");
  if (__builtin_cpu_supports("avx512bw")) features.emplace_back("avx512bw");
  if (__builtin_cpu_supports("avx512dq")) features.emplace_back("avx512dq");
  if (__builtin_cpu_supports("avx512vl")) features.emplace_back("avx512vl");
#elif defined(__aarch64__)
  features.emplace_back("asimd");
#endif
  py::dict facts;
  facts["cpu_features"] = features;
  facts["cpu_threads"] = std::thread::hardware_concurrency();
  return facts;
}

}  // namespace
}  // namespace zoo

PYBIND11_MODULE(_host, m) {
  m.doc() = "Native host side of zoo: batch assembly and facts about the processor.";
  m.def(
      "gather", &zoo::gather, py::arg("images"), py::arg("indices"), py::arg("flips").none(true), py::arg("low"),
      py::arg("high"), py::arg("out"),
      "Writes images[indices] (uint8 (N, H, W, C)) into out (float32 (B, C, H, W), any strides) as "
      "low + (high - low) * value / 255, mirrored where flips is True. Raises ValueError for shapes or dtypes that do "
      "not fit, IndexError for an index outside. Releases the GIL.");
  m.def("cpu_facts", &zoo::cpu_facts, "What this processor has: cpu_features, cpu_threads.");
}
