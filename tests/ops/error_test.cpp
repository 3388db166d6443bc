// Misuse: a tenon::Error whose message says what was wrong, operands that kept their values, and no
// memory left behind.
#include <gmock/gmock.h>

#include <tenon/runtime/dispatch/operator.h>
#include <tenon/runtime/memory/allocator.h>

#include "ops/harness.h"
#include "ops/operands.h"

namespace tenon::ops_test {
namespace {

// Bytes in use on the default device and on the host.
uint64_t bytes_in_use() {
  const uint64_t own = memory_stats(default_device()).allocated;
  return default_device().is_cpu() ? own : own + memory_stats(Device("cpu")).allocated;
}

void call_wrongly(const Op& op, const ErrorRow& row, std::span<const Value> arguments) {
  if (row.call != nullptr)
    row.call(arguments);
  else
    (void)op.spec().boxed(arguments);
  synchronize(default_device());  // index errors of asynchronous devices come here
}

void run_error(const Op& op, const ErrorRow& row) {
  Operands operands = place({row.arguments}, kOffset, default_device());
  if (row.prepare != nullptr) row.prepare(operands.values);
  const uint64_t before = bytes_in_use();
  try {
    call_wrongly(op, row, operands.values);
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::ContainsRegex(row.message));
  }
  EXPECT_EQ(bytes_in_use(), before) << "the refused call left memory behind";
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

std::function<void(std::vector<Value>&)> on_another_device(size_t argument) {
  return [argument](std::vector<Value>& values) {
    const Device other(default_device().type() == "reference" ? "cpu" : "reference");
    values[argument] = std::get<Tensor>(values[argument]).to(other);
  };
}

std::function<void(std::vector<Value>&)> requiring_grad(size_t argument) {
  return [argument](std::vector<Value>& values) {
    std::get<Tensor>(values[argument]).requires_grad_();
  };
}

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
