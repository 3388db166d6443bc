// New tensors.
#include <tenon/runtime/ops/creation.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>

#include <tenon/runtime/device_context.h>
#include <tenon/runtime/dispatch/op_list.h>
#include <tenon/runtime/dispatch/primitives.h>
#include <tenon/runtime/dispatch/program_builder.h>
#include <tenon/runtime/dispatch/record_hooks.h>
#include <tenon/runtime/ops/copy.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/indexing.h>

namespace tenon {
namespace {

constexpr Op::Spec factory(const char* name, const char* schema, const char* doc, Boxed boxed) {
  return {.name = name,
          .schema = schema,
          .doc = doc,
          .flags = kComposite | kNoGradient,
          .boxed = boxed};
}

constinit const Op kEmpty{factory("empty",
                                  "empty(int[] sizes, *, dtype=None, device=None) -> Tensor",
                                  R"(An uninitialised tensor: any bits, NaN included.
Errors: InvalidArgument on negative or overflowing sizes, OutOfMemory. Source: torch.empty.)",
                                  &box<&empty>)};
constinit const Op kZeros{factory("zeros",
                                  "zeros(int[] sizes, *, dtype=None, device=None) -> Tensor",
                                  "0 everywhere. Source: torch.zeros.", &box<&zeros>)};
constinit const Op kOnes{factory("ones", "ones(int[] sizes, *, dtype=None, device=None) -> Tensor",
                                 "1 everywhere. Source: torch.ones.", &box<&ones>)};
constinit const Op kFull{
    factory("full", "full(int[] sizes, Scalar value, *, dtype=None, device=None) -> Tensor",
            R"(value everywhere. Dtypes: default that of value (integers int64, bool bool).
Source: torch.full.)",
            &box<&full>)};
constinit const Op kEmptyLike{
    factory("empty_like", "empty_like(Tensor self, *, dtype=None, device=None) -> Tensor",
            "An uninitialised tensor of self's shape, dtype and device.", &box<&empty_like>)};
constinit const Op kZerosLike{
    factory("zeros_like", "zeros_like(Tensor self, *, dtype=None, device=None) -> Tensor",
            "0 everywhere, in self's shape, dtype and device.", &box<&zeros_like>)};
constinit const Op kOnesLike{
    factory("ones_like", "ones_like(Tensor self, *, dtype=None, device=None) -> Tensor",
            "1 everywhere, in self's shape, dtype and device.", &box<&ones_like>)};
constinit const Op kFullLike{factory(
    "full_like", "full_like(Tensor self, Scalar value, *, dtype=None, device=None) -> Tensor",
    "value everywhere, in self's shape, dtype and device.", &box<&full_like>)};

Tensor arange_range(Scalar start, Scalar end, Scalar step, const TensorOptions& options) {
  return arange(start, end, step, options);
}
constinit const Op kArange{factory(
    "arange", "arange(Scalar start, Scalar end, Scalar step, *, dtype=None, device=None) -> Tensor",
    R"(out[i] = start + i·step for i < ceil((end − start) / step).
Dtypes: int64 when all three are integers, else the default float.
Errors: InvalidArgument when step is 0 or leads away from end, or a bound is not finite.
Source: torch.arange.)",
    &box<&arange_range>)};
Tensor linspace_boxed(Scalar start, Scalar end, int64_t steps, const TensorOptions& options) {
  return linspace(start, end, steps, options);
}
Tensor logspace_boxed(Scalar start, Scalar end, int64_t steps, std::optional<double> base,
                      const TensorOptions& options) {
  return logspace(start, end, steps, base.value_or(10), options);
}
Tensor tril_indices_boxed(int64_t rows, int64_t columns, std::optional<int64_t> offset,
                          const TensorOptions& options) {
  return tril_indices(rows, columns, offset.value_or(0), options);
}
Tensor triu_indices_boxed(int64_t rows, int64_t columns, std::optional<int64_t> offset,
                          const TensorOptions& options) {
  return triu_indices(rows, columns, offset.value_or(0), options);
}
constinit const Op kLinspace{factory(
    "linspace",
    "linspace(Scalar start, Scalar end, int steps, *, dtype=None, device=None) -> Tensor",
    R"(steps numbers from start to end, both included, evenly: start + i·step in the first half and
end − (steps − 1 − i)·step in the second, step = (end − start) / (steps − 1).
Shapes: (steps). Dtypes: numbers, default float; integers are cut off.
Errors: InvalidArgument for steps < 0; DType for bool. Source: torch.linspace.)",
    &box<&linspace_boxed>)};
constinit const Op kLogspace{factory(
    "logspace",
    "logspace(Scalar start, Scalar end, int steps, float base=10, *, dtype=None, device=None) -> "
    "Tensor",
    R"(base to the power of linspace(start, end, steps).
Shapes, dtypes, errors: as linspace. Source: torch.logspace.)",
    &box<&logspace_boxed>)};
