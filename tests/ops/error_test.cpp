// Misuse: a tenon::Error whose message says what was wrong, and operands that kept their values.
#include <gmock/gmock.h>

#include <tenon/runtime/dispatch/operator.h>

#include "ops/harness.h"
#include "ops/operands.h"

namespace tenon::ops_test {
namespace {

void run_error(const Op& op, const ErrorRow& row) {
  const Operands operands = place({row.arguments}, kOffset, default_device());
  try {
    (void)op.spec().boxed(operands.values);
    synchronize(default_device());  // index errors of asynchronous devices come here
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::ContainsRegex(row.message));
  }
  for (size_t i = 0; i < operands.guarded.size(); ++i)
    EXPECT_EQ(operands.guarded[i].changed(true), "") << "operand " << i;
}

void run_errors(const SampleRow& row) {
  const Op* op = find_op(row.op);
  ASSERT_NE(op, nullptr) << "no op is called " << row.op;
  for (const ErrorRow& error : row.errors) {
    const std::string id = row.op + "/" + error.what;
    if (!is_wanted(id)) continue;
    SCOPED_TRACE(rerun(id));
    run_error(*op, error);
    count_case("error");
  }
}

}  // namespace

void register_error_tests() {
  for (const SampleRow& row : all_samples())
    if (!row.errors.empty()) add_test("Error", row.op, [&row] { run_errors(row); });
}

int64_t planned_error_cases() {
  int64_t count = 0;
  for (const SampleRow& row : all_samples()) count += static_cast<int64_t>(row.errors.size());
  return count;
}

}  // namespace tenon::ops_test
