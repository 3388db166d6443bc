// Derivatives in f64: gradcheck and gradgradcheck of every differentiable call, and of its in-place
// form on a copy.
#include <tenon/autograd/gradcheck.h>
#include <tenon/runtime/dispatch/operator.h>
#include <tenon/runtime/ops/ops.h>

#include "ops/harness.h"
#include "ops/operands.h"

namespace tenon::ops_test {
namespace {

// The floating point operands of a call as leaves, and the arguments with places for them.
struct Problem {
  std::vector<Tensor> inputs;
  std::vector<Value> arguments;
  // Per argument: positions in inputs of its tensors, -1 where a tensor is not an input.
  std::vector<std::vector<int>> places;
};

bool is_checked(const Call& call) {
  int64_t elements = 0;
  for (const Argument& argument : call.arguments) {
    if (const auto* array = std::get_if<Array>(&argument))
      elements += array->dtype == kFloat64 ? array->sizes.numel() : 0;
    if (const auto* list = std::get_if<std::vector<Array>>(&argument))
      for (const Array& array : *list) elements += array.sizes.numel();
  }
  return call.differentiable && elements > 0;
}

Problem problem_of(const Call& call) {
  Problem problem;
  problem.arguments = place(call, kContiguous, default_device()).values;
  const auto add = [&](Tensor& tensor) {
    if (tensor.dtype() != kFloat64) return -1;
    tensor = tensor.clone().requires_grad_();
    problem.inputs.push_back(tensor);
    return static_cast<int>(problem.inputs.size()) - 1;
  };
  for (Value& value : problem.arguments) {
    std::vector<int>& places = problem.places.emplace_back();
    if (auto* tensor = std::get_if<Tensor>(&value)) places.push_back(add(*tensor));
    if (auto* list = std::get_if<std::vector<Tensor>>(&value))
      for (Tensor& tensor : *list) places.push_back(add(tensor));
  }
  return problem;
}

std::vector<Value> with_inputs(const Problem& problem, const std::vector<Tensor>& inputs) {
  std::vector<Value> arguments = problem.arguments;
  for (size_t i = 0; i < arguments.size(); ++i) {
    for (size_t k = 0; k < problem.places[i].size(); ++k) {
      const int at = problem.places[i][k];
      if (at < 0) continue;
      if (auto* tensor = std::get_if<Tensor>(&arguments[i]))
        *tensor = inputs[static_cast<size_t>(at)];
      if (auto* list = std::get_if<std::vector<Tensor>>(&arguments[i]))
        (*list)[k] = inputs[static_cast<size_t>(at)];
    }
  }
  return arguments;
}

void check_gradients(const Problem& problem, const autograd::CheckedFunction& function) {
  const autograd::GradcheckOptions options = {.full_limit = 24, .projections = 2};
  const bool once = autograd::gradcheck(function, problem.inputs, options);
  const bool twice = autograd::gradgradcheck(function, problem.inputs, options);
  EXPECT_TRUE(once && twice);
}

void run_case(const SampleRow& row, const Op& op, const Call& call) {
  const Problem problem = problem_of(call);
  check_gradients(problem, [&](const std::vector<Tensor>& inputs) {
    manual_seed(1);
    std::vector<Value> arguments = with_inputs(problem, inputs);
    if (row.writes_self) arguments[0] = std::get<Tensor>(arguments[0]).clone();
    return tensors_of(op.spec().boxed(arguments));
  });
  if (row.in_place == nullptr || row.expect(call)[0].sizes != call.array(0).sizes) return;
  check_gradients(problem, [&](const std::vector<Tensor>& inputs) {
    const std::vector<Value> arguments = with_inputs(problem, inputs);
    Tensor self = std::get<Tensor>(arguments[0]).clone();
    row.in_place(self, std::span(arguments).subspan(1));
    return std::vector<Tensor>{self};
  });
}

void run_gradients(const SampleRow& row) {
  const Op* op = find_op(row.op);
  ASSERT_NE(op, nullptr) << "no op is called " << row.op;
  if (!computes(kFloat64)) GTEST_SKIP() << "the device computes no float64";
  const std::vector<Call> calls = calls_of(row, kFloat64);
  int64_t ran = 0;
  for (size_t i = 0; i < calls.size(); ++i) {
    const std::string id = join_text(row.op, "/gradient/", i);
    if (!is_checked(calls[i]) || !is_wanted(id)) continue;
    SCOPED_TRACE(rerun(id));
    try {
      run_case(row, *op, calls[i]);
    } catch (const Error& error) {
      ADD_FAILURE() << "threw: " << error.what();
    }
    count_case("gradient");
    ++ran;
  }
  EXPECT_GT(ran, 0) << "no case ran";
}

}  // namespace

void register_gradient_tests() {
  for (const SampleRow& row : all_samples())
    if (row.gradient) add_test("Gradient", row.op, [&row] { run_gradients(row); });
}

int64_t planned_gradient_cases() {
  int64_t count = 0;
  for (const SampleRow& row : all_samples()) {
    if (!row.gradient) continue;
    for (const Call& call : calls_of(row, kFloat64)) count += is_checked(call) ? 1 : 0;
  }
  return count;
}

}  // namespace tenon::ops_test
