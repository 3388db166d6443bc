#include <tenon/runtime/dispatch/primitives.h>

#include <tenon/runtime/dispatch/kernel_call.h>
#include <tenon/runtime/ops/creation.h>

namespace tenon::primitive {
namespace {

constexpr Op::Spec entry(const char* name) {
  return {.name = name,
          .schema = "",
          .doc = "A required entry of the plugin ABI; see api/OPERATORS.md.",
          .flags = kPrimitive | kNoGradient};
}

constinit const Op kFill{entry(TN_OP_FILL)};
constinit const Op kCopy{entry(TN_OP_COPY)};
constinit const Op kReduce{entry(TN_OP_REDUCE)};
constinit const Op kMatmul{entry(TN_OP_MATMUL)};
constinit const Op kGather{entry(TN_OP_GATHER)};
constinit const Op kScatter{entry(TN_OP_SCATTER)};
constinit const Op kScan{entry(TN_OP_SCAN)};
constinit const Op kSort{entry(TN_OP_SORT)};
constinit const Op kNonzeroCount{entry(TN_OP_NONZERO_COUNT)};
constinit const Op kNonzero{entry(TN_OP_NONZERO)};
constinit const Op kRandom{entry(TN_OP_RANDOM)};

void launch(const Op& op, std::initializer_list<const Tensor*> operands,
            std::initializer_list<int64_t> attributes = {},
            std::initializer_list<uint64_t> scalars = {}, uint32_t outputs = 1) {
  const Tensor& out = **operands.begin();
  DeviceContext& context = out.impl()->storage->context();
  context.require_compute();
  KernelCall call{.context = context,
                  .op = op,
                  .output_count = outputs,
                  .attributes = {attributes.begin(), attributes.size()},
                  .flags = signature_flags()};
  for (const Tensor* operand : operands) call.add(*operand->impl());
  const PreparedKernel& prepared = find_kernel(call);
  check(prepared.support == TN_ANSWER_NATIVE, ErrorCode::kUnsupported, op.name(),
        context.device(), " can't do it for ", out, ": ", prepared.reason,
        "; use another dtype, or .to(device) to one that can");
  context.launch(prepared.kernel, op, call.operands, scalars.begin());
}

}  // namespace

void fill(const Tensor& out, Scalar value) {
  if (out.numel() == 0) return;
  launch(kFill, {&out}, {}, {value.slot(out.dtype())});
}

void copy(const Tensor& out, const Tensor& in) {
  if (out.numel() == 0) return;
  launch(kCopy, {&out, &in});
}

void reduce(const Tensor& out, const Tensor& in, uint32_t kind, uint32_t dims) {
  if (out.numel() == 0) return;
  launch(kReduce, {&out, &in}, {static_cast<int64_t>(kind), static_cast<int64_t>(dims)});
}

void matmul(const Tensor& out, const Tensor& a, const Tensor& b) {
  if (out.numel() == 0) return;
  launch(kMatmul, {&out, &a, &b});
}

void gather(const Tensor& out, const Tensor& in, const Tensor& index, int64_t dim) {
  if (out.numel() == 0) return;
  launch(kGather, {&out, &in, &index}, {dim});
}

void scatter(const Tensor& out, const Tensor& index, const Tensor& source, int64_t dim,
             uint32_t mode) {
  if (index.numel() == 0) return;
  launch(kScatter, {&out, &index, &source}, {dim, static_cast<int64_t>(mode)});
}

void scan(const Tensor& out, const Tensor& in, int64_t dim, uint32_t kind) {
  if (out.numel() == 0) return;
  launch(kScan, {&out, &in}, {dim, static_cast<int64_t>(kind)});
}

void sort(const Tensor& values, const Tensor& indices, const Tensor& in, int64_t dim,
          bool descending) {
  if (values.numel() == 0) return;
  launch(kSort, {&values, &indices, &in}, {dim, descending ? 1 : 0}, {}, 2);
}

int64_t nonzero_count(const Tensor& in) {
  if (in.numel() == 0) return 0;
  const Tensor count = empty({}, TensorOptions(DType::kInt64, in.device()));
  launch(kNonzeroCount, {&count, &in});
  return count.item<int64_t>();
}

void nonzero(const Tensor& out, const Tensor& in) {
  if (out.numel() == 0) return;
  launch(kNonzero, {&out, &in});
}

void random(const Tensor& out, uint32_t kind, uint64_t seed, uint64_t offset) {
  if (out.numel() == 0) return;
  launch(kRandom, {&out}, {static_cast<int64_t>(kind)}, {seed, offset});
}

}  // namespace tenon::primitive
