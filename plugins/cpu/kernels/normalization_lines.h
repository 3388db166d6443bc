// Lines of standardize and its gradient. Sums are made in 64 lanes whatever the registers' width,
// so all instruction sets give the same bits.
#ifndef TENON_PLUGINS_CPU_KERNELS_NORMALIZATION_LINES_H
#define TENON_PLUGINS_CPU_KERNELS_NORMALIZATION_LINES_H

#include "../simd.h"
#include "normalization_kernels.h"

namespace tenon::cpu::inline TENON_CPU_ISA {

TENON_CPU_INLINE Int lanes_below(int n) {
  Int lane{};
  for (int i = 0; i < kLanes; ++i) lane[i] = i;
  return lane < splat(static_cast<int32_t>(n));
}

TENON_CPU_INLINE Float load_some(const float* p, int n) {
  return n == kLanes ? load(p) : load_part(p, n);
}
TENON_CPU_INLINE void store_some(float* p, Float x, int n) {
  n == kLanes ? store(p, x) : store_part(p, x, n);
}

template <int kSums>
struct Parts {
  Float x[kSums];
};

inline constexpr int kSumLanes = 64;
inline constexpr int kSumVectors = kSumLanes / kLanes;

TENON_CPU_INLINE float join_sums(Float (&sums)[kSumVectors]) {
  for (int half = kSumVectors / 2; half > 0; half /= 2) {
    for (int v = 0; v < half; ++v) sums[v] += sums[v + half];
  }
  return sum_lanes(sums[0]);
}

// totals[s] += sum over i of f(i, count).x[s]; each lane adds up at most 64 values.
template <int kSums, class F>
TENON_CPU_INLINE void add_up(int64_t n, double* totals, F f) {
  constexpr int64_t kUnit = 64 * kSumLanes;
  for (int64_t start = 0; start < n; start += kUnit) {
    const int64_t end = start + kUnit < n ? start + kUnit : n;
    Float sums[kSums][kSumVectors] = {};
    int64_t i = start;
    for (; i + kSumLanes <= end; i += kSumLanes) {
      for (int v = 0; v < kSumVectors; ++v) {
        const Parts<kSums> parts = f(i + v * kLanes, kLanes);
        for (int s = 0; s < kSums; ++s) sums[s][v] += parts.x[s];
      }
    }
    for (int v = 0; v < kSumVectors; ++v) {
      const int64_t at = i + v * kLanes;
      if (at >= end) break;
      const int count = static_cast<int>(end - at < kLanes ? end - at : kLanes);
      const Parts<kSums> parts = f(at, count);
      for (int s = 0; s < kSums; ++s) {
        sums[s][v] += select(lanes_below(count), parts.x[s], Float{});
      }
    }
    for (int s = 0; s < kSums; ++s) totals[s] += static_cast<double>(join_sums(sums[s]));
  }
}

// f(i, count) for whole vectors, then the rest.
template <class F>
TENON_CPU_INLINE void for_each_some(int64_t n, F f) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) f(i, kLanes);
  if (i < n) f(i, static_cast<int>(n - i));
}

inline double line_sum(const float* x, int64_t n) {
  double total = 0;
  add_up<1>(n, &total, [x](int64_t i, int count) { return Parts<1>{{load_some(x + i, count)}}; });
  return total;
}

inline double line_square_sum(const float* x, int64_t n, float mean) {
  double total = 0;
  const Float m = splat(mean);
  add_up<1>(n, &total, [x, m](int64_t i, int count) {
    const Float d = load_some(x + i, count) - m;
    return Parts<1>{{d * d}};
  });
  return total;
}

inline void line_apply(float* y, const float* x, int64_t n, const LineMoments& m, const float* w,
                       const float* b) {
  const Float mean = splat(m.mean);
  const Float rstd = splat(m.rstd);
  for_each_some(n, [&](int64_t i, int count) {
    const Float unit = (load_some(x + i, count) - mean) * rstd;
    store_some(y + i, unit * load_some(w + i, count) + load_some(b + i, count), count);
  });
}

inline void line_apply_one(float* y, const float* x, int64_t n, const LineMoments& m,
                           const float* w, const float* b) {
  const Float mean = splat(m.mean);
  const Float rstd = splat(m.rstd);
  const Float weight = splat(w == nullptr ? 1.0f : *w);
  const Float bias = splat(b == nullptr ? 0.0f : *b);
  for_each_some(n, [&](int64_t i, int count) {
    const Float unit = (load_some(x + i, count) - mean) * rstd;
    store_some(y + i, w == nullptr ? unit : unit * weight + bias, count);
  });
}

inline void line_grad_sums(const float* g, const float* x, int64_t n, const LineMoments& m,
                           double* totals) {
  const Float mean = splat(m.mean);
  const Float rstd = splat(m.rstd);
  add_up<2>(n, totals, [=](int64_t i, int count) {
    const Float grad = load_some(g + i, count);
    return Parts<2>{{grad, grad * ((load_some(x + i, count) - mean) * rstd)}};
  });
}

inline void line_weighted_grad_sums(const float* g, const float* x, const float* w, int64_t n,
                                    const LineMoments& m, double* totals) {
  const Float mean = splat(m.mean);
  const Float rstd = splat(m.rstd);
  add_up<2>(n, totals, [=](int64_t i, int count) {
    const Float h = load_some(g + i, count) * load_some(w + i, count);
    return Parts<2>{{h, h * ((load_some(x + i, count) - mean) * rstd)}};
  });
}

inline void line_grad_parameters(float* dw, float* db, const float* g, const float* x, int64_t n,
                                 const LineMoments& m) {
  const Float mean = splat(m.mean);
  const Float rstd = splat(m.rstd);
  for_each_some(n, [&](int64_t i, int count) {
    const Float grad = load_some(g + i, count);
    const Float unit = grad * ((load_some(x + i, count) - mean) * rstd);
    store_some(dw + i, load_some(dw + i, count) + unit, count);
    store_some(db + i, load_some(db + i, count) + grad, count);
  });
}

inline void line_grad_apply(float* dx, const float* g, const float* x, const float* w, int64_t n,
                            const LineSlope& s) {
  const Float mean = splat(s.mean);
  const Float scale = splat(s.scale);
  const Float slope = splat(s.slope);
  const Float shift = splat(s.shift);
  for_each_some(n, [&](int64_t i, int count) {
    Float grad = load_some(g + i, count);
    if (w != nullptr) grad = grad * load_some(w + i, count);
    const Float bend = (load_some(x + i, count) - mean) * slope;
    store_some(dx + i, (grad * scale - bend) - shift, count);
  });
}

inline void fold_parts(float* out, const float* parts, int64_t stride, int64_t count, int64_t n) {
  constexpr int64_t kStrip = 64;
  for (int64_t at = 0; at < n; at += kStrip) {
    const int64_t width = n - at < kStrip ? n - at : kStrip;
    double sums[kStrip] = {};
    for (int64_t k = 0; k < count; ++k) {
      const float* part = parts + k * stride + at;
      for (int64_t j = 0; j < width; ++j) sums[j] += static_cast<double>(part[j]);
    }
    for (int64_t j = 0; j < width; ++j) out[at + j] = static_cast<float>(sums[j]);
  }
}

}  // namespace tenon::cpu::inline TENON_CPU_ISA

#endif
