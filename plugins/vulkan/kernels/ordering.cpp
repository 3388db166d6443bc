// scan, sort.
#include "../shaders.h"
#include "geometry.h"

namespace tenon::vulkan {
namespace {

constexpr uint64_t kGroup = 256;  // invocations of a workgroup

class Scan final : public Kernel {
 public:
  Scan(Gpu& gpu, const plugin::Signature& s)
      : dim_(static_cast<uint32_t>(s.attributes()[0])),
        pipeline_(gpu.pipelines().get(shader(in_class_of("scan", s.dtype(0))),
                                      {s.dtype(0), s.attributes()[1] == TN_SCAN_PROD ? 1u : 0u})) {}

  void record(Recorder& to, const Call& call) const override {
    const Operand &out = call.operands[0], &in = call.operands[1];
    if (out.span_bytes == 0) return;
    Dims lines;
    for (uint32_t d = 0; d < in.tensor->rank; ++d) {
      if (d == dim_) continue;
      lines.append<2>(in.tensor->shape[d], {out.tensor->strides[d], in.tensor->strides[d]});
    }
    Words words;
    words.u32(lines.count).u32(static_cast<uint64_t>(in.tensor->shape[dim_]));
    words.u32(static_cast<uint64_t>(out.tensor->strides[dim_]));
    words.u32(static_cast<uint64_t>(in.tensor->strides[dim_]));
    words.u32(lines.rank).u32(0).u64(out.address).u64(in.address);
    lines.write(words, 3);
    const Range ranges[] = {out.writes(), in.reads()};
    to.dispatch(pipeline_, words, lines.count, ranges);
  }

 private:
  const uint32_t dim_;
  const VkPipeline pipeline_;
};

class Sort final : public Kernel {
 public:
  Sort(Gpu& gpu, const plugin::Signature& s)
      : dim_(static_cast<uint32_t>(s.attributes()[0])),
        pipeline_(gpu.pipelines().get(shader(in_class_of("sort", s.dtype(0))),
                                      {s.dtype(0), s.attributes()[1] != 0 ? 1u : 0u})) {}

  void record(Recorder& to, const Call& call) const override {
    const Operand &values = call.operands[0], &indices = call.operands[1], &in = call.operands[2];
    if (in.span_bytes == 0) return;
    Dims lines;
    for (uint32_t d = 0; d < in.tensor->rank; ++d) {
      if (d == dim_) continue;
      lines.append<3>(in.tensor->shape[d], {values.tensor->strides[d], indices.tensor->strides[d],
                                            in.tensor->strides[d]});
    }
    const auto length = static_cast<uint64_t>(in.tensor->shape[dim_]);
    const uint64_t groups = ceil_div(length, kGroup);
    Words words;
    words.u32(lines.count).u32(length);
    for (const Operand* o : {&values, &indices, &in}) {
      words.u32(static_cast<uint64_t>(o->tensor->strides[dim_]));
    }
    words.u32(lines.rank).u64(values.address).u64(indices.address).u64(in.address).u32(groups);
    lines.write(words, 4);
    const Range ranges[] = {values.writes(), indices.writes(), in.reads()};
    to.dispatch(pipeline_, words, lines.count * groups, ranges);
  }

 private:
  const uint32_t dim_;
  const VkPipeline pipeline_;
};

std::string refuse_scan(const Gpu& gpu, const plugin::Signature& s) {
  const int64_t dim = s.attributes()[0], kind = s.attributes()[1];
  if (s.dtype(0) != s.dtype(1) || s.rank(0) != s.rank(1)) {
    return "scan: one dtype and one rank wanted";
  }
  if (dim < 0 || dim >= s.rank(0)) return "scan: dim is out of range";
  if (kind != TN_SCAN_SUM && kind != TN_SCAN_PROD) return "scan: unknown kind";
  if (const auto why = refuse_dtype(gpu, "scan", s.dtype(0)); !why.empty()) return why;
  return s.dtype(0) == TN_DTYPE_BOOL ? "scan: not defined for bool" : "";
}

std::string refuse_sort(const Gpu& gpu, const plugin::Signature& s) {
  const int64_t dim = s.attributes()[0];
  if (s.dtype(0) != s.dtype(2) || s.dtype(1) != TN_DTYPE_I64) {
    return "sort: values as in, indices i64";
  }
  if (s.rank(0) != s.rank(1) || s.rank(0) != s.rank(2)) return "sort: one rank wanted";
  if (const auto why = refuse_dtype(gpu, "sort", s.dtype(0)); !why.empty()) return why;
  return dim >= 0 && dim < s.rank(0) ? "" : "sort: dim is out of range";
}

constexpr Operator kOperators[] = {
    {TN_OP_SCAN, 2, 1, 2, refuse_scan, make_kernel<Scan>},
    {TN_OP_SORT, 3, 2, 2, refuse_sort, make_kernel<Sort>},
};

}  // namespace

std::span<const Operator> ordering_operators() { return kOperators; }

}  // namespace tenon::vulkan
