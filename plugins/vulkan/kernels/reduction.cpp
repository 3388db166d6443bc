// reduce, nonzero_count.
#include <bit>

#include "../shaders.h"
#include "geometry.h"

namespace tenon::vulkan {
namespace {

constexpr uint32_t kCount = 9;     // kind of the shader: how many are not zero
constexpr uint64_t kChunk = 8192;  // elements of a line that one step reduces
constexpr uint64_t kSlots = 8;     // chunks of a workgroup
constexpr uint64_t kGeometryInside = 34, kNeighbours = 50;  // words of the parameter block

// One step over lines: their dimensions outside and inside, and what goes in and out.
struct Step {
  Dims lines;   // extent, strides of in and out
  Dims inside;  // extent, stride
  uint64_t chunks;
  VkDeviceAddress in, out;
};

Words words_of(const Step& s) {
  Words words;
  words.u32(s.lines.count).u32(s.inside.count).u32(s.chunks).u32(kChunk);
  words.u64(s.in).u64(s.out).u32(s.lines.rank).u32(s.inside.rank);
  s.lines.write(words, 3);
  while (words.count() < kGeometryInside) words.u32(0);
  s.inside.write(words, 2);
  while (words.count() < kNeighbours) words.u32(0);
  const bool last_is_one = s.inside.rank > 0 && s.inside.rows[s.inside.rank - 1][1] == 1;
  words.u32(last_is_one ? 1 : 0);
  return words;
}

class Reduce final : public Kernel {
 public:
  Reduce(Gpu& gpu, uint32_t in, uint32_t out, uint32_t kind, uint32_t dims)
      : dims_(dims),
        is_argument_(kind == TN_REDUCE_ARGMAX || kind == TN_REDUCE_ARGMIN),
        wide_(in == TN_DTYPE_F64 && kind <= TN_REDUCE_MIN      ? TN_DTYPE_F64
              : support::is_float(in) && kind <= TN_REDUCE_MIN ? TN_DTYPE_F32
                                                               : TN_DTYPE_I64) {
    const bool real = support::is_float(in) && (kind <= TN_REDUCE_MIN || is_argument_);
    const auto pipeline = [&](uint32_t from, uint32_t to, uint32_t what) {
      const std::string module =
          in_class_of(is_argument_ ? "argument" : "reduce", real ? in : TN_DTYPE_I64);
      return gpu.pipelines().get(shader(module), {from, to, what});
    };
    whole_ = pipeline(in, out, kind);
    if (is_argument_) return;
    // Truth values and counts are numbers once the first step is done.
    const uint32_t later = kind == kCount ? TN_REDUCE_SUM : kind;
    first_ = pipeline(in, wide_, kind);
    middle_ = pipeline(wide_, wide_, later);
    last_ = pipeline(wide_, out, later);
  }

  [[nodiscard]] uint64_t workspace(std::span<const tn_tensor* const> operands) const override {
    if (is_argument_) return 0;
    const Step step = first_step(*operands[0], *operands[1]);
    if (step.inside.count <= kChunk) return 0;
    const uint64_t one = ceil_div(step.inside.count, kChunk);
    return 8 * step.lines.count * (one + ceil_div(one, kChunk));
  }

  void record(Recorder& to, const Call& call) const override {
    const Operand &out = call.operands[0], &in = call.operands[1];
    Step step = first_step(*out.tensor, *in.tensor);
    if (step.lines.count == 0) return;
    step.in = in.address;
    step.out = out.address;
    Range reads = in.reads();
    uint64_t used = 0;
    bool is_first = true;
    const Dims out_lines = step.lines;
    while (!is_argument_ && step.inside.count > kChunk) {
      step.chunks = ceil_div(step.inside.count, kChunk);
      step.out = call.workspace + used;
      set_out_stride(step, step.chunks);
      const uint64_t bytes = 8 * step.lines.count * step.chunks;
      const Range ranges[] = {reads, {step.out, step.out + bytes, true}};
      to.dispatch(is_first ? first_ : middle_, words_of(step), groups_of(step), ranges);
      used += bytes;
      reads = {step.out, step.out + bytes, false};
      Step next = step;
      next.in = step.out;
      next.out = out.address;
      next.inside = Dims();
      next.inside.append<1>(static_cast<int64_t>(step.chunks), {1});
      next.lines = out_lines;
      set_in_stride(next, step.chunks);
      step = next;
      is_first = false;
    }
    step.chunks = 1;
    if (is_argument_) {
      Words words = words_of(step);
      const Range ranges[] = {reads, out.writes()};
      return to.dispatch(whole_, with_chunk(words, step.inside.count), groups_of(step), ranges);
    }
    const Range ranges[] = {reads, out.writes()};
    to.dispatch(is_first ? whole_ : last_, words_of(step), groups_of(step), ranges);
  }

