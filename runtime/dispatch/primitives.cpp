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

// `out` is the first output, for messages.
void launch(KernelCall& call, const Tensor& out, const uint64_t* scalars) {
  const PreparedKernel& prepared = find_kernel(call);
  if (prepared.support != TN_ANSWER_NATIVE) [[unlikely]]
    fail(ErrorCode::kUnsupported, call.op.name(), call.context.device(), " can't do it for ", out,
         ": ", prepared.reason, "; use another dtype, or .to(device) to one that can");
  call.context.launch(prepared.kernel, call.op, call.operands, scalars);
}

DeviceContext& open_device(const Tensor& out) {
  DeviceContext& context = out.impl()->storage->context();
  context.require_compute();
  return context;
}

void launch(const Op& op, std::initializer_list<const Tensor*> operands,
            std::initializer_list<int64_t> attributes = {},
            std::initializer_list<uint64_t> scalars = {}, uint32_t outputs = 1) {
  const Tensor& out = **operands.begin();
  KernelCall call(open_device(out), op);
  call.output_count = outputs;
  call.attributes = {attributes.begin(), attributes.size()};
  for (const Tensor* operand : operands) call.add(*operand->impl());
  launch(call, out, scalars.begin());
}

// `kept` with the reduced dimensions of a tensor of `rank` put back, as 1.
tn_tensor with_reduced(const tn_tensor& kept, uint32_t rank, uint32_t dims) {
  if (kept.rank == rank) return kept;
  tn_tensor desc = kept;
  desc.rank = rank;
  int64_t step = 1;
  uint32_t from = kept.rank;
  for (uint32_t d = rank; d-- > 0;) {
    const bool reduced = (dims >> d & 1u) != 0;
    if (!reduced) --from;
    desc.shape[d] = reduced ? 1 : kept.shape[from];
    desc.strides[d] = reduced ? step : kept.strides[from];
    step = desc.shape[d] * desc.strides[d];
  }
  return desc;
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
  KernelCall call(open_device(out), kReduce);
  const int64_t attributes[] = {static_cast<int64_t>(kind), static_cast<int64_t>(dims)};
  call.attributes = attributes;
  call.output_count = 1;
  TensorImpl &target = *out.impl(), &source = *in.impl();
  const bool is_number = source.desc.rank == 0;  // to the plugin a vector of one element
  const tn_tensor from = is_number ? with_reduced(*source.operand(), 1, 1) : tn_tensor{};
  const tn_tensor to = with_reduced(*target.operand(), is_number ? 1 : source.desc.rank, dims);
  call.add(to, target);
  if (is_number)
    call.add(from, source);
  else
    call.add(source);
  launch(call, out, nullptr);
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
