// Parameters of softmax, standardize and their gradients, and what they do to one element. A tensor
// is lines of values: a softmax runs along a line, statistics are made of a line.
#ifndef TENON_PLUGINS_CUDA_DEVICE_NORMALIZATION_H
#define TENON_PLUGINS_CUDA_DEVICE_NORMALIZATION_H

#include "device/opcodes.h"
#include "device/values.h"

namespace tenon::cuda {

// What an operand is. kOutput is the result, or the input's gradient; sums for the gradients of
// weight and bias leave through kOutput and kBias.
inline constexpr int kInput = 0, kGrad = 1, kOutput = 2, kWeight = 3, kBias = 4, kMean = 5,
                     kVar = 6, kNormOperands = 7;

TENON_HD inline constexpr uint32_t mask_of(int a) { return 1u << a; }
template <class... More>
TENON_HD inline constexpr uint32_t mask_of(int a, More... more) {
  return 1u << a | mask_of(more...);
}

// Division of a number below 2^31 by a constant.
struct Divider {
  uint32_t multiplier, shift;  // multiplier 0: by 1

  TENON_HD uint32_t divide(uint32_t number) const {
    if (multiplier == 0) return number;
    return static_cast<uint32_t>(uint64_t{number} * multiplier >> 32) >> shift;
  }
};

inline Divider make_divider(int64_t divisor) {
  if (divisor == 1) return {0, 0};
  uint32_t log = 1;  // least with 2^log >= divisor
  while ((int64_t{1} << log) < divisor) ++log;
  const uint64_t wide = uint64_t{1} << (31 + log), by = static_cast<uint64_t>(divisor);
  return {static_cast<uint32_t>((wide + by - 1) / by), log - 1};
}

// Some of the dimensions, and every operand's strides there.
struct NormSpace {
  int64_t count;
  int32_t rank;
  uint32_t small;  // count < 2^31: the dividers do
  int64_t shape[kMaxRank];
  Divider dividers[kMaxRank];
  int64_t strides[kNormOperands][kMaxRank];

  [[nodiscard]] TENON_HD int64_t inner_stride(int operand) const {
    return strides[operand][rank - 1];
  }
};

// Two sums over a line, or a part of one.
struct Sums {
  double first, second;
};

// Which two sums.
enum class Summed : uint32_t {
  kMoments,   // of the input minus its first value, and of the squares of that
  kForInput,  // of h = grad * weight, and of h * unit, unit = (input - mean) / root(var + eps)
  kForWeight  // of grad, and of grad * unit
};

struct NormParams {
  NormSpace lines, line;  // over the lines; along one
  void* data[kNormOperands];
  Sums* partial;          // [lines][chunks]
  Sums* totals;           // [lines], or NULL
  float* parts;           // [chunks of lines][2][values]: sums for weight and bias
  int64_t chunk, chunks;  // values of a chunk, chunks of a line
  double factor;          // 1 / values of a line; 0 where there are none
  float eps;
  uint32_t logarithm;  // log_softmax
  uint32_t vector;     // runs of 4 values are dense and aligned
  uint32_t wide;       // weight and bias are f32
  uint32_t steady;     // mean and var are the same all along a line
};

template <uint32_t kOperands, class I>
TENON_HD inline void add_steps(const NormSpace& s, int d, I index, int64_t (&at)[kNormOperands]) {
  for (int k = 0; k < kNormOperands; ++k) {
    if ((kOperands >> k & 1u) != 0) at[k] += static_cast<int64_t>(index) * s.strides[k][d];
  }
}

// Adds the offsets of element `number` of a space, for the operands in the mask.
template <uint32_t kOperands>
TENON_HD inline void add_offsets(const NormSpace& s, int64_t number, int64_t (&at)[kNormOperands]) {
  if (s.rank == 1) {
    add_steps<kOperands>(s, 0, number, at);
  } else if (s.small != 0) {
    uint32_t rest = static_cast<uint32_t>(number);
    for (int d = s.rank - 1; d > 0; --d) {
      const uint32_t above = s.dividers[d].divide(rest);
      add_steps<kOperands>(s, d, rest - above * static_cast<uint32_t>(s.shape[d]), at);
      rest = above;
    }
    add_steps<kOperands>(s, 0, rest, at);
  } else {
    for (int d = s.rank - 1; d > 0; --d) {
      const int64_t above = number / s.shape[d];
      add_steps<kOperands>(s, d, number - above * s.shape[d], at);
      number = above;
    }
    add_steps<kOperands>(s, 0, number, at);
  }
}

// ---- elements ----

template <class T>
struct alignas(4 * sizeof(T)) Four {
  T x[4];
};

template <class T>
TENON_HD inline void load_four(const T* from, float* to) {
  const Four<T> four = *reinterpret_cast<const Four<T>*>(from);
  for (int j = 0; j < 4; ++j) to[j] = value_of(four.x[j]);
}
template <class T>
TENON_HD inline void store_four(T* to, const float* from) {
  Four<T> four;
  for (int j = 0; j < 4; ++j) four.x[j] = element_of<T>(from[j]);
  *reinterpret_cast<Four<T>*>(to) = four;
}

// A value of weight or bias beside elements T.
template <class T>
TENON_HD inline float parameter(const NormParams& p, int operand, int64_t at) {
  const void* data = p.data[operand];
  if constexpr (!kSame<T, float>) {
    if (p.wide == 0) return value_of(static_cast<const T*>(data)[at]);
  }
  return static_cast<const float*>(data)[at];
}
template <class T>
TENON_HD inline void put_parameter(const NormParams& p, int operand, int64_t at, float value) {
  void* data = p.data[operand];
  if constexpr (!kSame<T, float>) {
    if (p.wide == 0) {
      static_cast<T*>(data)[at] = element_of<T>(value);
      return;
    }
  }
  static_cast<float*>(data)[at] = value;
}
TENON_HD inline float statistic(const NormParams& p, int operand, int64_t at) {
  return static_cast<const float*>(p.data[operand])[at];
}

TENON_HD inline float inverse_root(float x) {
#if defined(__CUDA_ARCH__)
  return rsqrtf(x);
#else
  return 1.0f / c_sqrt(x);
#endif
}

TENON_HD inline float infinity() { return bits_as<float>(0x7f800000u); }

// What moments are taken around: the line's first value keeps squares small. An infinite one would
// make every value NaN.
template <class T>
TENON_HD inline double moments_origin(const NormParams& p, int64_t at) {
  if (p.line.count == 0) return 0;
  const float first = value_of(static_cast<const T*>(p.data[kInput])[at]);
  return first - first == 0 ? static_cast<double>(first) : 0;
}

// (x - mean) / root(var + eps)
struct Unit {
  float mean, rstd;
  TENON_HD float of(float x) const { return (x - mean) * rstd; }
};

TENON_HD inline Unit unit_at(const NormParams& p, int64_t mean, int64_t var) {
  return {statistic(p, kMean, mean), inverse_root(statistic(p, kVar, var) + p.eps)};
}

// grad * weight - (input's gradient through mean and var)
struct InputGrad {
  float slope, shift;

