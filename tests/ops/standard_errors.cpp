// The misuse that every pointwise op must refuse, made from one plain call of a row.
#include <optional>

#include <tenon/runtime/dispatch/operator.h>
#include <tenon/runtime/ops/ops.h>

#include "ops/harness.h"
#include "ops/pointwise_rows.h"

namespace tenon::ops_test {
namespace {

using Prepare = std::function<void(std::vector<Value>&)>;

struct Plain {
  const Op& op;
  Call call;
  std::vector<size_t> arrays;  // positions of the tensors
  bool equal_sizes = true;     // of all tensors
  bool has_numbers = false;
  Array result;  // its sizes and dtype

  [[nodiscard]] size_t last() const { return arrays.back(); }
  [[nodiscard]] const Array& first_array() const { return call.array(arrays.front()); }
};

Plain plain_of(const Op& op, const Call& call) {
  Plain plain{.op = op, .call = call, .arrays = {}, .result = {}};
  for (size_t i = 0; i < call.arguments.size(); ++i) {
    plain.has_numbers |= std::holds_alternative<Scalar>(call.arguments[i]);
    if (std::holds_alternative<Array>(call.arguments[i])) plain.arrays.push_back(i);
  }
  for (const size_t i : plain.arrays)
    plain.equal_sizes &= call.array(i).sizes == plain.first_array().sizes;
  return plain;
}

// The first call of tensors with equal sizes, more than one along dimension 0.
Plain find_plain(const SampleRow& row) {
  const Op& op = *find_op(row.op);
  std::optional<Plain> fallback;
  for (const Call& call : calls_of(row, row.dtypes.front())) {
    Plain plain = plain_of(op, call);
    const Shape sizes = plain.first_array().sizes;
    if (sizes.rank() == 0 || sizes[0] < 2) continue;
    const Array result = row.expect(call)[0];
    plain.result = blank(result.sizes, result.dtype);
    if (plain.equal_sizes) return plain;
    if (!fallback) fallback.emplace(plain);
  }
  return *fallback;
}

std::vector<Argument> with(const Plain& plain, size_t i, Argument argument) {
  std::vector<Argument> arguments = plain.call.arguments;
  arguments[i] = std::move(argument);
  return arguments;
}

std::vector<Argument> all_as(const Plain& plain, DType dtype) {
  std::vector<Argument> arguments = plain.call.arguments;
  for (const size_t i : plain.arrays) arguments[i] = blank(plain.call.array(i).sizes, dtype);
  return arguments;
}

// Every row of the argument is the first one, in the same memory.
Prepare repeating_first_row(size_t argument) {
  return [argument](std::vector<Value>& values) {
    Tensor& tensor = std::get<Tensor>(values[argument]);
    tensor = tensor.narrow(0, 0, 1).expand(tensor.sizes());
  };
}

// out lies one element behind the input that it shares memory with.
Prepare overlapping(size_t input) {
  return [input](std::vector<Value>& values) {
    const Tensor plain = std::get<Tensor>(values[input]);
    const int64_t count = plain.numel();
    const Tensor memory = zeros({count + 1}, TensorOptions(plain.dtype(), plain.device()));
    values[input] = memory.narrow(0, 0, count).view(plain.sizes());
    values[0] = memory.narrow(0, 1, count).view(plain.sizes());
  };
}

void add_call_errors(const Plain& plain, std::vector<ErrorRow>& errors) {
  const std::string op = plain.op.name().data();
  errors.push_back({"no tensor", with(plain, plain.arrays.front(), std::monostate{}),
                    "defined tensor|must be a tensor"});
  errors.push_back(
      {"no operand", with(plain, plain.arrays.front(), kInt64), "argument 0 must be a tensor"});
  std::vector<Argument> many = plain.call.arguments;
  many.resize(12, Scalar(1));
  errors.push_back({"too many arguments", many, "at most [0-9]+ arguments"});
  if (plain.arrays.size() < 2) return;
  errors.push_back({"two devices", plain.call.arguments, "must be on one device",
                    on_another_device(plain.last())});
  if (plain.equal_sizes)
    errors.push_back({"sizes that do not broadcast",
                      with(plain, plain.last(), blank({13}, plain.call.array(plain.last()).dtype)),
                      "\\(13\\)"});
}

void add_dtype_errors(const Plain& plain, std::vector<ErrorRow>& errors) {
  const std::string op(plain.op.name());
  if (plain.op.has(kNoBool) && !plain.has_numbers)
    errors.push_back({"bool", all_as(plain, kBool), op + ".*bool"});
  if (plain.op.has(kFloatsOnly)) {
    errors.push_back({"integers", all_as(plain, kInt64), op + ".*floating point"});
    errors.push_back({"bool operands", all_as(plain, kBool), op + ".*floating point"});
  }
  if (plain.op.has(kNoFloat))
    errors.push_back({"floats", all_as(plain, kFloat32), op + ".*integers"});
}

// Operands whose result self can't hold.
std::optional<std::vector<Argument>> with_weak_self(const Plain& plain) {
  const Promotion promotion = plain.op.spec().promotion;
  if (plain.op.spec().emit == nullptr) return {};
  if (promotion == Promotion::kFloat || promotion == Promotion::kDivision)
    return all_as(plain, kInt64);
  const Array& self = plain.first_array();
  if (promotion != Promotion::kCommon || plain.arrays.size() < 2) return {};
  if (is_floating_point(self.dtype)) return with(plain, 0, blank(self.sizes, kInt64));
  if (plain.op.has(kNoBool)) return {};
  return with(plain, 0, blank(self.sizes, kBool));
}

void add_in_place_errors(const Plain& plain, std::vector<ErrorRow>& errors) {
  const Boxed in_place = plain.op.spec().in_place;
  if (in_place == nullptr) return;
  const auto add = [&](const char* what, std::vector<Argument> arguments, const char* message,
                       Prepare prepare = nullptr) {
    errors.push_back({std::string("in place, ") + what, std::move(arguments), message,
                      std::move(prepare),
                      [in_place](std::span<const Value> values) { (void)in_place(values); }});
  };
  const Array& self = plain.first_array();
  add("undefined", with(plain, 0, std::monostate{}), "defined tensor");
  add("self overlaps itself", plain.call.arguments, "single memory location",
      repeating_first_row(0));
  if (is_floating_point(self.dtype))
    add("leaf", plain.call.arguments, "a leaf Variable that requires grad", requiring_grad(0));
  if (plain.arrays.size() >= 2 && plain.equal_sizes)
    add("self broadcasts", with(plain, 0, blank({1}, self.dtype)), "must keep the shape of self");
  if (const auto weak = with_weak_self(plain))
    add("weak self", *weak, "can't be cast|must have one dtype|floating point a or b");
}

void add_out_errors(const Plain& plain, std::vector<ErrorRow>& errors) {
  const Boxed out = plain.op.spec().out;
  if (out == nullptr) return;
  const auto add = [&](const char* what, Argument target, const char* message,
                       Prepare prepare = nullptr) {
    std::vector<Argument> arguments = plain.call.arguments;
    arguments.insert(arguments.begin(), std::move(target));
    errors.push_back({std::string("out, ") + what, std::move(arguments), message,
                      std::move(prepare),
                      [out](std::span<const Value> values) { (void)out(values); }});
  };
  const Array& result = plain.result;
  const size_t last = plain.last() + 1;
  const DType input = plain.call.array(plain.last()).dtype;
  add("undefined", std::monostate{}, "defined tensor");
  add("sizes", blank({13}, result.dtype), "out must have the shape");
  add("another device", result, "must be on one device", on_another_device(0));
  add("empty on another device", blank({0}, result.dtype), "must be on one device",
      on_another_device(0));
  add("overlaps itself", result, "single memory location", repeating_first_row(0));
  add("requires grad", blank(result.sizes), "automatic differentiation", requiring_grad(0));
  if (is_floating_point(input) && !plain.op.has(kNoGradient))
    add("operand requires grad", result, "automatic differentiation", requiring_grad(last));
  if (input == result.dtype && plain.call.array(plain.last()).sizes == result.sizes)
    add("overlaps an operand", result, "single memory location", overlapping(last));
  if (result.dtype == kBool) return;
  const DType weaker = is_floating_point(result.dtype) ? kInt64 : kBool;
  add("dtype", blank(result.sizes, weaker), "can't be cast to the desired output type");
  add("empty and dtype", blank({0}, weaker), "can't be cast to the desired output type");
}

}  // namespace

void add_standard_errors(std::vector<SampleRow>& rows, size_t first) {
  for (size_t i = first; i < rows.size(); ++i) {
    const Plain plain = find_plain(rows[i]);
    add_call_errors(plain, rows[i].errors);
    add_dtype_errors(plain, rows[i].errors);
    add_in_place_errors(plain, rows[i].errors);
    add_out_errors(plain, rows[i].errors);
  }
}

}  // namespace tenon::ops_test
