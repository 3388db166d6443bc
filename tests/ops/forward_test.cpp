// Every op × dtype × layout on the default device: against the row's expectation, against the
// reference device, twice with the same bits, operands and their surroundings unchanged.
#include <cmath>

#include <tenon/runtime/dispatch/operator.h>
#include <tenon/runtime/ops/ops.h>

#include "ops/harness.h"
#include "ops/operands.h"

namespace tenon::ops_test {
namespace {

constexpr uint64_t kSeed = 42;

bool same_bits(const Array& a, const Array& b) {
  if (a.sizes != b.sizes || a.dtype != b.dtype) return false;
  for (size_t i = 0; i < a.values.size(); ++i)
    if (a.values[i] != b.values[i] && !(std::isnan(a.values[i]) && std::isnan(b.values[i])))
      return false;
  return true;
}

std::vector<Array> run(const Op& op, std::span<const Value> arguments) {
  manual_seed(kSeed);
  std::vector<Array> results;
  for (const Tensor& tensor : tensors_of(op.spec().boxed(arguments)))
    results.push_back(to_array(tensor));
  return results;
}

void expect_equal(const std::vector<Array>& got, const std::vector<Array>& want,
                  Tolerance tolerance, const char* where) {
  ASSERT_EQ(got.size(), want.size()) << where << ": number of results";
  for (size_t i = 0; i < got.size(); ++i) {
    const std::string text = difference(got[i], want[i], tolerance);
    if (!text.empty()) ADD_FAILURE() << where << ", result " << i << ": " << text;
  }
}

void expect_unchanged(const Guarded& operand, bool inside, const char* where, size_t i) {
  const std::string text = operand.changed(inside);
  if (!text.empty()) ADD_FAILURE() << where << ", operand " << i << ": " << text;
}

// Results of another device may be off as far again.
std::vector<Array> twice(std::vector<Array> want, const std::vector<Array>& other) {
  for (size_t i = 0; i < want.size(); ++i) {
    const bool unknown = want[i].any_values;
    std::vector<double> magnitudes(want[i].values.size(), 0);
    for (size_t k = 0; k < want[i].magnitudes.size(); ++k)
      magnitudes[k] = 2 * want[i].magnitudes[k];
    want[i] = other[i];
    want[i].magnitudes = std::move(magnitudes);
    want[i].any_values = unknown;
  }
  return want;
}

struct Case {
  const SampleRow& row;
  const Op& op;
  Call call;  // values as the layout repeats them
  Layout layout;
  std::vector<Array> want;
};

void check_plain(const Case& c) {
  const Operands operands = place(c.call, c.layout, default_device(), c.row.writes_self);
  const std::vector<Array> got = run(c.op, operands.values);
  expect_equal(got, c.want, c.row.tolerance, "forward");
  for (size_t i = 0; i < operands.guarded.size(); ++i)
    expect_unchanged(operands.guarded[i], !(c.row.writes_self && i == 0), "forward", i);
  const Operands again = place(c.call, c.layout, default_device(), c.row.writes_self);
  const std::vector<Array> repeat = run(c.op, again.values);
  for (size_t i = 0; i < got.size() && i < repeat.size(); ++i)
    EXPECT_TRUE(c.want[i].any_values || same_bits(got[i], repeat[i])) << "second run, result " << i;
}

void check_against_reference(const Case& c) {
  const Device own = default_device(), reference("reference");
  if (own.type() == reference.type()) return;
  const std::vector<Array> got = run(c.op, place(c.call, c.layout, own, c.row.writes_self).values);
  std::vector<Array> other;
  {
    const DeviceScope scope(reference);
    other = run(c.op, place(c.call, kContiguous, reference).values);
  }
  ASSERT_EQ(got.size(), other.size());
  expect_equal(got, twice(c.want, other), c.row.tolerance, "against reference");
}

// What self holds after op_: the result in its own dtype.
Array as_self(Array want, DType dtype) {
  want.dtype = dtype;
  for (double& value : want.values) value = rounded(value, dtype);
  return want;
}

// op_(self, …): self must keep its sizes, and its dtype must be able to hold the result.
void check_in_place(const Case& c) {
  const auto* self = std::get_if<Array>(&c.call.arguments[0]);
  if (self == nullptr || c.want[0].sizes != self->sizes) return;
  if (!can_cast(c.want[0].dtype, self->dtype)) return;
  if (c.layout == kBroadcast) return;
  const Operands operands = place(c.call, c.layout, default_device(), true);
  Tensor target = std::get<Tensor>(operands.values[0]);
  c.row.in_place(target, std::span(operands.values).subspan(1));
  expect_equal({to_array(target)}, {as_self(c.want[0], self->dtype)}, c.row.tolerance, "in place");
  for (size_t i = 0; i < operands.guarded.size(); ++i)
    expect_unchanged(operands.guarded[i], i > 0, "in place", i);
}

// op_out(out, …) into a buffer of NaN, and into an empty tensor, which takes the result's sizes.
void check_out(const Case& c) {
  if (c.layout == kBroadcast || c.layout == kMixed) return;
  const Operands operands = place(c.call, c.layout, default_device());
  Array blank = c.want[0];
  for (double& value : blank.values) value = is_floating_point(blank.dtype) ? NAN : 1;
  Guarded target = guard(blank, c.layout, default_device());
  c.row.out(target.tensor, operands.values);
  expect_equal({to_array(target.tensor)}, c.want, c.row.tolerance, "out=");
  expect_unchanged(target, false, "out=", 0);
  EXPECT_EQ(target.tensor.strides(), target.strides) << "out= keeps its strides";
  if (c.layout != kContiguous || c.op.spec().out == nullptr) return;
  Tensor none = empty({0}, TensorOptions(c.want[0].dtype, default_device()));
  c.row.out(none, operands.values);
  expect_equal({to_array(none)}, c.want, c.row.tolerance, "empty out=");
}

std::vector<Layout> layouts_of(const SampleRow& row, const Call& call) {
  std::vector<Layout> layouts;
  for (const Layout layout : kEachLayout)
    if ((row.layouts & layout) != 0 && applies(layout, call)) layouts.push_back(layout);
  return layouts;
}

void run_case(const SampleRow& row, const Op& op, const Call& call, Layout layout) {
  Case c{row, op, repeated(call, layout, row.writes_self), layout, {}};
  c.want = row.expect(c.call);
  check_plain(c);
  check_against_reference(c);
  if (row.in_place != nullptr && call.in_place) check_in_place(c);
  if (row.out != nullptr) check_out(c);
}

// A broken op need not print every case.
bool too_many_failures() {
  return testing::UnitTest::GetInstance()->current_test_info()->result()->total_part_count() > 2;
}

void run_forward(const SampleRow& row, DType dtype) {
  const Op* op = find_op(row.op);
  ASSERT_NE(op, nullptr) << "no op is called " << row.op;
  if (!computes(dtype)) GTEST_SKIP() << "the device computes no " << name(dtype);
  const std::vector<Call> calls = calls_of(row, dtype);
  int64_t ran = 0;
  for (size_t i = 0; i < calls.size(); ++i) {
    for (const Layout layout : layouts_of(row, calls[i])) {
      const std::string id = join_text(row.op, "/", dtype, "/", i, "/", layout_name(layout));
      if (!is_wanted(id)) continue;
      SCOPED_TRACE(rerun(id));
      try {
        run_case(row, *op, calls[i], layout);
      } catch (const Error& error) {
        ADD_FAILURE() << "threw: " << error.what();
      }
      count_case("forward");
      ++ran;
      if (too_many_failures()) return;
    }
  }
  EXPECT_GT(ran, 0) << "no case ran";
}

}  // namespace

void register_forward_tests() {
  for (const SampleRow& row : all_samples())
    for (const DType dtype : row.dtypes)
      add_test("Forward/" + row.op, std::string(name(dtype)),
               [&row, dtype] { run_forward(row, dtype); });
}

int64_t planned_forward_cases() {
  int64_t count = 0;
  for (const SampleRow& row : all_samples())
    for (const DType dtype : row.dtypes)
      for (const Call& call : calls_of(row, dtype))
        count += static_cast<int64_t>(layouts_of(row, call).size());
  return count;
}

}  // namespace tenon::ops_test
