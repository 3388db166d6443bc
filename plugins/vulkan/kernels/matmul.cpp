// matmul.
#include "../shaders.h"
#include "geometry.h"

namespace tenon::vulkan {
namespace {

constexpr uint64_t kTile = 64;

class Matmul final : public Kernel {
 public:
  Matmul(Gpu& gpu, const plugin::Signature& s)
      : pipeline_(gpu.pipelines().get(shader(in_class_of("matmul", s.dtype(0))), {s.dtype(0)})) {}

  void record(Recorder& to, const Call& call) const override {
    const Operand &out = call.operands[0], &a = call.operands[1], &b = call.operands[2];
    const tn_tensor &to_t = *out.tensor, &at = *a.tensor, &bt = *b.tensor;
    if (out.span_bytes == 0) return;
    const uint32_t r = to_t.rank;
    const auto m = static_cast<uint64_t>(to_t.shape[r - 2]);
    const auto n = static_cast<uint64_t>(to_t.shape[r - 1]);
    const auto depth = static_cast<uint64_t>(at.shape[r - 1]);
    Dims batch;
    for (uint32_t d = 0; d + 2 < r; ++d) {
      batch.append<3>(to_t.shape[d], {to_t.strides[d], at.strides[d], bt.strides[d]});
    }
    const uint64_t per_row = ceil_div(n, kTile), tiles = per_row * ceil_div(m, kTile);
    Words words;
    words.u32(m).u32(depth).u32(n).u32(per_row).u32(tiles).u32(batch.count);
    words.u64(out.address).u64(a.address).u64(b.address);
    for (const tn_tensor* t : {&to_t, &at, &bt}) {
      words.u32(static_cast<uint64_t>(t->strides[r - 2]));
      words.u32(static_cast<uint64_t>(t->strides[r - 1]));
    }
    words.u32(batch.rank);
    batch.write(words, 4);
    const Range ranges[] = {out.writes(), a.reads(), b.reads()};
    to.dispatch(pipeline_, words, tiles * batch.count, ranges);
  }

 private:
  const VkPipeline pipeline_;
};

std::string refuse_matmul(const Gpu& gpu, const plugin::Signature& s) {
  const uint32_t dtype = s.dtype(0);
  if (dtype != s.dtype(1) || dtype != s.dtype(2)) return "matmul: one dtype wanted";
  if (s.rank(0) < 2 || s.rank(0) != s.rank(1) || s.rank(0) != s.rank(2)) {
    return "matmul: one rank of 2 or more wanted";
  }
  if (dtype == TN_DTYPE_BOOL) return "matmul: not defined for bool";
  return refuse_dtype(gpu, "matmul", dtype);
}

constexpr Operator kOperators[] = {
    {TN_OP_MATMUL, 3, 1, 0, refuse_matmul, make_kernel<Matmul>},
};

}  // namespace

std::span<const Operator> matmul_operators() { return kOperators; }

}  // namespace tenon::vulkan
