// standardize and standardize_grad
#ifndef TENON_PLUGINS_CPU_KERNELS_NORMALIZATION_STANDARDIZE_H
#define TENON_PLUGINS_CPU_KERNELS_NORMALIZATION_STANDARDIZE_H

#include "../kernel.h"
#include "normalization_kernels.h"

namespace tenon::cpu {

class StandardizeKernel final : public Kernel {
 public:
  StandardizeKernel(tn_device d, const tn_signature& s)
      : Kernel(d), mask_(static_cast<uint64_t>(s.attributes[0])), affine_(s.operand_count == 6) {}

  tn_status launch(const Launch& launch) const override;

 private:
  uint64_t mask_;
  bool affine_;
};

class StandardizeGradKernel final : public Kernel {
 public:
  StandardizeGradKernel(tn_device d, const tn_signature& s)
      : Kernel(d),
        mask_(static_cast<uint64_t>(s.attributes[0])),
        wanted_(static_cast<uint64_t>(s.attributes[1])),
        outputs_(s.output_count) {}

  uint64_t workspace_bytes(const tn_tensor* const* operands) const override;
  tn_status launch(const Launch& launch) const override;

 private:
  struct Operands;
  static int64_t parts_of(int64_t rows);
  void by_elements(const Operands& o, int64_t rows, int64_t length, float* parts) const;
  void by_lines(const Operands& o, int64_t outer, int64_t kept, int64_t length,
                int64_t weight_lines, int64_t segments, double* sums) const;

  uint64_t mask_;
  uint64_t wanted_;
  uint32_t outputs_;
};

Refusal refuse_standardize(const tn_signature& s);
Refusal refuse_standardize_grad(const tn_signature& s);
std::unique_ptr<Kernel> prepare_standardize(tn_device device, const tn_signature& s);
std::unique_ptr<Kernel> prepare_standardize_grad(tn_device device, const tn_signature& s);

}  // namespace tenon::cpu

#endif
