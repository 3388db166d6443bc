// Builds a NormalizationKernels table for the instruction set of the including file.
#ifndef TENON_PLUGINS_CPU_KERNELS_NORMALIZATION_BLOCKS_H
#define TENON_PLUGINS_CPU_KERNELS_NORMALIZATION_BLOCKS_H

#include "elementwise_math.h"
#include "normalization_kernels.h"
#include "normalization_lines.h"

namespace tenon::cpu::inline TENON_CPU_ISA {

// Calls f(offset, load, store) for whole vectors, then once for the rest.
template <class F>
TENON_CPU_INLINE void for_each_vector(int64_t n, F f) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    f(
        i, [](const float* p) { return load(p); }, [](float* p, Float x) { store(p, x); });
  }
  const int rest = static_cast<int>(n - i);
  if (rest != 0) {
    f(
        i, [rest](const float* p) { return load_part(p, rest); },
        [rest](float* p, Float x) { store_part(p, x, rest); });
  }
}

// The greatest value; NaN when there is one.
inline float greatest(const float* x, int64_t n) {
  Float best = splat(-__builtin_inff());
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) best = VectorMax::apply(best, load(x + i));
  const int rest = static_cast<int>(n - i);
  if (rest != 0) {
    const Float last = select(lanes_below(rest), load_part(x + i, rest), splat(-__builtin_inff()));
    best = VectorMax::apply(best, last);
  }
  float lanes[kLanes];
  store(lanes, best);
  for (int half = kLanes / 2; half > 0; half /= 2) {
    for (int k = 0; k < half; ++k) {
      const float a = lanes[k];
      const float b = lanes[k + half];
      lanes[k] = (a > b || a != a) ? a : b;
    }
  }
  return lanes[0];
}

// Sum over i of f(i), in kBlocks of vectors: errors grow with the number of blocks.
template <class F>
TENON_CPU_INLINE float sum_vectors(int64_t n, F f) {
  constexpr int64_t kBlock = 64 * kLanes;
  float total = 0;
  for (int64_t start = 0; start < n; start += kBlock) {
    const int64_t end = start + kBlock < n ? start + kBlock : n;
    Float sum{};
    int64_t i = start;
    for (; i + kLanes <= end; i += kLanes) sum += f(i, kLanes);
    const int rest = static_cast<int>(end - i);
    if (rest != 0) sum += select(lanes_below(rest), f(i, rest), Float{});
    total += sum_lanes(sum);
  }
  return total;
}

inline void softmax(float* y, const float* x, int64_t n) {
  const Float top = splat(greatest(x, n));
  const float sum = sum_vectors(n, [&](int64_t i, int count) {
    const Float e = VectorExp::apply(load_some(x + i, count) - top);
    store_some(y + i, e, count);
    return e;
  });
  const Float scale = splat(1.0f / sum);
  for_each_vector(n, [&](int64_t i, auto read, auto write) { write(y + i, read(y + i) * scale); });
}

inline void log_softmax(float* y, const float* x, int64_t n) {
  const Float top = splat(greatest(x, n));
  const float sum = sum_vectors(
      n, [&](int64_t i, int count) { return VectorExp::apply(load_some(x + i, count) - top); });
  const Float log_sum = VectorLog::apply(splat(sum));
  for_each_vector(
      n, [&](int64_t i, auto read, auto write) { write(y + i, (read(x + i) - top) - log_sum); });
}

inline void softmax_grad(float* dx, const float* dy, const float* y, int64_t n) {
  const Float sum = splat(sum_vectors(
      n, [&](int64_t i, int count) { return load_some(dy + i, count) * load_some(y + i, count); }));
  for_each_vector(n, [&](int64_t i, auto read, auto write) {
    write(dx + i, read(y + i) * (read(dy + i) - sum));
  });
}

inline void log_softmax_grad(float* dx, const float* dy, const float* y, int64_t n) {
  const Float sum =
      splat(sum_vectors(n, [&](int64_t i, int count) { return load_some(dy + i, count); }));
  for_each_vector(n, [&](int64_t i, auto read, auto write) {
    write(dx + i, read(dy + i) - VectorExp::apply(read(y + i)) * sum);
  });
}

