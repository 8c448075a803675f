// Forward and backward of batch_norm_act in nhwc: the passes of nhwc_passes.h, and what lies between them.
#pragma once

#include "nhwc_passes.h"

namespace zoo {
namespace {

template <class T>
ZOO_INLINE T* take(char*& memory, int64_t count) {
  T* result = reinterpret_cast<T*>(memory);
  memory += (count * int64_t(sizeof(T)) + 63) / 64 * 64;
  return result;
}

template <class S, class Fused>
void nhwc_forward(const BatchNormForward& a, const Fused& f) {
  using T = compute_t<S>;
  const int64_t channels = a.extent.channels, width = padded(channels);
  const Chunks chunks(a.extent.batch * a.extent.positions / a.groups, channels * int64_t(sizeof(S)));
  const int64_t tasks = a.groups * chunks.count;
  const S* x = static_cast<const S*>(a.x);
  S* y = static_cast<S*>(a.y);

  const int64_t per_task = a.training ? width * int64_t(2 * sizeof(double) + 3 * sizeof(T)) : 0;
  char* memory = static_cast<char*>(
      scratch(a.groups * width * int64_t(3 * sizeof(T) + 2 * sizeof(double)) + tasks * per_task + 4 * 64));
  T* coefficients = take<T>(memory, a.groups * 3 * width);
  double* mean = take<double>(memory, a.groups * width);
  double* squares = take<double>(memory, a.groups * width);
  char* parts = memory;

  if (a.training) {
    parallel(tasks, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        double* part = reinterpret_cast<double*>(parts + i * per_task);
        const int64_t chunk = i % chunks.count;
        row_moments(
            before(f), x + i / chunks.count * chunks.total * channels, chunks.begin(chunk), chunks.end(chunk), channels,
            reinterpret_cast<T*>(part + 2 * width), part, part + width);
      }
    });
    for (int64_t g = 0; g < a.groups; ++g) {
      double *m = mean + g * width, *s = squares + g * width, count = 0;
      for (int64_t i = 0; i < chunks.count; ++i) {
        const double* part = reinterpret_cast<const double*>(parts + (g * chunks.count + i) * per_task);
        const double more = double(chunks.end(i) - chunks.begin(i));
        for (int64_t c = 0; c < channels; ++c) join(count, m[c], s[c], more, part[c], part[c + width]);
        count += more;
      }
    }
    update_running(a, mean, squares, width, double(chunks.total));
  }

  for (int64_t g = 0; g < a.groups; ++g) {
    T *center = coefficients + g * 3 * width, *scale = center + width, *shift = scale + width;
    for (int64_t i = 0; i < 3 * width; ++i) center[i] = 0;
    for (int64_t c = 0; c < channels; ++c) {
      const double m = a.training ? mean[g * width + c] : read(a.running_mean, c, 0);
      const double invstd = a.training ? inverse_deviation(squares[g * width + c], double(chunks.total), a.eps)
                                       : 1 / __builtin_sqrt(read(a.running_var, c, 1) + a.eps);
      const Affine<T> t = affine<T>(m, invstd, read(a.weight, c, 1), read(a.bias, c, 0));
      center[c] = t.center;
      scale[c] = t.scale;
      shift[c] = t.shift;
      static_cast<T*>(a.mean)[g * channels + c] = T(m);
      static_cast<T*>(a.invstd)[g * channels + c] = T(invstd);
    }
  }

  const bool nontemporal = use_nontemporal(y, a.groups * chunks.total * channels, channels);
  parallel(tasks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = end - 1; i >= begin; --i) {
      const int64_t g = i / chunks.count, row = chunks.begin(i % chunks.count), at = (g * chunks.total + row) * channels;
      normalise_rows(
          f, x + at, y + at, chunks.end(i % chunks.count) - row, channels, coefficients + g * 3 * width, width,
          nontemporal);
    }
    finish_nontemporal();
  });
}

