// random.
#include "../shaders.h"
#include "geometry.h"

namespace tenon::vulkan {
namespace {

class Random final : public Kernel {
 public:
  Random(Gpu& gpu, const plugin::Signature& s)
      : pipeline_(gpu.pipelines().get(shader("random"),
                                      {s.attributes()[0] == TN_RANDOM_UNIFORM ? 1u : 0u})) {}

  void record(Recorder& to, const Call& call) const override {
    const Operand& out = call.operands[0];
    if (out.span_bytes == 0) return;
    Dims dims;
    for (uint32_t d = 0; d < out.tensor->rank; ++d) {
      dims.append<1>(out.tensor->shape[d], {out.tensor->strides[d]});
    }
    Words words;
    words.u32(dims.count).u32(dims.rank).u64(out.address);
    words.u64(call.scalars[0]).u64(call.scalars[1]);
    dims.write(words, 2);
    const Range range = out.writes();
    to.dispatch(pipeline_, words, ceil_div(dims.count, 4 * 256), {&range, 1});
  }

 private:
  const VkPipeline pipeline_;
};

std::string refuse_random(const Gpu&, const plugin::Signature& s) {
  const int64_t kind = s.attributes()[0];
  if (kind == TN_RANDOM_BITS) return s.dtype(0) == TN_DTYPE_I64 ? "" : "random: bits are i64";
  if (kind == TN_RANDOM_UNIFORM) return s.dtype(0) == TN_DTYPE_F32 ? "" : "random: uniform is f32";
  return "random: unknown kind";
}

constexpr Operator kOperators[] = {
    {TN_OP_RANDOM, 1, 1, 1, refuse_random, make_kernel<Random>},
};

}  // namespace

std::span<const Operator> random_operators() { return kOperators; }

}  // namespace tenon::vulkan