// Sum along lines side by side, in blocks.
template <class F>
TENON_CPU_INLINE Float sum_lines(int64_t length, F f) {
  constexpr int64_t kBlock = 64;
  Float total{};
  for (int64_t start = 0; start < length; start += kBlock) {
    const int64_t end = start + kBlock < length ? start + kBlock : length;
    Float sum{};
    for (int64_t k = start; k < end; ++k) sum += f(k);
    total += sum;
  }
  return total;
}

template <bool kLog>
void softmax_columns(float* y, const float* x, const SoftmaxLines& l) {
  for_each_vector(l.columns, [&](int64_t j, auto read, auto write) {
    Float top = splat(-__builtin_inff());
    const auto in = [&](int64_t k) { return read(x + k * l.stride + j); };
    for (int64_t k = 0; k < l.length; ++k) top = VectorMax::apply(top, in(k));
    Float sum = sum_lines(l.length, [&](int64_t k) {
      const Float e = VectorExp::apply(in(k)-top);
      if constexpr (!kLog) write(y + k * l.stride + j, e);
      return e;
    });
    sum = kLog ? VectorLog::apply(sum) : splat(1.0f) / sum;
    for (int64_t k = 0; k < l.length; ++k) {
      float* to = y + k * l.stride + j;
      write(to, kLog ? (in(k)-top) - sum : read(to) * sum);
    }
  });
}

template <bool kLog>
void softmax_grad_columns(float* dx, const float* dy, const float* y, const SoftmaxLines& l) {
  for_each_vector(l.columns, [&](int64_t j, auto read, auto write) {
    const Float sum = sum_lines(l.length, [&](int64_t k) {
      const Float d = read(dy + k * l.stride + j);
      return kLog ? d : d * read(y + k * l.stride + j);
    });
    for (int64_t k = 0; k < l.length; ++k) {
      const int64_t at = k * l.stride + j;
      const Float d = read(dy + at);
      const Float v = read(y + at);
      write(dx + at, kLog ? d - VectorExp::apply(v) * sum : v * (d - sum));
    }
  });
}

// torch.optim.SGD
inline void sgd(float* p, float* m, const float* g, int64_t n, const SgdStep& s) {
  const Float lr = splat(s.lr);
  const Float momentum = splat(s.momentum);
  const Float weight_decay = splat(s.weight_decay);
  const Float fresh = splat(1.0f - s.dampening);
  for_each_vector(n, [&](int64_t i, auto read, auto write) {
    const Float value = read(p + i);
    Float d = read(g + i);
    if (s.weight_decay != 0.0f) d = d + weight_decay * value;
    if (s.has_momentum) {
      const Float buffer = s.first ? d : momentum * read(m + i) + fresh * d;
      write(m + i, buffer);
      d = s.nesterov ? d + momentum * buffer : buffer;
    }
    write(p + i, value - lr * d);
  });
}

// torch.optim.Adam
inline void adam(float* p, float* m, float* v, const float* g, int64_t n, const AdamStep& s) {
  const Float beta1 = splat(s.beta1);
  const Float beta2 = splat(s.beta2);
  const Float fresh1 = splat(1.0f - s.beta1);
  const Float fresh2 = splat(1.0f - s.beta2);
  for_each_vector(n, [&](int64_t i, auto read, auto write) {
    const Float value = read(p + i);
    Float d = read(g + i);
    if (s.weight_decay != 0.0f) d = d + splat(s.weight_decay) * value;
    const Float first = beta1 * read(m + i) + fresh1 * d;
    const Float second = beta2 * read(v + i) + fresh2 * (d * d);
    write(m + i, first);
    write(v + i, second);
    const Float denominator = square_root(second) / splat(s.root_correction2) + splat(s.eps);
    write(p + i, value - splat(s.step_size) * (first / denominator));
  });
}

inline constexpr NormalizationKernels kNormalizationKernels = {
    &softmax,
    &log_softmax,
    &softmax_grad,
    &log_softmax_grad,
    &softmax_columns<false>,
    &softmax_columns<true>,
    &softmax_grad_columns<false>,
    &softmax_grad_columns<true>,
    {&line_sum, &line_square_sum, &line_apply, &line_apply_one, &line_grad_sums,
     &line_weighted_grad_sums, &line_grad_parameters, &line_grad_apply, &fold_parts},
    &sgd,
    &adam,
};

}  // namespace tenon::cpu::inline TENON_CPU_ISA

#endif