template <class S, class Fused>
void nhwc_backward(const BatchNormBackward& a, const Fused& f) {
  using T = compute_t<S>;
  const int64_t channels = a.extent.channels, width = padded(channels);
  const Chunks chunks(a.extent.batch * a.extent.positions / a.groups, channels * int64_t(2 * sizeof(S)));
  const int64_t tasks = a.groups * chunks.count;
  const S *gradient = static_cast<const S*>(a.gradient), *x = static_cast<const S*>(a.x);
  S* dx = static_cast<S*>(a.dx);

  const int64_t per_task = width * int64_t(2 * sizeof(double) + 2 * sizeof(T));
  char* memory = static_cast<char*>(
      scratch(a.groups * width * int64_t(5 * sizeof(T)) + 2 * width * int64_t(sizeof(double)) + tasks * per_task + 4 * 64));
  T* coefficients = take<T>(memory, a.groups * 5 * width);
  double* sums = take<double>(memory, 2 * width);
  char* parts = memory;

  for (int64_t g = 0; g < a.groups; ++g) {
    T* center = coefficients + g * 5 * width;
    for (int64_t i = 0; i < 5 * width; ++i) center[i] = 0;
    for (int64_t c = 0; c < channels; ++c) {
      const int64_t i = g * channels + c;
      const double weight = read(a.weight, c, 1), bias = read(a.bias, c, 0);
      const Affine<T> t =
          affine<T>(double(static_cast<const T*>(a.mean)[i]), double(static_cast<const T*>(a.invstd)[i]), weight, bias);
      center[c] = t.center;
      center[c + width] = t.scale;
      center[c + 2 * width] = t.shift;
    }
  }

  parallel(tasks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      double* part = reinterpret_cast<double*>(parts + i * per_task);
      T* work = reinterpret_cast<T*>(part + 2 * width);
      for (int64_t c = 0; c < 2 * width; ++c) part[c] = work[c] = 0;
      const int64_t group = i / chunks.count, stop = chunks.end(i % chunks.count);
      for (int64_t row = chunks.begin(i % chunks.count); row < stop; row += kBlock) {
        const int64_t at = (group * chunks.total + row) * channels, rows = stop - row < kBlock ? stop - row : kBlock;
        gradient_sums(f, gradient + at, x + at, rows, channels, coefficients + group * 5 * width, width, work);
        for (int64_t c = 0; c < 2 * width; ++c) part[c] += work[c];
      }
    }
  });

  const double count = double(chunks.total);
  double *sum_weight = sums, *sum_bias = sums + width;
  for (int64_t c = 0; c < 2 * width; ++c) sums[c] = 0;
  for (int64_t g = 0; g < a.groups; ++g) {
    T* center = coefficients + g * 5 * width;
    // Of an empty batch there are no parts; the sums are zeros still.
    double* total = chunks.count > 0 ? reinterpret_cast<double*>(parts + g * chunks.count * per_task) : sums;
    for (int64_t i = 1; i < chunks.count; ++i) {
      const double* part = reinterpret_cast<const double*>(parts + (g * chunks.count + i) * per_task);
      for (int64_t c = 0; c < 2 * width; ++c) total[c] += part[c];
    }
    for (int64_t c = 0; c < channels; ++c) {
      const double invstd = double(static_cast<const T*>(a.invstd)[g * channels + c]);
      const double scale = invstd * read(a.weight, c, 1);
      const GradientAffine<T> t = gradient_affine<T>(a.training, scale, invstd, count, total[c], total[c + width]);
      center[c + 3 * width] = t.slope;
      center[c + 4 * width] = t.offset;
      sum_weight[c] += total[c + width] * invstd;
      sum_bias[c] += total[c];
    }
  }
  for (int64_t c = 0; c < channels; ++c) {
    write(a.dweight, c, sum_weight[c]);
    write(a.dbias, c, sum_bias[c]);
  }

  const bool nontemporal = use_nontemporal(dx, a.groups * chunks.total * channels, channels);
  parallel(tasks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = end - 1; i >= begin; --i) {
      const int64_t g = i / chunks.count, row = chunks.begin(i % chunks.count), at = (g * chunks.total + row) * channels;
      gradient_rows(
          f, gradient + at, x + at, dx + at, chunks.end(i % chunks.count) - row, channels, coefficients + g * 5 * width,
          width, nontemporal);
    }
    finish_nontemporal();
  });
}

}  // namespace
}  // namespace zoo
