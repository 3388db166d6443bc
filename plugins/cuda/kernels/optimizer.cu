// sgd_step, adam_step: a thread four elements.
#include "device/optimizer.h"
#include "device/packs.h"
#include "device/simt.h"

namespace tenon::cuda {
namespace {

template <int kTensors, class P>
TENON_DEVICE void step_packed(const P& p, int64_t first) {
  Pack<float, kStepPack> packs[kTensors];
  for (int k = 0; k < kTensors; ++k) packs[k] = load_pack<kStepPack>(p.space.data[k] + first);
  for (int lane = 0; lane < kStepPack; ++lane) {
    float x[kTensors];
    for (int k = 0; k < kTensors; ++k) x[k] = packs[k].at[lane];
    take_step(p, x);
    for (int k = 0; k < kTensors; ++k) packs[k].at[lane] = x[k];
  }
  for (int k = 0; k + 1 < kTensors; ++k) store_pack(p.space.data[k] + first, packs[k]);
}

template <int kTensors, class P>
TENON_DEVICE void step_one(const P& p, int64_t number) {
  float* at[kTensors];
  float x[kTensors];
  for (int k = 0; k < kTensors; ++k) {
    at[k] = p.space.data[k] + offset_along(p.space.rank, p.space.shape, p.space.strides[k], number);
    x[k] = *at[k];
  }
  take_step(p, x);
  for (int k = 0; k + 1 < kTensors; ++k) *at[k] = x[k];
}

template <int kTensors, class P>
TENON_DEVICE void step(const P& p) {
  const int64_t first = global_thread() * kStepPack;
  if (p.space.packed != 0 && first + kStepPack <= p.space.count) {
    step_packed<kTensors>(p, first);
    return;
  }
  for (int64_t i = first; i < first + kStepPack && i < p.space.count; ++i) step_one<kTensors>(p, i);
}

}  // namespace

TENON_KERNEL(sgd_step_2, 256, SgdParams, step<2>)
TENON_KERNEL(sgd_step_3, 256, SgdParams, step<3>)
TENON_KERNEL(adam_step_4, 256, AdamParams, step<4>)

}  // namespace tenon::cuda
