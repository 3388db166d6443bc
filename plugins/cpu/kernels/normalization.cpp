// softmax, log_softmax and their gradients, f32; the list of the family
#include <algorithm>

#include "../kernel.h"
#include "normalization_kernels.h"
#include "normalization_standardize.h"

namespace tenon::cpu {
namespace {

constexpr int64_t kGrainElements = 8192;
constexpr int64_t kColumns = 64;  // of one task, when lines lie side by side

enum class SoftmaxKind { kForward, kLogForward, kGrad, kLogGrad };

class SoftmaxKernel final : public Kernel {
 public:
  SoftmaxKernel(tn_device d, SoftmaxKind kind, int64_t dim) : Kernel(d), kind_(kind), dim_(dim) {}

  tn_status launch(const Launch& launch) const override {
    const tn_tensor& out = *launch.operands[0];
    if (element_count(out) == 0) return TN_OK;
    int64_t outer = 1;
    int64_t inner = 1;
    for (int64_t d = 0; d < out.rank; ++d) (d < dim_ ? outer : inner) *= out.shape[d];
    const int64_t length = out.rank == 0 ? 1 : out.shape[dim_];
    inner /= length;
    const Pointers p{
        data_of<float>(out), data_of<const float>(*launch.operands[1]),
        kind_ < SoftmaxKind::kGrad ? nullptr : data_of<const float>(*launch.operands[2])};
    if (inner == 1) {
      const int64_t grain = std::max<int64_t>(1, kGrainElements / length);
      parallel_for(device->host, outer, grain, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) line(p, i * length, length);
      });
      return TN_OK;
    }
    const int64_t strips = (inner + kColumns - 1) / kColumns;
    const int64_t grain = std::max<int64_t>(1, kGrainElements / (length * kColumns));
    parallel_for(device->host, outer * strips, grain, [&](int64_t begin, int64_t end) {
      for (int64_t task = begin; task < end; ++task) {
        const int64_t column = task % strips * kColumns;
        columns(p, task / strips * length * inner + column,
                {length, inner, std::min(kColumns, inner - column)});
      }
    });
    return TN_OK;
  }

 private:
  struct Pointers {
    float* out;
    const float* a;  // x or dy
    const float* b;  // y of a gradient
  };

  void line(const Pointers& p, int64_t at, int64_t n) const {
    const NormalizationKernels& k = *device->tables.normalization;
    switch (kind_) {
      case SoftmaxKind::kForward:
        return k.softmax(p.out + at, p.a + at, n);
      case SoftmaxKind::kLogForward:
        return k.log_softmax(p.out + at, p.a + at, n);
      case SoftmaxKind::kGrad:
        return k.softmax_grad(p.out + at, p.a + at, p.b + at, n);
      default:
        return k.log_softmax_grad(p.out + at, p.a + at, p.b + at, n);
    }
  }

  void columns(const Pointers& p, int64_t at, const SoftmaxLines& l) const {
    const NormalizationKernels& k = *device->tables.normalization;
    switch (kind_) {
      case SoftmaxKind::kForward:
        return k.softmax_columns(p.out + at, p.a + at, l);
      case SoftmaxKind::kLogForward:
        return k.log_softmax_columns(p.out + at, p.a + at, l);
      case SoftmaxKind::kGrad:
        return k.softmax_grad_columns(p.out + at, p.a + at, p.b + at, l);
      default:
        return k.log_softmax_grad_columns(p.out + at, p.a + at, p.b + at, l);
    }
  }

  SoftmaxKind kind_;
  int64_t dim_;
};

Refusal refuse(const tn_signature& s, uint32_t operands) {
  if (!has_operands(s, operands) || s.attribute_count != 1) {
    return "wrong number of operands or attributes";
  }
  for (uint32_t i = 0; i < operands; ++i) {
    if (operand_dtype(s, i) != TN_DTYPE_F32) return "only f32 is served directly";
  }
  return {};
}
Refusal refuse_forward(const tn_signature& s) { return refuse(s, 2); }
Refusal refuse_grad(const tn_signature& s) { return refuse(s, 3); }

template <SoftmaxKind kKind>
std::unique_ptr<Kernel> prepare(tn_device device, const tn_signature& s) {
  return std::make_unique<SoftmaxKernel>(device, kKind, s.attributes[0]);
}

constexpr Operator kOperators[] = {
    {"softmax", refuse_forward, prepare<SoftmaxKind::kForward>, true},
    {"log_softmax", refuse_forward, prepare<SoftmaxKind::kLogForward>, true},
    {"softmax_grad", refuse_grad, prepare<SoftmaxKind::kGrad>, true},
    {"log_softmax_grad", refuse_grad, prepare<SoftmaxKind::kLogGrad>, true},
    {"standardize", refuse_standardize, prepare_standardize, true},
    {"standardize_grad", refuse_standardize_grad, prepare_standardize_grad, true},
};

}  // namespace

std::span<const Operator> normalization_operators() { return kOperators; }

}  // namespace tenon::cpu
