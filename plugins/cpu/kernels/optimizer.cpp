// sgd_step and adam_step, f32
#include <bit>
#include <cmath>

#include "../kernel.h"
#include "normalization_kernels.h"

namespace tenon::cpu {
namespace {

constexpr int64_t kGrain = 16384;

float scalar_at(const Launch& launch, int i) {
  return static_cast<float>(std::bit_cast<double>(launch.scalars[i]));
}

class SgdKernel final : public Kernel {
 public:
  SgdKernel(tn_device d, const tn_signature& s)
      : Kernel(d),
        has_momentum_(s.operand_count == 3),
        nesterov_(s.attributes[0] != 0),
        first_(s.attributes[1] != 0) {}

  tn_status launch(const Launch& launch) const override {
    const SgdStep step{scalar_at(launch, 0),
                       scalar_at(launch, 1),
                       scalar_at(launch, 2),
                       scalar_at(launch, 3),
                       has_momentum_,
                       nesterov_,
                       first_};
    float* p = data_of<float>(*launch.operands[0]);
    float* m = has_momentum_ ? data_of<float>(*launch.operands[1]) : nullptr;
    const float* g = data_of<const float>(*launch.operands[has_momentum_ ? 2 : 1]);
    parallel_for(device->host, element_count(*launch.operands[0]), kGrain,
                 [&](int64_t begin, int64_t end) {
                   device->tables.normalization->sgd(p + begin, m == nullptr ? m : m + begin,
                                                     g + begin, end - begin, step);
                 });
    return TN_OK;
  }

 private:
  bool has_momentum_;
  bool nesterov_;
  bool first_;
};

class AdamKernel final : public Kernel {
 public:
  using Kernel::Kernel;

  tn_status launch(const Launch& launch) const override {
    const auto at = [&](int i) { return std::bit_cast<double>(launch.scalars[i]); };
    const AdamStep step{static_cast<float>(at(0) / at(5)),
                        scalar_at(launch, 1),
                        scalar_at(launch, 2),
                        scalar_at(launch, 3),
                        scalar_at(launch, 4),
                        static_cast<float>(std::sqrt(at(6)))};
    float* p = data_of<float>(*launch.operands[0]);
    float* m = data_of<float>(*launch.operands[1]);
    float* v = data_of<float>(*launch.operands[2]);
    const float* g = data_of<const float>(*launch.operands[3]);
    parallel_for(device->host, element_count(*launch.operands[0]), kGrain,
                 [&](int64_t begin, int64_t end) {
                   device->tables.normalization->adam(p + begin, m + begin, v + begin, g + begin,
                                                      end - begin, step);
                 });
    return TN_OK;
  }
};

Refusal refuse_f32(const tn_signature& s) {
  for (uint32_t i = 0; i < s.operand_count; ++i) {
    if (operand_dtype(s, i) != TN_DTYPE_F32) return "only f32 is served directly";
  }
  return {};
}

Refusal refuse_sgd(const tn_signature& s) {
  if (s.operand_count < 2 || s.operand_count > 3 || s.attribute_count != 2) {
    return "sgd_step takes p, m or none, g and nesterov, first";
  }
  return refuse_f32(s);
}

Refusal refuse_adam(const tn_signature& s) {
  if (s.operand_count != 4) return "adam_step takes p, m, v, g";
  return refuse_f32(s);
}

std::unique_ptr<Kernel> prepare_sgd(tn_device device, const tn_signature& s) {
  return std::make_unique<SgdKernel>(device, s);
}
std::unique_ptr<Kernel> prepare_adam(tn_device device, const tn_signature&) {
  return std::make_unique<AdamKernel>(device);
}

constexpr Operator kOperators[] = {{"sgd_step", refuse_sgd, prepare_sgd, true},
                                   {"adam_step", refuse_adam, prepare_adam, true}};

}  // namespace

std::span<const Operator> optimizer_operators() { return kOperators; }

}  // namespace tenon::cpu
