// Non-pointwise calls: record hook → infer → plugin kernel → decompose → error.
#include <optional>

#include <tenon/runtime/dispatch/kernel_call.h>
#include <tenon/runtime/dispatch/operator.h>
#include <tenon/runtime/dispatch/recorded_call_internal.h>
#include <tenon/runtime/ops/copy.h>

namespace tenon {
namespace {

bool wants_gradient(const OpCall& call) {
  if (!recording_enabled() || call.op.has(kNoGradient)) return false;
  for (const Tensor* input : call.inputs)
    if (input->defined() && input->impl()->in_graph()) return true;
  return false;
}

// The one device of all tensors of a call. Errors: Device.
DeviceContext& device_of(const OpCall& call) {
  DeviceContext* context = nullptr;
  const auto visit_tensor = [&](const Tensor& tensor) {
    if (!tensor.defined()) return;
    DeviceContext& own = tensor.impl()->storage->context();
    if (context == nullptr) context = &own;
    check(context == &own, ErrorCode::kDevice, call.op.name(),
          "all tensors must be on one device, got ", context->device(), " and ", own.device(),
          "; move one with .to(device)");
  };
  for (const Tensor* input : call.inputs) visit_tensor(*input);
  for (const Tensor& output : call.outputs) visit_tensor(output);
  check(context != nullptr, ErrorCode::kInvalidArgument, call.op.name(),
        "at least one tensor was expected");
  return *context;
}

void add_operands(KernelCall& kernel, const OpCall& call) {
  kernel.attributes = call.attributes;
  for (const Tensor& output : call.outputs) kernel.add(*output.impl());
  kernel.output_count = kernel.operand_count;
  for (const Tensor* input : call.inputs)
    if (input->defined()) kernel.add(*input->impl());
}

// False when the plugin can't serve these sizes after all (nothing was queued) and the op can be
// composed instead.
bool launch(const KernelCall& kernel, const PreparedKernel& prepared, const OpCall& call) {
  constexpr size_t kSlots = 8;
  uint64_t slots[kSlots];
  for (size_t i = 0; i < call.scalars.size() && i < kSlots; ++i)
    slots[i] = call.scalars[i].slot(call.scalars[i].dtype());
  const tn_status status =
      kernel.context.try_launch(prepared.kernel, kernel.op, kernel.operands, slots);
  if (status == TN_UNSUPPORTED && call.op.spec().decompose != nullptr) [[unlikely]] {
    (void)take_plugin_error();
    return false;
  }
  if (status != TN_OK) [[unlikely]]
    kernel.context.check_status(status, call.op.name());
  return true;
}

// With support CONTIGUOUS operands are copied first.
bool run_on_copies(DeviceContext& context, OpCall& call) {
  std::vector<Tensor> copies;
  std::vector<const Tensor*> inputs;
  copies.reserve(call.inputs.size());
  for (const Tensor* input : call.inputs) {
    if (input->defined())
      copies.push_back(contiguous(*input));
    else
      copies.emplace_back();
    inputs.push_back(&copies.back());
  }
  const OpCall dense{.op = call.op,
                     .inputs = inputs,
                     .attributes = call.attributes,
                     .scalars = call.scalars,
                     .outputs = call.outputs};
  KernelCall kernel(context, call.op);
  add_operands(kernel, dense);
  const PreparedKernel& ready = find_kernel(kernel);
  return ready.support == TN_ANSWER_NATIVE && launch(kernel, ready, call);
}

// The plugin's kernel, if it has one; `refused` tells why not.
bool run_kernel(DeviceContext& context, OpCall& call, std::string_view& refused) {
  KernelCall kernel(context, call.op);
  add_operands(kernel, call);
  const PreparedKernel& prepared = find_kernel(kernel);
  refused = prepared.reason;  // the cache keeps it for ever
  if (prepared.support == TN_ANSWER_NATIVE) return launch(kernel, prepared, call);
  return prepared.support == TN_ANSWER_CONTIGUOUS && run_on_copies(context, call);
}

bool all_empty(std::span<const Tensor> outputs) {
  for (const Tensor& output : outputs)
    if (output.numel() != 0) return false;
  return true;
}

void run(OpCall& call) {
  const Op::Spec& spec = call.op.spec();
  if (spec.infer != nullptr) spec.infer(call);
  if (!call.outputs.empty() && all_empty(call.outputs)) return;
  DeviceContext& context = device_of(call);
  context.require_compute();
  std::string_view reason;
  // A long list of tensors (cat) is always composed.
  const bool fits = call.outputs.size() + call.inputs.size() <= kMaxOperands;
  if (fits && run_kernel(context, call, reason)) return;
  if (spec.decompose != nullptr) return spec.decompose(call);
  fail(ErrorCode::kUnsupported, call.op.name(), context.device(), " has no kernel for ",
       call.inputs.empty() ? Tensor() : *call.inputs[0], ": ", reason,
       "; use another dtype, or .to(device) to one that has it");
}

}  // namespace

void dispatch(OpCall& call) {
  if (!wants_gradient(call)) [[likely]] {
    const RecordingScope off(false);  // compositions inside need no history
    return run(call);
  }
  RecordedCall recorded(call);
  {
    const RecordingScope off(false);
    run(call);
  }
  recorded.record();
}

Tensor call_op(const Op& op, std::initializer_list<const Tensor*> inputs,
               std::span<const int64_t> attributes, std::initializer_list<Scalar> scalars) {
  Tensor output;
  OpCall call{.op = op,
              .inputs = {inputs.begin(), inputs.size()},
              .attributes = attributes,
              .scalars = {scalars.begin(), scalars.size()},
              .outputs = {&output, 1}};
  dispatch(call);
  return output;
}

Tensor call_op(const Op& op, std::initializer_list<const Tensor*> inputs,
               std::initializer_list<int64_t> attributes, std::initializer_list<Scalar> scalars) {
  return call_op(op, inputs, std::span<const int64_t>(attributes.begin(), attributes.size()),
                 scalars);
}

void write_in_place(OpCall& call, void (*write)(OpCall&)) {
  check_writable(call.outputs[0], call.op.name());
  std::optional<RecordedCall> recorded;
  if (recording_enabled() && !call.op.has(kNoGradient) &&
      (wants_gradient(call) || call.outputs[0].impl()->in_graph()))
    recorded.emplace(call);
  {
    const RecordingScope off(false);
    const VersionBump bump(call.outputs[0].impl()->storage.get());
    write(call);
  }
  if (recorded) recorded->record();
}

Tensor make_view(const Op& op, const Tensor& self, const Shape& sizes, const Shape& strides,
                 int64_t offset, std::span<const int64_t> attributes) {
  if (!self.defined()) [[unlikely]]
    (void)self.dim();  // throws
  TensorImpl& from = *self.impl();
  Ref<TensorImpl> impl = TensorImpl::make();
  impl->storage = from.storage;
  impl->set_geometry(sizes, strides, offset, from.dtype(), op.name());
  const bool in_graph = from.in_graph();
  const bool recorded = in_graph && recording_enabled();
  if (recorded || !in_graph) impl->base = Ref<TensorImpl>(from.base ? from.base.get() : &from);
  Tensor view(std::move(impl));
  if (recorded) {
    const Tensor* inputs[] = {&self};
    record_hooks().record(
        {.op = op, .inputs = inputs, .attributes = attributes, .outputs = {&view, 1}});
  }
  return view;
}

}  // namespace tenon
