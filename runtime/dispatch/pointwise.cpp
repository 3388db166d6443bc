// Pointwise calls: promotion, broadcasting, overlap, then one cached program.
#include <algorithm>
#include <array>
#include <mutex>
#include <utility>

#include <tenon/runtime/dispatch/geometry.h>
#include <tenon/runtime/dispatch/pointwise_flat_internal.h>
#include <tenon/runtime/dispatch/recorded_call_internal.h>
#include <tenon/runtime/ops/copy.h>

namespace tenon {
namespace {

struct PointwiseTypes {
  DType compute, result;
};

// A call on the general way. Arrays start unset: only what is counted is read.
struct GeneralCall : PointwiseCall {
  DeviceContext* context = nullptr;
  PointwiseTypes types{};
  DType out_dtype{};
  size_t tensor_count = 0;
  size_t scalar_count = 0;
  TensorImpl* tensors[kMaxArguments];   // inputs that reach the kernel
  bool is_tensor[kMaxArguments];        // per operand
  const Scalar* scalars[kMaxScalars];   // scalar operands, then extras
  std::vector<Scalar> numbers;          // what 0-dim tensors of the host hold
  std::vector<Ref<TensorImpl>> copies;  // inputs replaced because they overlap the output

  explicit GeneralCall(const PointwiseCall& call) : PointwiseCall(call) {}
};

// ---- promotion ----

// PyTorch's result_type: tensors with dimensions decide within their category; 0-dim tensors and
// then host numbers only lift the category.
class DTypeState {
 public:
  void add(const Operand& operand) {
    if (!operand.is_tensor()) {
      const DType own = operand.scalar().is_double() ? default_dtype() : operand.scalar().dtype();
      return merge(wrapped_, own);
    }
    const TensorImpl& impl = *operand.tensor().impl();
    merge(impl.desc.rank == 0 ? zero_dim_ : dim_, impl.dtype());
  }
  [[nodiscard]] DType result() const { return combine(dim_, combine(zero_dim_, wrapped_)); }