constinit const Op kTrilIndices{factory(
    "tril_indices",
    "tril_indices(int row, int col, int offset=0, *, dtype=int64, device=None) -> Tensor",
    R"(Row and column numbers of the lower triangle of (row, col), column − row ≤ offset, by rows.
Shapes: (2, n). Dtypes: default int64. Errors: InvalidArgument for a negative size.
Source: torch.tril_indices.)",
    &box<&tril_indices_boxed>)};
constinit const Op kTriuIndices{factory(
    "triu_indices",
    "triu_indices(int row, int col, int offset=0, *, dtype=int64, device=None) -> Tensor",
    R"(Row and column numbers of the upper triangle of (row, col), column − row ≥ offset, by rows.
Shapes: (2, n). Dtypes: default int64. Errors: InvalidArgument for a negative size.
Source: torch.triu_indices.)",
    &box<&triu_indices_boxed>)};
constinit const Op kEye{factory("eye", "eye(int n, int m, *, dtype=None, device=None) -> Tensor",
                                "1 on the main diagonal of (n, m), else 0; m = −1 means n. "
                                "Source: torch.eye.",
                                &box<&eye>)};
constinit const Op kScalarTensor{
    factory("scalar_tensor", "scalar_tensor(Scalar value, *, dtype=None, device=None) -> Tensor",
            "A 0-dim tensor. Source: torch.scalar_tensor.", &box<&scalar_tensor>)};

// out[i] = start + i·step, as a program over the element's number.
constinit const Op kRamp{{
    .name = "ramp",
    .schema = "",
    .doc = "start + index·step; the program behind arange.",
    .flags = kPrimitive | kNoGradient,
    .promotion = Promotion::kCommon,
    .emit =
        [](ProgramBuilder& p) {
          const uint32_t index = p.cast(p.emit(TN_PROGRAM_INDEX, DType::kInt64, {}), p.dtype());
          const uint32_t first = p.scalar(0);
          return p.op(TN_PROGRAM_ADD, first, p.op(TN_PROGRAM_MUL, index, p.scalar(1)));
        },
}};

// start, end, step, half, last → linspace at the element's number.
constinit const Op kEven{{
    .name = "even",
    .schema = "",
    .doc = "The program behind linspace.",
    .flags = kPrimitive | kNoGradient,
    .promotion = Promotion::kCommon,
    .emit =
        [](ProgramBuilder& p) {
          const uint32_t number = p.emit(TN_PROGRAM_INDEX, DType::kInt64, {});
          const uint32_t index = p.cast(number, p.dtype());
          const uint32_t step = p.scalar(2);
          const uint32_t left =
              p.op(TN_PROGRAM_ADD, p.scalar(0), p.op(TN_PROGRAM_MUL, index, step));
          const uint32_t rest = p.op(TN_PROGRAM_SUB, p.scalar(4), index);
          const uint32_t right =
              p.op(TN_PROGRAM_SUB, p.scalar(1), p.op(TN_PROGRAM_MUL, rest, step));
          const uint32_t first = p.emit(TN_PROGRAM_LT, p.dtype(), {index, p.scalar(3)});
          return p.op(TN_PROGRAM_WHERE, first, left, right);
        },
}};

// The widest float that the device offers; results are rounded once from it.
DType widest_float(const Tensor& on) {
  return on.impl()->storage->context().computes(kFloat64) ? kFloat64 : kFloat32;
}

// linspace in the widest float.
Tensor even_numbers(std::string_view op, const Scalar& start, const Scalar& end, int64_t steps,
                    const TensorOptions& options) {
  const double from = start.to_double(), to = end.to_double();
  check(steps >= 0, ErrorCode::kInvalidArgument, op, "steps must be at least 0, got ", steps);
  check(options.dtype() != kBool, ErrorCode::kDType, op, "bool is no dtype for it, got ",
        options.dtype(), "; use a number's");
  check(std::isfinite(from) && std::isfinite(to), ErrorCode::kInvalidArgument, op,
        "finite bounds were expected, got ", start, " and ", end);
  const Tensor on = empty({0}, options);
  Tensor result = empty({steps}, options.dtype(widest_float(on)));
  const double step = steps > 1 ? (to - from) / static_cast<double>(steps - 1) : 0;
  const int64_t half = steps == 1 ? 1 : steps / 2;
  pointwise_(kEven, result, {},
             {from, to, step, static_cast<double>(half), static_cast<double>(steps - 1)});
  return result;
}

