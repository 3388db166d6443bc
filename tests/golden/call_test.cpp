// Each op's calls through its boxed form: results, and the gradients of sum(out * weights).
#include <set>

#include <tenon/autograd/backward.h>
#include <tenon/runtime/dispatch/operator.h>
#include <tenon/runtime/ops/copy.h>

#include "golden/formula.h"
#include "golden/harness.h"
#include "golden/table.h"

namespace tenon::golden {
namespace {

bool is_tensor(const Json& json) { return json.is_object() && json.contains("shape"); }

double number_of(const Json& json) {  // JSON has no nan and inf
  return json.is_string() ? std::stod(json.get<std::string>()) : json.get<double>();
}

Shape shape_of(const Json& json) { return Shape(json.get<std::vector<int64_t>>()); }

// {"dtype", "shape", "seed", "lo", "hi"} or {"dtype", "shape", "values"}.
Tensor make_tensor(const Json& json) {
  const DType dtype = parse_dtype(json.at("dtype").get<std::string>());
  const Shape sizes = shape_of(json.at("shape"));
  if (!json.contains("values"))
    return tensor_of(json.at("seed").get<uint32_t>(), sizes, dtype, json.at("lo"), json.at("hi"));
  std::vector<double> values;
  for (const Json& value : json.at("values")) values.push_back(number_of(value));
  return tensor_of(values, sizes, dtype);
}

Value make_value(const Json& json) {
  if (json.is_null()) return {};
  if (json.is_boolean()) return Scalar(json.get<bool>());
  if (json.is_number_integer()) return Scalar(json.get<int64_t>());
  if (json.is_number()) return Scalar(json.get<double>());
  if (json.is_string()) return json.get<std::string>();
  if (is_tensor(json)) return make_tensor(json);
  if (json.is_object() && json.contains("number")) return Scalar(number_of(json.at("number")));
  if (json.is_object()) return parse_dtype(json.at("dtype").get<std::string>());
  if (json.empty() || !is_tensor(json.front())) return shape_of(json);
  std::vector<Tensor> tensors;
  for (const Json& one : json) tensors.push_back(make_tensor(one));
  return tensors;
}

// Pointers to the tensors of arguments or results, lists flattened; not to those left undefined.
std::vector<Tensor*> tensors_in(std::vector<Value>& values) {
  std::vector<Tensor*> found;
  const auto add = [&](Tensor& tensor) {
    if (tensor.defined()) found.push_back(&tensor);
  };
  for (Value& value : values) {
    if (auto* tensor = std::get_if<Tensor>(&value)) add(*tensor);
    if (auto* list = std::get_if<std::vector<Tensor>>(&value))
      for (Tensor& tensor : *list) add(tensor);
  }
  return found;
}

struct Replay {
  std::vector<Tensor> leaves;  // those that PyTorch gives a gradient
  std::vector<Value> results;
};

Replay run(const GoldenCall& call, const Op& op) {
  Replay replay;
  std::vector<Value> arguments;
  for (const Json& json : call.arguments) arguments.push_back(make_value(json));
  const std::vector<Tensor*> operands = tensors_in(arguments);
  for (const size_t position : call.leaves)
    replay.leaves.push_back(operands.at(position)->requires_grad_());
  // The in-place forms write into a result, as a leaf may not be written.
  if (op.name().ends_with('_')) arguments[0] = std::get<Tensor>(arguments[0]).clone();
  replay.results = op.spec().boxed(arguments);
  return replay;
}

void compare_outputs(const GoldenCall& call, const std::vector<Tensor*>& outputs) {
  ASSERT_EQ(outputs.size(), call.outputs);
  for (size_t k = 0; k < outputs.size(); ++k)
    EXPECT_EQ(difference(*outputs[k], stored(join_text(call.id, "/out", k))), "") << "output " << k;
}

void compare_gradients(const GoldenCall& call, const Replay& replay,
                       const std::vector<Tensor*>& outputs) {
  std::vector<Tensor> followed, weights;
  for (size_t k = 0; k < outputs.size(); ++k) {
    const Tensor& output = *outputs[k];
    if (!output.requires_grad()) continue;
    followed.push_back(output);
    weights.push_back(
        tensor_of(seed_of(join_text("weight/", k)), output.sizes(), output.dtype(), -1, 1));
  }
  ASSERT_FALSE(followed.empty()) << "PyTorch differentiates it";
  const std::vector<Tensor> gradients =
      autograd::grad(followed, replay.leaves, weights, {.allow_unused = true});
  for (size_t k = 0; k < gradients.size(); ++k)
    EXPECT_EQ(difference(gradients[k], stored(join_text(call.id, "/grad", call.leaves[k]))), "")
        << "gradient of tensor " << call.leaves[k];
  count("gradients");
}

void replay_call(const GoldenCall& call, const Op& op) {
  Replay replay = run(call, op);
  const std::vector<Tensor*> outputs = tensors_in(replay.results);
  compare_outputs(call, outputs);
  if (!call.leaves.empty()) compare_gradients(call, replay, outputs);
  count("calls");
}

// float64 alone may be missing on a device.
bool needs_float64(const Json& json) {
  if (json.is_array()) return std::any_of(json.begin(), json.end(), needs_float64);
  return json.is_object() && json.value("dtype", "") == "float64";
}
bool runs_here(const GoldenCall& call) {
  if (computes(kFloat64)) return true;
  for (size_t k = 0; k < call.outputs; ++k)
    if (stored(join_text(call.id, "/out", k)).dtype() == kFloat64) return false;
  return !needs_float64(call.arguments);
}

void replay_op(const std::string& name) {
  const Op* op = find_op(name);
  ASSERT_NE(op, nullptr) << "no op is called " << name;
  int64_t ran = 0;
  for (const GoldenCall& call : all_calls()) {
    if (call.op != name || !runs_here(call)) continue;
    SCOPED_TRACE(join_text(call.id, ": ", call.arguments.dump()));
    try {
      replay_call(call, *op);
    } catch (const std::exception& error) {
      ADD_FAILURE() << "threw: " << error.what();
    }
    ++ran;
  }
  EXPECT_GT(ran, 0) << "no call ran";
}

void every_op_has_calls_or_a_reason() {
  std::map<std::string, int64_t> calls;
  for (const GoldenCall& call : all_calls()) ++calls[call.op];
  for (const Op* op : all_ops()) {
    if (op->has(kPrimitive)) continue;
    const std::string name(op->name());
    if (without_twin().count(name) == 1)
      EXPECT_EQ(calls.count(name), 0u) << name << " has a twin after all";
    else
      EXPECT_GE(calls[name], 4) << name << " needs calls in tools/goldens, or a reason in twins.py";
  }
}

void every_entry_names_an_op() {
  for (const auto& [name, reason] : without_twin()) {
    EXPECT_NE(find_op(name), nullptr) << "no op is called " << name;
    EXPECT_FALSE(reason.empty()) << name;
  }
}

// What each case would run, so that a case started alone can tell that too little is there.
void the_table_is_not_smaller_than_the_floor() {
  int64_t calls = 0;
  for (const GoldenCall& call : all_calls()) calls += runs_here(call) ? 1 : 0;
  EXPECT_GE(calls, floor_of("calls"));
  EXPECT_GE(static_cast<int64_t>(all_trainings().size()), floor_of("trainings"));
}

}  // namespace

void register_call_tests() {
  std::set<std::string> names;
  for (const GoldenCall& call : all_calls()) names.insert(call.op);
  for (const std::string& name : names) add_test("Golden", name, [name] { replay_op(name); });
}

void register_completeness_tests() {
  add_test("Completeness", "EveryOpHasCallsOrAReason", every_op_has_calls_or_a_reason);
  add_test("Completeness", "EveryEntryNamesAnOp", every_entry_names_an_op);
  add_test("Completeness", "TheTableIsNotSmallerThanTheFloor",
           the_table_is_not_smaller_than_the_floor);
}

}  // namespace tenon::golden
