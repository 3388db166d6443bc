// softmax, log_softmax, standardize, their gradients, and optimizer updates; one table per
// instruction set.
#ifndef TENON_PLUGINS_CPU_KERNELS_NORMALIZATION_KERNELS_H
#define TENON_PLUGINS_CPU_KERNELS_NORMALIZATION_KERNELS_H

#include <cstdint>

namespace tenon::cpu {

// Lines of `length` elements that lie `stride` apart; `columns` neighbouring lines.
struct SoftmaxLines {
  int64_t length;
  int64_t stride;
  int64_t columns;
};

struct LineMoments {
  float mean, rstd;
};

// dx = g scale - (x - mean) slope - shift
struct LineSlope {
  float mean, scale, slope, shift;
};

// Lines of n elements. `w`, `b`: weight and bias.
struct LineKernels {
  double (*sum)(const float* x, int64_t n);
  double (*square_sum)(const float* x, int64_t n, float mean);  // of x - mean
  // y = (x - mean) rstd w + b, with one w and b per element, or one for all (NULL: none).
  void (*apply)(float* y, const float* x, int64_t n, const LineMoments& m, const float* w,
                const float* b);
  void (*apply_one)(float* y, const float* x, int64_t n, const LineMoments& m, const float* w,
                    const float* b);
  // With u = (x - mean) rstd: totals[0] += g, totals[1] += g u; or of g w.
  void (*grad_sums)(const float* g, const float* x, int64_t n, const LineMoments& m,
                    double* totals);
  void (*weighted_grad_sums)(const float* g, const float* x, const float* w, int64_t n,
                             const LineMoments& m, double* totals);
  // dw[i] += g u, db[i] += g
  void (*grad_parameters)(float* dw, float* db, const float* g, const float* x, int64_t n,
                          const LineMoments& m);
  // g is multiplied by w where that is not NULL.
  void (*grad_apply)(float* dx, const float* g, const float* x, const float* w, int64_t n,
                     const LineSlope& s);
  // out[j] = sum over k of parts[k stride + j]
  void (*fold)(float* out, const float* parts, int64_t stride, int64_t count, int64_t n);
};

struct SgdStep {
  float lr, momentum, dampening, weight_decay;
  bool has_momentum, nesterov, first;
};

struct AdamStep {
  float step_size, beta1, beta2, eps, weight_decay, root_correction2;
};

struct NormalizationKernels {
  // Dense lines (stride 1, one column).
  void (*softmax)(float* y, const float* x, int64_t n);
  void (*log_softmax)(float* y, const float* x, int64_t n);
  void (*softmax_grad)(float* dx, const float* dy, const float* y, int64_t n);
  void (*log_softmax_grad)(float* dx, const float* dy, const float* y, int64_t n);
  // Several lines side by side.
  void (*softmax_columns)(float* y, const float* x, const SoftmaxLines& lines);
  void (*log_softmax_columns)(float* y, const float* x, const SoftmaxLines& lines);
  void (*softmax_grad_columns)(float* dx, const float* dy, const float* y,
                               const SoftmaxLines& lines);
  void (*log_softmax_grad_columns)(float* dx, const float* dy, const float* y,
                                   const SoftmaxLines& lines);
  LineKernels lines;
  void (*sgd)(float* p, float* m, const float* g, int64_t n, const SgdStep& step);
  void (*adam)(float* p, float* m, float* v, const float* g, int64_t n, const AdamStep& step);
};

const NormalizationKernels& normalization_baseline();
const NormalizationKernels& normalization_avx2();
const NormalizationKernels& normalization_avx512();

}  // namespace tenon::cpu

#endif