Tensor triangle_indices(std::string_view op, int64_t rows, int64_t columns, int64_t offset,
                        bool lower, const TensorOptions& options) {
  check(rows >= 0 && columns >= 0, ErrorCode::kInvalidArgument, op, "sizes must be >= 0, got ",
        rows, " and ", columns);
  const TensorOptions whole(kInt64, options.device());
  const Tensor away = sub(arange(columns, whole), arange(rows, whole).unsqueeze(1));
  const Tensor inside = lower ? le(away, offset) : ge(away, offset);
  return nonzero(inside).t().contiguous().to(options.dtype_or(kInt64));
}

// How many numbers arange has.
int64_t count_of(const Scalar& start, const Scalar& end, const Scalar& step) {
  if (!start.is_double() && !end.is_double() && !step.is_double()) {
    const int64_t length = checked_sub(end.to_int64(), start.to_int64(), "arange");
    const int64_t by = step.to_int64();
    return length / by + (length % by != 0 ? 1 : 0);
  }
  const double count = std::ceil((end.to_double() - start.to_double()) / step.to_double());
  check(count < 9.0e18, ErrorCode::kInvalidArgument, "arange", "too many elements: ", count);
  return static_cast<int64_t>(count);
}

std::atomic<bool> fills_uninitialized{false};

// What nobody writes by intention: NaN, the largest integer, true.
Scalar conspicuous(DType dtype) {
  if (is_floating_point(dtype)) return std::numeric_limits<double>::quiet_NaN();
  if (dtype == kBool) return true;
  const int64_t bits = 8 * size_bytes(dtype) - (dtype == kUInt8 ? 0 : 1);
  return static_cast<int64_t>((uint64_t{1} << bits) - 1);
}

DType dtype_for(const Scalar& value, const TensorOptions& options) {
  return options.dtype_or(value.is_double() ? default_dtype() : value.dtype());
}

}  // namespace

void set_fill_uninitialized_memory(bool enabled) noexcept {
  fills_uninitialized.store(enabled, std::memory_order_relaxed);
}

Tensor empty(const Shape& sizes, const TensorOptions& options) {
  Tensor result(make_dense(DeviceContext::get(options.device()), sizes, options.dtype()));
  if (fills_uninitialized.load(std::memory_order_relaxed)) [[unlikely]]
    fill_(result, conspicuous(options.dtype()));
  return result;
}

Tensor full(const Shape& sizes, Scalar value, const TensorOptions& options) {
  Tensor result = empty(sizes, options.dtype(dtype_for(value, options)));
  return fill_(result, value);
}

Tensor zeros(const Shape& sizes, const TensorOptions& options) {
  return full(sizes, 0, options.dtype(options.dtype()));
}
Tensor ones(const Shape& sizes, const TensorOptions& options) {
  return full(sizes, 1, options.dtype(options.dtype()));
}
Tensor empty_like(const Tensor& self, const TensorOptions& options) {
  return empty(self.sizes(),
               TensorOptions(options.dtype_or(self.dtype()), options.device_or(self.device())));
}
Tensor full_like(const Tensor& self, Scalar value, const TensorOptions& options) {
  Tensor result = empty_like(self, options);
  return fill_(result, value);
}
Tensor zeros_like(const Tensor& self, const TensorOptions& options) {
  return full_like(self, 0, options);
}
Tensor ones_like(const Tensor& self, const TensorOptions& options) {
  return full_like(self, 1, options);
}

Tensor arange(Scalar start, Scalar end, Scalar step, const TensorOptions& options) {
  const double from = start.to_double(), to = end.to_double(), by = step.to_double();
  check(std::isfinite(from) && std::isfinite(to) && std::isfinite(by), ErrorCode::kInvalidArgument,
        "arange", "finite bounds were expected, got ", start, ", ", end, ", ", step);
  check(by != 0, ErrorCode::kInvalidArgument, "arange", "step must not be 0");
  check((by > 0) == (to >= from) || to == from, ErrorCode::kInvalidArgument, "arange", "the step ",
        step, " leads away from ", end, "; change its sign");
  const bool integers = !start.is_double() && !end.is_double() && !step.is_double();
  const DType dtype = options.dtype_or(integers ? kInt64 : default_dtype());
  check(dtype != kBool, ErrorCode::kDType, "arange", "bool is no dtype for it, got ", dtype,
        "; use a number's");
  Tensor result = empty({count_of(start, end, step)}, options.dtype(dtype));
  // Floats are computed in the widest type that the device offers, then rounded once.
  const RecordingScope off(false);
  const bool wide = is_floating_point(dtype) && dtype != kFloat64 &&
                    result.impl()->storage->context().computes(kFloat64);
  Tensor ramp = wide ? empty(result.sizes(), TensorOptions(kFloat64, result.device())) : result;
  if (is_floating_point(dtype))
    pointwise_(kRamp, ramp, {}, {start, step});
  else  // as PyTorch: fractions are cut off start and step, not off each number
    pointwise_(kRamp, ramp, {}, {start.to_int64(), step.to_int64()});
  return wide ? copy_(result, ramp) : result;
}

