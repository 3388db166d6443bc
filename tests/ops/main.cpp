// tests_ops [--case=<id>] [GoogleTest's options]
#include <cstdio>

#include <tenon/runtime/device_context.h>
#include <tenon/runtime/dispatch/operator.h>

#include "ops/harness.h"

namespace tenon::ops_test {
namespace {

std::string& case_option() {
  static std::string& option = *new std::string;
  return option;
}

// Says how many cases ran.
class Counts : public testing::Environment {
 public:
  void TearDown() override {
    for (const auto& [kind, count] : test::counts())
      std::printf("[   cases  ] %s: %lld\n", kind.c_str(), static_cast<long long>(count));
  }
};

}  // namespace

const std::string& wanted_case() { return case_option(); }

std::string rerun(const std::string& id) {
  const testing::TestInfo& info = *testing::UnitTest::GetInstance()->current_test_info();
  return join_text("rerun: TENON_DEVICE=", default_device(),
                   " build/bin/tests_ops --gtest_filter='", info.test_suite_name(), ".",
                   info.name(), "' --case='", id, "'");
}

void count_case(const std::string& kind) { ++test::counts()[kind]; }

bool computes(DType dtype) {
  DeviceContext& context = DeviceContext::get(default_device());
  context.require_compute();
  return context.computes(dtype);
}

std::vector<Call> calls_of(const SampleRow& row, DType dtype) {
  Random random(join_text(row.op, "/", dtype));
  return row.calls(dtype, random);
}

namespace {

// The forms that the record knows are tested by themselves.
void take_forms(SampleRow& row) {
  const Op* op = find_op(row.op);
  if (op == nullptr) return;
  const auto with_first = [](Boxed form) {
    return [form](Tensor& first, std::span<const Value> rest) {
      std::vector<Value> arguments = {first};
      arguments.insert(arguments.end(), rest.begin(), rest.end());
      (void)form(arguments);
    };
  };
  if (row.in_place == nullptr && op->spec().in_place != nullptr)
    row.in_place = with_first(op->spec().in_place);
  if (row.out == nullptr && op->spec().out != nullptr) row.out = with_first(op->spec().out);
}

}  // namespace

const std::vector<SampleRow>& all_samples() {
  static const auto& all = *[] {
    auto* rows = new std::vector<SampleRow>;
    add_creation_samples(*rows);
    add_copy_samples(*rows);
    add_view_samples(*rows);
    add_indexing_samples(*rows);
    add_elementwise_samples(*rows);
    add_elementwise_unary_samples(*rows);
    add_reduction_samples(*rows);
    add_matmul_samples(*rows);
    add_convolution_samples(*rows);
    add_pooling_samples(*rows);
    add_loss_samples(*rows);
    add_random_samples(*rows);
    add_activation_samples(*rows);
    add_manipulation_samples(*rows);
    add_sorting_samples(*rows);
    add_normalization_samples(*rows);
    add_attention_samples(*rows);
    for (SampleRow& row : *rows) take_forms(row);
    return rows;
  }();
  return all;
}

}  // namespace tenon::ops_test

int main(int argc, char** argv) {
  using namespace tenon::ops_test;
  constexpr std::string_view kCase = "--case=";
  for (int i = 1; i < argc; ++i)
    if (std::string_view(argv[i]).starts_with(kCase)) case_option() = argv[i] + kCase.size();
  testing::InitGoogleTest(&argc, argv);
  testing::AddGlobalTestEnvironment(new Counts);
  register_forward_tests();
  register_gradient_tests();
  register_error_tests();
  register_completeness_tests();
  return RUN_ALL_TESTS();
}
