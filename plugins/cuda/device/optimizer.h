// Parameters of sgd_step and adam_step, and what they do to one element: the arithmetic of their
// compositions, instruction by instruction, so that the bits are the same.
#ifndef TENON_PLUGINS_CUDA_DEVICE_OPTIMIZER_H
#define TENON_PLUGINS_CUDA_DEVICE_OPTIMIZER_H

#include "device/base.h"

namespace tenon::cuda {

inline constexpr int kStepTensors = 4, kStepPack = 4;

// The elements of up to four tensors; the gradient is the last.
struct StepSpace {
  int64_t count;
  int32_t rank;
  uint32_t packed;  // dense and aligned: four elements at a time
  int64_t shape[kMaxRank];
  int64_t strides[kStepTensors][kMaxRank];
  float* data[kStepTensors];
};

struct SgdParams {
  StepSpace space;  // p, m, g; or p, g
  uint32_t nesterov, first, decays, reserved;
  float lr, momentum, fresh, decay;
};

struct AdamParams {
  StepSpace space;  // p, m, v, g
  uint32_t decays, reserved;
  float step, beta1, fresh1, beta2, fresh2, eps, root_correction2, decay;
};

// x: the element of each tensor.
template <int kTensors>
TENON_HD inline void take_step(const SgdParams& s, float (&x)[kTensors]) {
  float direction = x[kTensors - 1];
  if (s.decays != 0) direction = direction + s.decay * x[0];
  if constexpr (kTensors == 3) {
    const float buffer = s.first != 0 ? direction : s.momentum * x[1] + s.fresh * direction;
    x[1] = buffer;
    direction = s.nesterov != 0 ? direction + s.momentum * buffer : buffer;
  }
  x[0] = x[0] - s.lr * direction;
}

TENON_HD inline void take_step(const AdamParams& s, float (&x)[4]) {
  const float gradient = s.decays != 0 ? x[3] + s.decay * x[0] : x[3];
  x[1] = s.beta1 * x[1] + s.fresh1 * gradient;
  x[2] = s.beta2 * x[2] + s.fresh2 * gradient * gradient;
  x[0] = x[0] - s.step * x[1] / (sqrtf(x[2]) / s.root_correction2 + s.eps);
}

}  // namespace tenon::cuda

#endif