Tensor arange(Scalar end, const TensorOptions& options) {
  return arange(end.is_double() ? Scalar(0.0) : Scalar(0), end, 1, options);
}

Tensor linspace(Scalar start, Scalar end, int64_t steps, const TensorOptions& options) {
  const RecordingScope off(false);
  return even_numbers("linspace", start, end, steps, options).to(options.dtype());
}

Tensor logspace(Scalar start, Scalar end, int64_t steps, double base,
                const TensorOptions& options) {
  const RecordingScope off(false);
  return pow(base, even_numbers("logspace", start, end, steps, options)).to(options.dtype());
}

Tensor tril_indices(int64_t rows, int64_t columns, int64_t offset, const TensorOptions& options) {
  return triangle_indices("tril_indices", rows, columns, offset, true, options);
}

Tensor triu_indices(int64_t rows, int64_t columns, int64_t offset, const TensorOptions& options) {
  return triangle_indices("triu_indices", rows, columns, offset, false, options);
}

Tensor eye(int64_t n, int64_t m, const TensorOptions& options) {
  check(n >= 0 && m >= -1, ErrorCode::kInvalidArgument, "eye",
        "sizes must be >= 0 (or -1, a square), got ", n, " and ", m);
  if (m < 0) m = n;
  Tensor result = zeros({n, m}, options);
  const int64_t length = std::min(n, m);
  if (length > 0) {
    Tensor diagonal = result.as_strided({length}, {m + 1}, 0);
    fill_(diagonal, 1);
  }
  return result;
}

Tensor scalar_tensor(Scalar value, const TensorOptions& options) {
  return full({}, value, options.dtype(options.dtype()));
}

Tensor tensor_from_host(const void* values, DType dtype, const Shape& sizes,
                        const TensorOptions& options) {
  const int64_t bytes = checked_mul(sizes.numel(), size_bytes(dtype), "tensor");
  const DType target = options.dtype_or(dtype);
  const Tensor host = empty(sizes, TensorOptions(target, Device()));
  if (target == dtype) {
    if (bytes > 0) std::memcpy(host.data_ptr(), values, static_cast<size_t>(bytes));
  } else {  // converted here, so that data needs no plugin
    visit(dtype, [&]<class S>(S) {
      visit(target, [&]<class T>(T) {
        const S* from = static_cast<const S*>(values);
        T* to = static_cast<T*>(host.data_ptr());
        for (int64_t i = 0; i < host.numel(); ++i) {
          if constexpr (std::is_same_v<S, Half> || std::is_same_v<S, BFloat16>)
            to[i] = Scalar(static_cast<float>(from[i])).to<T>();
          else
            to[i] = Scalar(from[i]).to<T>();
        }
      });
    });
  }
  return host.to(options.device());
}

Tensor from_blob(void* data, const Shape& sizes, DType dtype, std::function<void()> release,
                 std::optional<Shape> strides) {
  check(data != nullptr || sizes.numel() == 0, ErrorCode::kInvalidArgument, "from_blob",
        "a pointer to ", sizes.numel(), " elements was expected, got null");
  const Shape steps = strides ? *strides : contiguous_strides(sizes);
  check(steps.rank() == sizes.rank(), ErrorCode::kInvalidArgument, "from_blob", "sizes ", sizes,
        " and strides ", steps, " must have one length");
  int64_t last = 0;
  for (int64_t d = 0; d < sizes.rank(); ++d) {
    check(steps[d] >= 0, ErrorCode::kInvalidArgument, "from_blob",
          "negative strides are not supported, got ", steps, "; copy the data first");
    if (sizes[d] > 0)
      last = checked_add(last, checked_mul(sizes[d] - 1, steps[d], "from_blob"), "from_blob");
  }
  const int64_t bytes = sizes.numel() == 0 ? 0
                                           : checked_mul(checked_add(last, 1, "from_blob"),
                                                         size_bytes(dtype), "from_blob");
  Ref<TensorImpl> impl = TensorImpl::make();
  impl->storage = Storage::adopt(data, static_cast<uint64_t>(bytes), std::move(release));
  impl->set_geometry(sizes, steps, 0, dtype, "from_blob");
  return Tensor(std::move(impl));
}

void register_creation_ops(OpList& list) {
  for (const Op* op :
       {&kEmpty, &kZeros, &kOnes, &kFull, &kEmptyLike, &kZerosLike, &kOnesLike, &kFullLike,
        &kArange, &kLinspace, &kLogspace, &kTrilIndices, &kTriuIndices, &kEye, &kScalarTensor})
    list.add(*op);
}

}  // namespace tenon