 private:
  static constexpr DType kNone{};
  static void merge(DType& into, DType dtype) {
    into = into == kNone ? dtype : tenon::promote(into, dtype);
  }
  static DType combine(DType higher, DType lower) {
    if (higher == kNone) return lower;
    if (lower == kNone || tenon::is_floating_point(higher)) return higher;
    if (higher == DType::kBool || tenon::is_floating_point(lower)) return promote(higher, lower);
    return higher;
  }
  DType dim_ = kNone, zero_dim_ = kNone, wrapped_ = kNone;
};

PointwiseTypes find_types(const GeneralCall& call) {
  const Op& op = call.op;
  const auto operands = call.operands;

  const Promotion promotion = op.spec().promotion;
  const size_t first = promotion == Promotion::kCondition ? 1 : 0;
  DTypeState state;
  for (size_t i = first; i < operands.size(); ++i) state.add(operands[i]);
  DType common = state.result();
  if (first == 1 && operands[0].is_tensor()) {
    check(operands[0].tensor().dtype() == DType::kBool, ErrorCode::kDType, op.name(),
          "expected condition to be a boolean tensor, got ", operands[0].tensor(),
          "; compare first, e.g. x != 0");
  }
  const bool rounds = promotion == Promotion::kDivision && call.attributes[0] != 0;
  if (op.has(kNoFloat))
    check(!is_floating_point(common), ErrorCode::kDType, op.name(),
          "integers or bool are needed, got ", common, "; convert with .to(dtype) first");
  if (op.has(kFloatsOnly))
    check(is_floating_point(common), ErrorCode::kDType, op.name(),
          "a floating point dtype is needed, got ", common, "; convert with .to(dtype) first");
  if (op.has(kNoBool) || rounds)
    check(common != DType::kBool, ErrorCode::kDType, op.name(),
          "bool tensors are not supported; use logical or bitwise ops, or .to(dtype) first");
  const bool to_float =
      promotion == Promotion::kFloat || (promotion == Promotion::kDivision && !rounds);
  if (to_float && !is_floating_point(common)) common = default_dtype();
  for (const Scalar& extra : call.extras)
    if (extra.is_double() && !is_floating_point(common))
      fail(ErrorCode::kDType, op.name(), "for integral tensors the argument ", extra,
           " must not be a floating point number");
  return {common, promotion == Promotion::kCompare ? DType::kBool : common};
}

// ---- devices and sizes ----

void find_device(GeneralCall& call) {
  for (const Operand& operand : call.operands) {
    if (!operand.is_tensor()) continue;
    TensorImpl* impl = operand.tensor().impl();
    if (impl == nullptr) (void)operand.tensor().dim();  // throws: undefined
    DeviceContext& own = impl->storage->context();
    if (call.context == nullptr || (call.context->is_cpu() && !own.is_cpu())) call.context = &own;
  }
  if (call.out.defined()) call.context = &call.out.impl()->storage->context();
  check(call.context != nullptr, ErrorCode::kInvalidArgument, call.op.name(),
        "at least one operand must be a tensor; make one with tenon::scalar_tensor");
}

// Splits operands into tensors and scalars; a 0-dim tensor of the host joins any device as a
// number.
void sort_operands(GeneralCall& call) {
  for (size_t i = 0; i < call.operands.size(); ++i) {
    const Operand& operand = call.operands[i];
    if (!operand.is_tensor()) {
      call.is_tensor[i] = false;
      call.scalars[call.scalar_count++] = &operand.scalar();
      continue;
    }
    TensorImpl& impl = *operand.tensor().impl();
    DeviceContext& own = impl.storage->context();
    if (&own != call.context) [[unlikely]] {
      check(own.is_cpu() && impl.desc.rank == 0, ErrorCode::kDevice, call.op.name(),
            "all tensors must be on one device, got ", call.context->device(), " and ",
            own.device(), "; move one with .to(device)");
      call.is_tensor[i] = false;
      call.numbers.reserve(kMaxArguments);  // what lies in it stays where it is
      call.numbers.push_back(operand.tensor().item());
      call.scalars[call.scalar_count++] = &call.numbers.back();
      continue;
    }
    call.is_tensor[i] = true;
    call.tensors[call.tensor_count++] = &impl;
  }
  for (const Scalar& extra : call.extras) call.scalars[call.scalar_count++] = &extra;
}

bool same_sizes(const tn_tensor& a, const tn_tensor& b) noexcept {
  if (a.rank != b.rank) return false;
  for (uint32_t d = 0; d < a.rank; ++d)
    if (a.shape[d] != b.shape[d]) return false;
  return true;
}

Shape broadcast_sizes(const GeneralCall& call) {
  if (call.tensor_count == 0) return {};
  Shape sizes = call.tensors[0]->shape();
  for (size_t i = 1; i < call.tensor_count; ++i)
    if (!same_sizes(call.tensors[0]->desc, call.tensors[i]->desc))
      sizes = broadcast_shapes(sizes, call.tensors[i]->shape(), call.op.name());
  return sizes;
}

// Results keep the layout of inputs that all have the same dense, permuted one.
bool wants_permuted(const GeneralCall& call, const Shape& sizes) {
  if (call.tensor_count == 0 || call.tensors[0]->contiguous) return false;
  const TensorImpl& first = *call.tensors[0];
  int64_t reach = 1;
  for (uint32_t d = 0; d < first.desc.rank; ++d)
    reach += (first.desc.shape[d] - 1) * first.desc.strides[d];
  if (reach != first.numel || may_overlap_itself(first.desc) || first.numel == 0) return false;
  for (size_t i = 0; i < call.tensor_count; ++i) {
    const TensorImpl& impl = *call.tensors[i];
    if (impl.desc.rank == 0) continue;
    if (impl.shape() != sizes || impl.strides() != first.strides()) return false;
  }
  return true;
}

void make_output(GeneralCall& call, const Shape& sizes) {
  Ref<TensorImpl> impl = make_dense(*call.context, sizes, call.out_dtype);
  if (wants_permuted(call, sizes))
    impl->set_geometry(sizes, call.tensors[0]->strides(), 0, call.out_dtype, call.op.name());
  call.out = Tensor(std::move(impl));
}

void check_cast(const Op& op, DType from, DType to) {
  if (!can_cast(from, to)) [[unlikely]]
    fail(ErrorCode::kDType, op.name(), "result type ", type_word(from),
         " can't be cast to the desired output type ", type_word(to));
}

void check_output(GeneralCall& call, const Shape& sizes) {
  const TensorImpl& out = *call.out.impl();
  const bool in_place = call.form == CallForm::kInPlace;
  if (out.shape() != sizes)
    fail(ErrorCode::kInvalidArgument, call.op.name(),
         in_place ? "an in-place result must keep the shape of self, " : "out must have the shape ",
         in_place ? out.shape() : sizes, ", got ", in_place ? sizes : out.shape(),
         in_place ? "; use the op without _" : "; make it with tenon::empty of that shape");
  check_cast(call.op, call.types.result, out.dtype());
  check_writable(call.out, call.op.name());
  for (size_t i = 0; i < call.tensor_count; ++i) {
    const Overlap overlap = overlap_of(out, *call.tensors[i]);
    check(overlap != Overlap::kPartial, ErrorCode::kInvalidArgument, call.op.name(),
          "unsupported operation: some elements of the input tensor and the written-to tensor "
          "refer to a single memory location. Please clone() the tensor before performing the "
          "operation");
    if (overlap != Overlap::kPossible) continue;
    const Ref<TensorImpl> self(call.tensors[i]);
    call.copies.emplace_back(clone(Tensor(self)).impl());
    call.tensors[i] = call.copies.back().get();
  }
}

// ---- key, plan, launch ----

// Descriptors of one launch: output, then inputs, in a common iteration space.
struct Space {
  bool dense = true;
  uint32_t count = 0;
  const tn_tensor* operands[kMaxArguments + 1];
  uint32_t classes[kMaxArguments + 1];  // TN_CLASS words
  tn_tensor collapsed[kMaxArguments + 1];
  Shape sizes;  // of temporaries
};

void make_space(GeneralCall& call, Space& space, bool keep_order) {
  TensorImpl& out = *call.out.impl();
  TensorImpl* all[kMaxArguments + 1] = {&out};
  for (size_t i = 0; i < call.tensor_count; ++i) all[i + 1] = call.tensors[i];
  space.count = static_cast<uint32_t>(call.tensor_count) + 1;
  space.dense = true;
  for (uint32_t i = 0; i < space.count; ++i) {
    space.operands[i] = all[i]->operand();
    space.classes[i] = all[i]->class_word();
    space.dense = space.dense && all[i]->contiguous && same_sizes(all[i]->desc, out.desc);
  }
  if (space.dense) return;
  IterationSpace iteration(out.shape());
  for (uint32_t i = 0; i < space.count; ++i) iteration.add(all[i]->desc);
  iteration.collapse(keep_order);
  space.dense = true;
  for (uint32_t i = 0; i < space.count; ++i) {
    space.collapsed[i] = iteration.describe(all[i]->desc, i);
    space.operands[i] = &space.collapsed[i];
    space.classes[i] = KernelCall::class_word(space.collapsed[i], TN_CLASS_ALIGN(space.classes[i]));
    space.dense = space.dense &&
                  (iteration.rank == 0 || (iteration.rank == 1 && iteration.strides[i][0] == 1));
  }
}

void push_key(const GeneralCall& call, const Space& space, CacheKey& key) {
  key.push(uint64_t{call.context->id()} | uint64_t{space.dense} << 16 |
           static_cast<uint64_t>(call.types.compute) << 24 |
           static_cast<uint64_t>(call.types.result) << 32 | uint64_t{space.count} << 40 |
           static_cast<uint64_t>(call.operands.size()) << 48);
  uint64_t kinds = 0;
  for (size_t i = 0; i < call.operands.size(); ++i) kinds |= uint64_t{call.is_tensor[i]} << i;
  key.push(kinds | static_cast<uint64_t>(call.extras.size()) << 32);
  for (uint32_t i = 0; i < space.count; ++i) key.push(space.classes[i]);
  for (const int64_t attribute : call.attributes) key.push(static_cast<uint64_t>(attribute));
}

ProgramDraft draft_program(const GeneralCall& call) {
  std::vector<ProgramBuilder::Argument> arguments;
  size_t next = 0;
  for (size_t i = 0; i < call.operands.size(); ++i) {
    if (call.is_tensor[i])
      arguments.push_back({true, call.tensors[next++]->dtype()});
    else
      arguments.push_back({false, call.types.compute});
  }
  ProgramBuilder builder(arguments, static_cast<uint32_t>(call.extras.size()), call.attributes,
                         call.types.compute);
  const uint32_t value = call.op.spec().emit(builder);
  const uint32_t result = builder.cast(value, call.types.result);
  return builder.finish(result, call.out_dtype);
}

// Runs fn for every step with its operands in order: outputs, inputs.
struct Temporaries {
  std::vector<Ref<TensorImpl>> tensors;
};

void collect(const ProgramStep& step, const Space& space, const Temporaries& temporaries,
             KernelCall& kernel) {
  for (const uint32_t target : step.output_targets) {
    if (target == ProgramStep::kResult)
      kernel.add(*space.operands[0], space.classes[0]);
    else
      kernel.add(*temporaries.tensors[target]);
  }
  kernel.output_count = kernel.operand_count;
  for (const auto& source : step.inputs) {
    if (source.is_temporary)
      kernel.add(*temporaries.tensors[source.index]);
    else
      kernel.add(*space.operands[source.index + 1], space.classes[source.index + 1]);
  }
}

Temporaries make_temporaries(const GeneralCall& call, const Space& space,
                             const SplitProgram& split) {
  Temporaries result;
  const Shape sizes(std::span(space.operands[0]->shape, space.operands[0]->rank));
  for (const DType dtype : split.temporaries)
    result.tensors.push_back(make_dense(*call.context, sizes, dtype));
  return result;
}

uint32_t launch_flags(const Space& space) {
  return signature_flags() | (space.dense ? TN_SIGNATURE_DENSE : 0u);
}

std::unique_ptr<PointwisePlan> make_plan(const GeneralCall& call, const Space& space) {
  auto plan = std::make_unique<PointwisePlan>();
  ProgramDraft draft = draft_program(call);
  plan->scalars = draft.scalars;
  plan->split = split_program(draft, call.context->info(), call.op.name());
  const Temporaries temporaries = make_temporaries(call, space, plan->split);
  for (const ProgramStep& step : plan->split.steps) {
    const tn_program program = step.program();
    KernelCall kernel(*call.context, call.op);
    kernel.program = &program;
    kernel.flags = launch_flags(space);
    collect(step, space, temporaries, kernel);
    auto prepared = prepare_kernel(kernel);
    check(prepared->support == TN_ANSWER_NATIVE, ErrorCode::kUnsupported, call.op.name(),
          call.context->device(), " can't compute it in ", call.types.compute, ": ",
          prepared->reason, "; use another dtype, or .to(device) to one that can");
    plan->kernels.push_back(std::move(prepared));
  }
  return plan;
}

void execute(GeneralCall& call, const Space& space, const PointwisePlan& plan) {
  Temporaries temporaries;
  if (!plan.split.temporaries.empty()) temporaries = make_temporaries(call, space, plan.split);
  uint64_t slots[64];
  for (size_t s = 0; s < plan.split.steps.size(); ++s) {
    const ProgramStep& step = plan.split.steps[s];
    size_t used = 0;
    for (const uint32_t index : step.scalars) {
      const ScalarSource& source = plan.scalars[index];
      const Scalar& value = source.is_constant ? source.constant : *call.scalars[source.argument];
      slots[used++] = value.slot(source.dtype);
    }
    if (plan.is_simple(call.tensor_count)) {
      call.context->launch(plan.kernels[s]->kernel, call.op, space.operands, slots);
      continue;
    }
    KernelCall kernel(*call.context, call.op);
    collect(step, space, temporaries, kernel);
    call.context->launch(plan.kernels[s]->kernel, call.op, kernel.operands, slots);
  }
}

bool wants_gradient(const PointwiseCall& call, const FlatOperands& operands) {
  if (!operands.in_graph() || !recording_enabled()) return false;
  // What is written over loses its history, whatever the op.
  return !call.op.has(kNoGradient) || (call.out.defined() && call.out.impl()->in_graph());
}

void compute_generally(const PointwiseCall& asked, const FlatOperands& operands) {
  GeneralCall call(asked);
  find_device(call);
  sort_operands(call);
  call.types = find_types(call);
  call.out_dtype = call.out.defined() ? call.out.dtype() : call.types.result;
  const Shape sizes = broadcast_sizes(call);
  call.context->require_compute();
  if (call.out.defined())
    check_output(call, sizes);
  else
    make_output(call, sizes);
  Storage* const written =
      call.form == CallForm::kFunctional ? nullptr : call.out.impl()->storage.get();
  if (call.out.numel() == 0) {
    if (written != nullptr) written->bump_version();
    return;
  }
  Space space;
  make_space(call, space, false);
  CacheKey key;
  push_key(call, space, key);
  KernelCache& cache = call.op.cache();
  auto* plan = static_cast<PointwisePlan*>(cache.find(key));
  if (plan == nullptr)
    plan = static_cast<PointwisePlan*>(cache.insert(key, make_plan(call, space)));
  const VersionBump bump(written);
  execute(call, space, *plan);
  if (operands.fit()) operands.keep(call, *plan);
}

void compute(const PointwiseCall& call, const FlatOperands& operands) {
  if (operands.fit() && operands.run(call)) [[likely]]
    return;
  compute_generally(call, operands);
}

// With history: the call as the recorder sees it, scalar operands as undefined tensors.
[[gnu::noinline]] void compute_recorded(const PointwiseCall& call, const FlatOperands& operands) {
  static const Tensor& none = *new Tensor;
  const Tensor* inputs[kMaxArguments];
  std::array<Scalar, kMaxScalars> scalars;
  size_t scalar_count = 0;
  for (size_t i = 0; i < call.operands.size(); ++i) {
    inputs[i] = call.operands[i].is_tensor() ? &call.operands[i].tensor() : &none;
    if (!call.operands[i].is_tensor()) scalars[scalar_count++] = call.operands[i].scalar();
  }
  for (const Scalar& extra : call.extras) scalars[scalar_count++] = extra;
  const OpCall record{.op = call.op,
                      .inputs = {inputs, call.operands.size()},
                      .attributes = call.attributes,
                      .scalars = {scalars.data(), scalar_count},
                      .outputs = {&call.out, 1},
                      .form = call.form};
  RecordedCall recorded(record);
  {
    const RecordingScope off(false);
    compute(call, operands);
  }
  recorded.record();
}

void run(const PointwiseCall& call) {
  if (call.operands.size() > kMaxArguments ||
      call.operands.size() + call.extras.size() > kMaxScalars) [[unlikely]]
    fail(ErrorCode::kInternal, call.op.name(), "too many operands");
  const FlatOperands operands(call);
  if (wants_gradient(call, operands)) [[unlikely]]
    return compute_recorded(call, operands);
  if (operands.fit() && operands.run(call)) [[likely]]
    return;
  compute_generally(call, operands);
}

// An empty out takes the result's shape, and its memory.
void run_into_empty(const PointwiseCall& asked) {
  const Tensor& out = asked.out;
  check(!out.requires_grad() || !recording_enabled(), ErrorCode::kAutograd, asked.op.name(),
        "functions with out=... arguments don't support automatic differentiation, but one of the "
        "arguments requires grad; use the op without out=, or a NoGradGuard");
  Tensor made;
  const PointwiseCall call{asked.op,         asked.operands, asked.extras,
                           asked.attributes, CallForm::kOut, made};
  run(call);
  TensorImpl& target = *out.impl();
  check_cast(call.op, made.dtype(), target.dtype());
  check(made.device() == out.device(), ErrorCode::kDevice, call.op.name(),
        "all tensors must be on one device, got ", made.device(), " and ", out.device(),
        "; make out on that device");
  const Tensor result = made.to(target.dtype());
  target.storage = result.impl()->storage;
  target.base.reset();
  target.set_geometry(result.sizes(), result.strides(), result.storage_offset(), target.dtype(),
                      call.op.name());
}

}  // namespace

void check_writable(const Tensor& out, std::string_view op) {
  if (!out.defined()) [[unlikely]]
    (void)out.dim();  // throws
  const TensorImpl& impl = *out.impl();
  check(impl.contiguous || !may_overlap_itself(impl.desc), ErrorCode::kInvalidArgument, op,
        "unsupported operation: more than one element of the written-to tensor refers to a single "
        "memory location. Please clone() the tensor before performing the operation");
}

Tensor pointwise(const Op& op, std::initializer_list<Operand> operands,
                 std::initializer_list<Scalar> scalars, std::initializer_list<int64_t> attributes) {
  Tensor out;
  const PointwiseCall call{op,
                           {operands.begin(), operands.size()},
                           {scalars.begin(), scalars.size()},
                           {attributes.begin(), attributes.size()},
                           CallForm::kFunctional,
                           out};
  run(call);
  return out;
}

Tensor& pointwise_(const Op& op, Tensor& self, std::initializer_list<Operand> others,
                   std::initializer_list<Scalar> scalars,
                   std::initializer_list<int64_t> attributes) {
  check(others.size() < kMaxArguments, ErrorCode::kInternal, op.name(), "too many operands");
  std::array<Operand, kMaxArguments> operands{Operand(self), 0, 0, 0, 0, 0};
  std::copy(others.begin(), others.end(), operands.begin() + 1);
  const PointwiseCall call{op,
                           {operands.data(), others.size() + 1},
                           {scalars.begin(), scalars.size()},
                           {attributes.begin(), attributes.size()},
                           CallForm::kInPlace,
                           self};
  run(call);
  return self;
}

Tensor& pointwise_out(const Op& op, Tensor& out, std::initializer_list<Operand> operands,
                      std::initializer_list<Scalar> scalars,
                      std::initializer_list<int64_t> attributes) {
  check(out.defined(), ErrorCode::kInvalidArgument, op.name(),
        "out= needs a defined tensor; make it with tenon::empty");
  const PointwiseCall call{op,
                           {operands.begin(), operands.size()},
                           {scalars.begin(), scalars.size()},
                           {attributes.begin(), attributes.size()},
                           CallForm::kOut,
                           out};
  if (out.dim() == 1 && out.numel() == 0)
    run_into_empty(call);
  else
    run(call);
  return out;
}

}  // namespace tenon
