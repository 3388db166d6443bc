// softmax, log_softmax, their gradients, and optimizer updates; one table per instruction set.
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
  void (*sgd)(float* p, float* m, const float* g, int64_t n, const SgdStep& step);
  void (*adam)(float* p, float* m, float* v, const float* g, int64_t n, const AdamStep& step);
};

const NormalizationKernels& normalization_baseline();
const NormalizationKernels& normalization_avx2();
const NormalizationKernels& normalization_avx512();

}  // namespace tenon::cpu

#endif
