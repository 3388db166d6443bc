// Every op has a row, every row an op; every kernel op that can carry a gradient has its rule; what
// writes is named so; and the table asks for at least as many cases as floor.txt says.
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include <tenon/runtime/dispatch/operator.h>
#include <tenon/runtime/ops/creation.h>

#include "ops/harness.h"

namespace tenon::ops_test {
namespace {

void every_op_has_a_row() {
  std::set<std::string> rows;
  for (const SampleRow& row : all_samples()) rows.insert(row.op);
  for (const Op* op : all_ops())
    EXPECT_EQ(rows.count(std::string(op->name())), 1u)
        << op->name() << " has no row in tests/ops/<family>_samples.cpp";
}

void every_row_names_an_op() {
  for (const SampleRow& row : all_samples())
    EXPECT_NE(find_op(row.op), nullptr) << "no op is called " << row.op;
}

void every_in_place_form_is_tested() {
  std::set<std::string> tested;
  for (const SampleRow& row : all_samples())
    if (row.in_place != nullptr) tested.insert(row.op);
  for (const Op* op : all_ops())
    EXPECT_EQ(op->has(kInPlaceForm), tested.count(std::string(op->name())) == 1) << op->name();
}

void every_kernel_op_has_a_derivative_rule() {
  zeros({1}, TensorOptions(kFloat32, Device())).requires_grad_();  // binds the rules
  for (const Op* op : all_ops()) {
    if (op->has(kNoGradient) || op->has(kComposite)) continue;
    EXPECT_TRUE(op->gradient() != nullptr) << op->name() << " needs a rule in autograd/gradients/";
  }
}

void every_differentiable_op_is_checked() {
  std::set<std::string> checked;
  for (const SampleRow& row : all_samples())
    if (row.gradient) checked.insert(row.op);
  for (const Op* op : all_ops()) {
    if (op->has(kNoGradient)) continue;
    EXPECT_EQ(checked.count(std::string(op->name())), 1u) << op->name() << " has no gradcheck";
  }
}

void every_record_is_documented() {
  for (const Op* op : all_ops()) {
    EXPECT_NE(op->spec().boxed, nullptr) << op->name();
    EXPECT_GE(std::string_view(op->spec().doc).size(), 4u) << op->name();
    EXPECT_TRUE(std::string_view(op->spec().schema).starts_with(op->name())) << op->name();
  }
}

// ---- names ----

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The functions and methods that the public headers declare as returning Tensor&.
std::set<std::string> declared_writers() {
  const auto runtime = std::filesystem::path(TENON_TESTS_FOLDER).parent_path() / "runtime";
  std::string text = text_of(runtime / "tensor.h");
  for (const auto& entry : std::filesystem::directory_iterator(runtime / "ops"))
    if (entry.path().extension() == ".h" && !entry.path().stem().string().ends_with("_internal"))
      text += text_of(entry.path());
  std::set<std::string> names;
  constexpr std::string_view kResult = " Tensor& ";
  for (size_t at = text.find(kResult); at != std::string::npos; at = text.find(kResult, at + 1)) {
    if (at >= 5 && text.compare(at - 5, 5, "const") == 0) continue;
    const size_t begin = at + kResult.size();
    const size_t end = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_", begin);
    if (end != std::string::npos && end > begin && text[end] == '(')
      names.insert(text.substr(begin, end - begin));
  }
  return names;
}

// What writes has a name in _ or _out, and is the form of an op without it.
void what_writes_is_named_so() {
  // Alone: they change what a tensor is, not its values, or have no functional twin.
  const std::set<std::string> alone = {"requires_grad_", "t_",    "transpose_", "squeeze_",
                                       "unsqueeze_",     "fill_", "zero_",      "copy_"};
  const std::set<std::string> writers = declared_writers();
  EXPECT_GT(writers.size(), 50u) << "the headers were not found";
  for (const std::string& name : writers) {
    if (alone.contains(name)) continue;
    if (name.ends_with("_out")) {
      EXPECT_NE(find_op(name.substr(0, name.size() - 4)), nullptr) << name;
      continue;
    }
    ASSERT_TRUE(name.ends_with("_")) << name << " returns Tensor&, and has no _ at its end";
    const Op* op = find_op(name.substr(0, name.size() - 1));
    const bool is_form = op != nullptr && op->has(kInPlaceForm);
    EXPECT_TRUE(is_form || find_op(name) != nullptr) << name << " needs an op with kInPlaceForm";
  }
  for (const Op* op : all_ops()) {
    const std::string name(op->name());
    // bernoulli_ and normal_ are ops of their own: they do not read what bernoulli and normal do.
    const bool is_declared = writers.contains(name + "_") && !alone.contains(name + "_") &&
                             find_op(name + "_") == nullptr;
    EXPECT_EQ(op->has(kInPlaceForm), is_declared) << name;
    EXPECT_TRUE(op->spec().in_place == nullptr || op->has(kInPlaceForm)) << name;
    EXPECT_TRUE(op->spec().out == nullptr || writers.contains(name + "_out")) << name;
  }
}

void the_table_is_not_smaller_than_the_floor() {
  const auto path = std::filesystem::path(TENON_TESTS_FOLDER) / "ops/floor.txt";
  std::ifstream file(path);
  ASSERT_TRUE(file.is_open()) << path;
  std::map<std::string, int64_t> planned = {{"forward", planned_forward_cases()},
                                            {"gradient", planned_gradient_cases()},
                                            {"error", planned_error_cases()}};
  std::string kind;
  int64_t floor = 0;
  while (file >> kind >> floor) {
    EXPECT_GE(planned.at(kind), floor) << kind << " cases; floor.txt holds the least number";
    std::printf("[  planned ] %s: %lld (floor %lld)\n", kind.c_str(),
                static_cast<long long>(planned[kind]), static_cast<long long>(floor));
  }
}

}  // namespace

void register_completeness_tests() {
  add_test("Completeness", "EveryOpHasARow", every_op_has_a_row);
  add_test("Completeness", "EveryRowNamesAnOp", every_row_names_an_op);
  add_test("Completeness", "EveryInPlaceFormIsTested", every_in_place_form_is_tested);
  add_test("Completeness", "EveryKernelOpHasADerivativeRule",
           every_kernel_op_has_a_derivative_rule);
  add_test("Completeness", "EveryDifferentiableOpIsChecked", every_differentiable_op_is_checked);
  add_test("Completeness", "EveryRecordIsDocumented", every_record_is_documented);
  add_test("Completeness", "WhatWritesIsNamedSo", what_writes_is_named_so);
  add_test("Completeness", "TheTableIsNotSmallerThanTheFloor",
           the_table_is_not_smaller_than_the_floor);
}

}  // namespace tenon::ops_test
