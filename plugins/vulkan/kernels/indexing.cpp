// gather, scatter, nonzero.
#include <algorithm>

#include "../shaders.h"
#include "geometry.h"

namespace tenon::vulkan {
namespace {

class Gather final : public Kernel {
 public:
  Gather(Gpu& gpu, const plugin::Signature& s)
      : dim_(static_cast<uint32_t>(s.attributes()[0])),
        pipeline_(gpu.pipelines().get(shader("gather"),
                                      {static_cast<uint32_t>(support::dtype_size(s.dtype(0)))})) {}

  void record(Recorder& to, const Call& call) const override {
    const Operand &out = call.operands[0], &in = call.operands[1], &index = call.operands[2];
    if (out.span_bytes == 0) return;
    Dims dims;
    for (uint32_t d = 0; d < out.tensor->rank; ++d) {
      dims.append<3>(out.tensor->shape[d],
                     {out.tensor->strides[d], d == dim_ ? 0 : in.tensor->strides[d],
                      index.tensor->strides[d]});
    }
    const auto [word, launch] = to.bad_index();
    Words words;
    words.u32(dims.count).u32(static_cast<uint64_t>(in.tensor->shape[dim_]));
    words.u32(static_cast<uint64_t>(in.tensor->strides[dim_])).u32(dims.rank);
    words.u64(out.address).u64(in.address).u64(index.address).u64(word).u32(launch);
    dims.write(words, 4);
    const Range ranges[] = {out.writes(), in.reads(), index.reads()};
    to.dispatch(pipeline_, words, ceil_div(dims.count, 256), ranges);
  }

 private:
  const uint32_t dim_;
  const VkPipeline pipeline_;
};

class Scatter final : public Kernel {
 public:
  Scatter(Gpu& gpu, const plugin::Signature& s) : dim_(static_cast<uint32_t>(s.attributes()[0])) {
    const bool adds = s.attributes()[1] == TN_SCATTER_ADD;
    const uint32_t dtype = adds ? s.dtype(0) : raw_dtype_of(s.dtype(0));
    pipeline_ = gpu.pipelines().get(shader(in_class_of("scatter", dtype)), {dtype, adds ? 1u : 0u});
  }

  void record(Recorder& to, const Call& call) const override {
    const Operand &out = call.operands[0], &index = call.operands[1], &source = call.operands[2];
    if (index.span_bytes == 0) return;
    const tn_tensor &ot = *out.tensor, &it = *index.tensor, &st = *source.tensor;
    Dims dims;  // all but dim
    for (uint32_t d = 0; d < it.rank; ++d) {
      if (d == dim_) continue;
      dims.append<3>(it.shape[d], {ot.strides[d], it.strides[d], st.strides[d]});
    }
    const auto extent = static_cast<uint64_t>(ot.shape[dim_]);
    // Few columns: each goes to several invocations.
    constexpr uint64_t kWanted = 4096;
    const uint64_t parts =
        std::clamp<uint64_t>(kWanted / dims.count, 1, std::clamp<uint64_t>(extent, 1, 64));
    const auto [word, launch] = to.bad_index();
    Words words;
    words.u32(dims.count).u32(static_cast<uint64_t>(it.shape[dim_])).u32(extent).u32(dims.rank);
    words.u64(out.address).u64(index.address).u64(source.address).u64(word).u32(launch);
    words.u32(parts);
    for (const tn_tensor* t : {&ot, &it, &st}) words.u32(static_cast<uint64_t>(t->strides[dim_]));
    dims.write(words, 4);
    const Range ranges[] = {out.writes(), index.reads(), source.reads()};
    to.dispatch(pipeline_, words, ceil_div(dims.count * parts, 64), ranges);
  }

 private:
  const uint32_t dim_;
  VkPipeline pipeline_ = VK_NULL_HANDLE;
};

class Nonzero final : public Kernel {
 public:
  Nonzero(Gpu& gpu, const plugin::Signature& s)
      : pipeline_(gpu.pipelines().get(shader("nonzero"), {s.dtype(1)})) {}

  void record(Recorder& to, const Call& call) const override {
    const Operand &out = call.operands[0], &in = call.operands[1];
    if (out.span_bytes == 0 || in.span_bytes == 0) return;
    Words words;
    words.u32(static_cast<uint64_t>(plugin::element_count(*in.tensor))).u32(in.tensor->rank);
    words.u64(out.address).u64(in.address);
    words.u32(static_cast<uint64_t>(out.tensor->shape[0]));
    words.u32(static_cast<uint64_t>(out.tensor->strides[0]));
    words.u32(static_cast<uint64_t>(out.tensor->strides[1]));
    for (uint32_t d = 0; d < in.tensor->rank; ++d) {
      words.u32(static_cast<uint64_t>(in.tensor->shape[d]));
      words.u32(static_cast<uint64_t>(in.tensor->strides[d]));
    }
    const Range ranges[] = {out.writes(), in.reads()};
    to.dispatch(pipeline_, words, 1, ranges);
  }

 private:
  const VkPipeline pipeline_;
};

std::string refuse_nonzero(const Gpu&, const plugin::Signature& s) {
  return s.dtype(0) == TN_DTYPE_I64 && s.rank(0) == 2 ? "" : "nonzero: i64 of rank 2 wanted";
}

std::string refuse_gather(const Gpu&, const plugin::Signature& s) {
  const int64_t dim = s.attributes()[0];
  if (s.dtype(0) != s.dtype(1) || s.dtype(2) != TN_DTYPE_I64) return "gather: index is i64";
  if (s.rank(0) != s.rank(1) || s.rank(0) != s.rank(2)) return "gather: one rank wanted";
  return dim >= 0 && dim < s.rank(0) ? "" : "gather: dim is out of range";
}

std::string refuse_scatter(const Gpu& gpu, const plugin::Signature& s) {
  const int64_t dim = s.attributes()[0], mode = s.attributes()[1];
  if (s.dtype(0) != s.dtype(2) || s.dtype(1) != TN_DTYPE_I64) return "scatter: index is i64";
  if (s.rank(0) != s.rank(1) || s.rank(0) != s.rank(2)) return "scatter: one rank wanted";
  if (mode != TN_SCATTER_SET && mode != TN_SCATTER_ADD) return "scatter: unknown mode";
  if (mode == TN_SCATTER_ADD) {
    const auto why = refuse_dtype(gpu, "scatter", s.dtype(0));
    if (!why.empty()) return why;
  }
  return dim >= 0 && dim < s.rank(0) ? "" : "scatter: dim is out of range";
}

constexpr Operator kOperators[] = {
    {TN_OP_GATHER, 3, 1, 1, refuse_gather, make_kernel<Gather>},
    {TN_OP_SCATTER, 3, 1, 2, refuse_scatter, make_kernel<Scatter>},
    {TN_OP_NONZERO, 2, 1, 0, refuse_nonzero, make_kernel<Nonzero>},
};

}  // namespace

std::span<const Operator> indexing_operators() { return kOperators; }

}  // namespace tenon::vulkan