 private:
  static uint64_t groups_of(const Step& s) { return ceil_div(s.lines.count * s.chunks, kSlots); }

  // The block with one chunk that is the whole line.
  static Words with_chunk(const Words& words, uint64_t chunk) {
    Words out;
    for (size_t i = 0; i < words.count(); ++i) out.u32(i == 3 ? chunk : words.data()[i]);
    return out;
  }

  // Lines lie behind one another in the scratch memory, `length` elements each.
  static void set_stride(Step& s, size_t column, uint64_t length) {
    uint64_t stride = length;
    for (uint32_t d = s.lines.rank; d-- > 0;) {
      s.lines.rows[d][column] = static_cast<uint32_t>(stride);
      stride *= s.lines.rows[d][0];
    }
  }
  static void set_in_stride(Step& s, uint64_t length) { set_stride(s, 1, length); }
  static void set_out_stride(Step& s, uint64_t length) { set_stride(s, 2, length); }

  [[nodiscard]] Step first_step(const tn_tensor& out, const tn_tensor& in) const {
    Step step{};
    for (uint32_t d = 0; d < in.rank; ++d) {
      if ((dims_ >> d & 1) != 0) {
        step.inside.append<1>(in.shape[d], {in.strides[d]});
      } else {
        step.lines.append<2>(in.shape[d], {in.strides[d], out.strides[d]});
      }
    }
    return step;
  }

  const uint32_t dims_;
  const bool is_argument_;
  const uint32_t wide_;
  VkPipeline whole_ = VK_NULL_HANDLE, first_ = VK_NULL_HANDLE, middle_ = VK_NULL_HANDLE,
             last_ = VK_NULL_HANDLE;
};

std::string refuse_reduce(const Gpu& gpu, const plugin::Signature& s) {
  const int64_t kind = s.attributes()[0], dims = s.attributes()[1];
  const uint32_t out = s.dtype(0), in = s.dtype(1);
  if (kind < TN_REDUCE_SUM || kind > TN_REDUCE_ALL) return "reduce: unknown kind";
  if (s.rank(0) != s.rank(1) || dims < 0 || dims >> s.rank(1) != 0) {
    return "reduce: ranks or dims do not fit";
  }
  if (kind >= TN_REDUCE_ANY) return out == TN_DTYPE_BOOL ? "" : "reduce: any and all give bool";
  if (const auto why = refuse_dtype(gpu, "reduce", in); !why.empty()) return why;
  if (kind == TN_REDUCE_ARGMAX || kind == TN_REDUCE_ARGMIN) {
    const bool one_dim = std::has_single_bit(static_cast<uint64_t>(dims));
    return one_dim && out == TN_DTYPE_I64 ? "" : "reduce: argmax and argmin: one dim, i64 out";
  }
  if (out != in) return "reduce: out must have the dtype of in";
  if (in == TN_DTYPE_BOOL && kind <= TN_REDUCE_PROD) return "reduce: bool has no sum";
  return "";
}
std::unique_ptr<Kernel> make_reduce(Gpu& gpu, const plugin::Signature& s) {
  return std::make_unique<Reduce>(gpu, s.dtype(1), s.dtype(0),
                                  static_cast<uint32_t>(s.attributes()[0]),
                                  static_cast<uint32_t>(s.attributes()[1]));
}

std::string refuse_count(const Gpu&, const plugin::Signature& s) {
  return s.dtype(0) == TN_DTYPE_I64 && s.rank(0) == 0 ? "" : "nonzero_count: i64 of rank 0 wanted";
}
std::unique_ptr<Kernel> make_count(Gpu& gpu, const plugin::Signature& s) {
  return std::make_unique<Reduce>(gpu, s.dtype(1), TN_DTYPE_I64, kCount, 0xffu);
}

constexpr Operator kOperators[] = {
    {TN_OP_REDUCE, 2, 1, 2, refuse_reduce, make_reduce},
    {TN_OP_NONZERO_COUNT, 2, 1, 0, refuse_count, make_count},
};

}  // namespace

std::span<const Operator> reduction_operators() { return kOperators; }

}  // namespace tenon::vulkan
