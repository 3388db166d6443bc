#include <tenon/runtime/dispatch/kernel_call.h>

#include <tenon/runtime/layers/naming_internal.h>
#include <tenon/runtime/loader/call_slot_internal.h>

namespace tenon {
namespace {

struct Signature {
  uint64_t classes[kMaxOperands];
  tn_signature signature{};

  explicit Signature(const KernelCall& call) {
    const std::string_view name =
        call.program != nullptr ? std::string_view(TN_OP_PROGRAM) : call.op.kernel();
    for (uint32_t i = 0; i < call.operand_count; ++i) classes[i] = call.classes[i];
    signature.struct_size = sizeof signature;
    signature.flags = call.flags;
    signature.op = name.data();
    signature.op_size = name.size();
    signature.op_version = 1;
    signature.output_count = call.output_count;
    signature.operand_count = call.operand_count;
    signature.attribute_count = static_cast<uint32_t>(call.attributes.size());
    signature.classes = classes;
    signature.operands = call.operands;
    signature.attributes = call.attributes.data();
    signature.program = call.program;
  }
};

tn_answer query(const KernelCall& call, const Signature& signature) {
  tn_answer answer{};
  answer.struct_size = sizeof answer;
  DeviceContext& context = call.context;
  const Plugin& plugin = context.plugin();
  const tn_status status = call_slot(plugin, "query", [&] {
    return plugin.ops.query(context.handle(), &signature.signature, &answer);
  });
  answer.reason[sizeof answer.reason - 1] = 0;
  if (status == TN_UNSUPPORTED || status == TN_UNIMPLEMENTED) {
    const std::string text = take_plugin_error();
    answer.support = TN_ANSWER_NO;
    if (answer.reason[0] == 0) text.copy(answer.reason, sizeof answer.reason - 1);
  } else {
    context.check_status(status, call.op.name());
  }
  return answer;
}

void push_key(CacheKey& key, const KernelCall& call, bool with_shapes) {
  key.push(uint64_t{call.context.id()} | uint64_t{call.flags} << 16 |
           uint64_t{call.output_count} << 32 | uint64_t{call.operand_count} << 40 |
           uint64_t{with_shapes} << 48);
  uint32_t i = 0;
  for (; i + 1 < call.operand_count; i += 2)
    key.push(call.classes[i] | uint64_t{call.classes[i + 1]} << 32);
  if (i < call.operand_count) key.push(call.classes[i]);
  for (const int64_t attribute : call.attributes) key.push(static_cast<uint64_t>(attribute));
  if (!with_shapes) return;
  for (i = 0; i < call.operand_count; ++i) {
    for (uint32_t d = 0; d < call.operands[i]->rank; ++d) {
      key.push(static_cast<uint64_t>(call.operands[i]->shape[d]));
      key.push(static_cast<uint64_t>(call.operands[i]->strides[d]));
    }
  }
}

}  // namespace

void KernelCall::fail_count() const {
  fail(ErrorCode::kInvalidArgument, op.name(), "at most ", kMaxOperands, " operands are supported");
}

std::unique_ptr<PreparedKernel> prepare_kernel(const KernelCall& call) {
  const Signature signature(call);
  const tn_answer answer = query(call, signature);
  auto prepared = std::make_unique<PreparedKernel>();
  prepared->support = answer.support;
  prepared->per_shape = (answer.flags & TN_ANSWER_PER_SHAPE) != 0;
  prepared->reason = answer.reason;
  if (answer.support != TN_ANSWER_NATIVE) return prepared;
  DeviceContext& context = call.context;
  prepared->release = context.plugin().ops.kernel_release;
  const layers::PreparingOp preparing(call.op.name(), call.op);
  const Plugin& plugin = context.plugin();
  context.check_status(call_slot(plugin, "prepare",
                                 [&] {
                                   return plugin.ops.prepare(context.handle(), &signature.signature,
                                                             &prepared->kernel);
                                 }),
                       call.op.name());
  check(prepared->kernel != nullptr, ErrorCode::kInternal, call.op.name(), "plugin ", plugin.name,
        " answered OK without a kernel");
  return prepared;
}

tn_answer query_kernel(const KernelCall& call) { return query(call, Signature(call)); }

const PreparedKernel& find_kernel(const KernelCall& call) {
  CacheKey key;
  push_key(key, call, false);
  KernelCache& cache = call.op.cache();
  auto* entry = static_cast<PreparedKernel*>(cache.find(key));
  if (entry == nullptr)
    entry = static_cast<PreparedKernel*>(cache.insert(key, prepare_kernel(call)));
  if (!entry->per_shape) return *entry;
  CacheKey shaped;
  push_key(shaped, call, true);
  auto* exact = static_cast<PreparedKernel*>(cache.find(shaped));
  if (exact == nullptr)
    exact = static_cast<PreparedKernel*>(cache.insert(shaped, prepare_kernel(call)));
  return *exact;
}

}  // namespace tenon