  TENON_HD InputGrad(const Sums& total, double factor, float rstd)
      : slope(static_cast<float>(total.second * factor) * (rstd * rstd)),
        shift(static_cast<float>(total.first * factor) * rstd) {}
  TENON_HD float of(float weighted, float centred, float rstd) const {
    return (weighted * rstd - centred * slope) - shift;
  }
};

// ---- softmax ----

// The greatest of some values, and the sum of e^(x - greatest).
struct Exponentials {
  float top;
  double sum;
};

TENON_HD inline float power_below(float x, float top) { return x == top ? 1.0f : c_exp(x - top); }

// Values -Inf count for nothing once there is another. A NaN makes the sum NaN.
template <int kValues>
TENON_HD inline void add_values(Exponentials& e, const float (&x)[kValues]) {
  float top = e.top;
  for (int i = 0; i < kValues; ++i) top = fmaxf(top, x[i]);
  if (top > e.top) {
    e.sum *= static_cast<double>(c_exp(e.top - top));
    e.top = top;
  }
  for (int i = 0; i < kValues; ++i) e.sum += static_cast<double>(power_below(x[i], top));
}

TENON_HD inline Exponentials join_exponentials(const Exponentials& a, const Exponentials& b) {
  const float top = fmaxf(a.top, b.top);
  return {top, a.sum * static_cast<double>(power_below(a.top, top)) +
                   b.sum * static_cast<double>(power_below(b.top, top))};
}

// What a line's sum makes of its values: all are NaN where one is +Inf, as Inf - Inf is.
struct SoftmaxResult {
  float top, scale;  // scale: 1 / sum, or its logarithm
  bool logarithm;

  TENON_HD SoftmaxResult(const Exponentials& e, bool log)
      : top(e.top), scale(static_cast<float>(e.sum)), logarithm(log) {
    if (top == infinity()) scale = top - top;
    scale = log ? c_log(scale) : 1.0f / scale;
  }
  TENON_HD float of(float x) const {
    return logarithm ? (x - top) - scale : c_exp(x - top) * scale;
  }
};

// From the gradient and the result y; `total` is the line's sum of softmax_grad_term.
TENON_HD inline float softmax_grad_term(float grad, float y, bool logarithm) {
  return logarithm ? grad : grad * y;
}
TENON_HD inline float softmax_grad_of(float grad, float y, float total, bool logarithm) {
  return logarithm ? grad - c_exp(y) * total : y * (grad - total);
}

}  // namespace tenon::cuda

#endif
