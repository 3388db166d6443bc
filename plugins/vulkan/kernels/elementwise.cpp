// program, fill, copy.
#include <bit>

#include "program_plan.h"

namespace tenon::vulkan {
namespace {

constexpr uint64_t kGroup = 256;  // invocations of a workgroup

// Elements that one invocation computes: more than one once the device is full.
uint64_t elements_each(uint64_t count) {
  constexpr uint64_t kFull = uint64_t{1} << 17;
  return std::clamp<uint64_t>(count / kFull, 1, 16);
}

// A slot of the launch, converted as CAST does, as the words of the dtype's class.
uint64_t scalar_bits(uint64_t slot, uint32_t dtype) {
  const auto whole = static_cast<int64_t>(slot);
  const auto real = std::bit_cast<double>(slot);
  switch (dtype) {
    case TN_DTYPE_BOOL:
      return whole != 0 ? 1 : 0;
    case TN_DTYPE_U8:
      return static_cast<uint8_t>(whole);
    case TN_DTYPE_I8:
      return static_cast<uint32_t>(int32_t{static_cast<int8_t>(whole)});
    case TN_DTYPE_I16:
      return static_cast<uint32_t>(int32_t{static_cast<int16_t>(whole)});
    case TN_DTYPE_I32:
      return static_cast<uint32_t>(whole);
    case TN_DTYPE_F16:
    case TN_DTYPE_BF16: {
      const auto& format = dtype == TN_DTYPE_F16 ? support::kHalfFormat : support::kBFloat16Format;
      return std::bit_cast<uint32_t>(static_cast<float>(support::round_to_format(real, format)));
    }
    case TN_DTYPE_F32:
      return std::bit_cast<uint32_t>(static_cast<float>(real));
    default:
      return slot;  // i64, f64
  }
}

class ProgramKernel final : public Kernel {
 public:
  ProgramKernel(Gpu& gpu, ProgramPlan plan)
      : plan_(std::move(plan)),
        pipeline_(gpu.pipelines().get(emit_program(gpu, plan_),
                                      {gpu.features().fused_fma ? 1u : 0u}, "program")) {}

  void record(Recorder& to, const Call& call) const override {
    const tn_tensor& space = *call.operands[0].tensor;
    const auto count = static_cast<uint64_t>(plugin::element_count(space));
    if (count == 0) return;
    const uint64_t each = elements_each(count);
    Words words;
    words.u32(count).u32(each);
    std::array<Range, kMaxOperands> ranges;
    for (size_t i = 0; i < call.operands.size(); ++i) {
      const Operand& o = call.operands[i];
      words.u64(o.address);
      ranges[i] = i < plan_.outputs.size() ? o.writes() : o.reads();
    }
    for (uint32_t i = 0; i < plan_.scalar_count; ++i) {
      words.u64(scalar_bits(call.scalars[i], plan_.dtypes[plan_.input_count + i]));
    }
    if (plan_.is_strided()) add_geometry(words, call);
    const uint64_t groups = (count + kGroup * each - 1) / (kGroup * each);
    to.dispatch(pipeline_, words, groups, {ranges.data(), call.operands.size()});
  }

 private:
  void add_geometry(Words& words, const Call& call) const {
    for (uint32_t d = 0; d < plan_.rank; ++d) {
      words.u32(static_cast<uint64_t>(call.operands[0].tensor->shape[d]));
    }
    for (size_t i = 0; i < plan_.layouts.size(); ++i) {
      if (plan_.layouts[i] != Layout::kStrided) continue;
      for (uint32_t d = 0; d < plan_.rank; ++d) {
        words.u32(static_cast<uint64_t>(call.operands[i].tensor->strides[d]));
      }
    }
  }

  const ProgramPlan plan_;
  const VkPipeline pipeline_;
};

template <class F>
std::string reason_of(F&& plan) {
  try {
    plan();
  } catch (const plugin::Status& status) {
    return status.message();
  }
  return "";
}

std::string refuse_program(const Gpu& gpu, const plugin::Signature& s) {
  return reason_of([&] { read_program(gpu, s); });
}
std::unique_ptr<Kernel> make_program(Gpu& gpu, const plugin::Signature& s) {
  return std::make_unique<ProgramKernel>(gpu, read_program(gpu, s));
}

std::string refuse_fill(const Gpu& gpu, const plugin::Signature& s) {
  const bool f64 = s.dtype(0) == TN_DTYPE_F64 && !gpu.features().f64;
  return f64 ? "fill: this device does not compute f64" : "";
}
std::unique_ptr<Kernel> make_fill(Gpu& gpu, const plugin::Signature& s) {
  return std::make_unique<ProgramKernel>(gpu, fill_plan(s));
}

std::string refuse_copy(const Gpu& gpu, const plugin::Signature& s) {
  if (s.rank(0) != s.rank(1)) return "copy: one rank wanted";
  return reason_of([&] { copy_plan(gpu, s); });
}
std::unique_ptr<Kernel> make_copy(Gpu& gpu, const plugin::Signature& s) {
  return std::make_unique<ProgramKernel>(gpu, copy_plan(gpu, s));
}

constexpr Operator kOperators[] = {
    {TN_OP_PROGRAM, 0, 0, 0, refuse_program, make_program},
    {TN_OP_FILL, 1, 1, 0, refuse_fill, make_fill},
    {TN_OP_COPY, 2, 1, 0, refuse_copy, make_copy},
};

}  // namespace

std::span<const Operator> elementwise_operators() { return kOperators; }

}  // namespace tenon::vulkan
