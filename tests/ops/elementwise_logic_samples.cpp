// Comparisons, logic, bits and choice.
#include "ops/pointwise_rows.h"

namespace tenon::ops_test {
namespace {

SampleRow compares(const char* op, Floats floats, Integers integers) {
  SampleRow row = pairs(op, kEvery, floats, integers, {-2, 2}, {-2, 2});
  row.expect = [floats, integers](const Call& call) {
    return std::vector<Array>{zip(call, dtype_of_call(call), kBool, floats, integers)};
  };
  return row;
}

void add_comparisons(std::vector<SampleRow>& rows) {
  rows.push_back(compares(
      "eq", [](double x, double y) -> double { return x == y; },
      [](int64_t x, int64_t y) -> int64_t { return x == y; }));
  rows.push_back(compares(
      "ne", [](double x, double y) -> double { return x != y; },
      [](int64_t x, int64_t y) -> int64_t { return x != y; }));
  rows.push_back(compares(
      "lt", [](double x, double y) -> double { return x < y; },
      [](int64_t x, int64_t y) -> int64_t { return x < y; }));
  rows.push_back(compares(
      "le", [](double x, double y) -> double { return x <= y; },
      [](int64_t x, int64_t y) -> int64_t { return x <= y; }));
  rows.push_back(compares(
      "gt", [](double x, double y) -> double { return x > y; },
      [](int64_t x, int64_t y) -> int64_t { return x > y; }));
  rows.push_back(compares(
      "ge", [](double x, double y) -> double { return x >= y; },
      [](int64_t x, int64_t y) -> int64_t { return x >= y; }));
  rows.push_back(compares(
      "logical_and", [](double x, double y) -> double { return x != 0 && y != 0; },
      [](int64_t x, int64_t y) -> int64_t { return x != 0 && y != 0; }));
  rows.push_back(compares(
      "logical_xor", [](double x, double y) -> double { return (x != 0) != (y != 0); },
      [](int64_t x, int64_t y) -> int64_t { return (x != 0) != (y != 0); }));
  rows.push_back(compares(
      "logical_or", [](double x, double y) -> double { return x != 0 || y != 0; },
      [](int64_t x, int64_t y) -> int64_t { return x != 0 || y != 0; }));
}

void add_where(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "where";
  row.dtypes = kEvery;
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const auto& [left, right] : size_pairs())
      calls.push_back({{random.array(left, kBool, 0, 1), random.array(right, dtype, -4, 4),
                        random.array(left, dtype, -4, 4)},
                       left.numel() < 60});
    calls.push_back({{Array({3}, kBool, {1, 0, 1}), random.array({3}, dtype, -4, 4),
                      dtype == kBool ? Scalar(true) : Scalar(1)}});
    return calls;
  };
  row.expect = [](const Call& call) {
    const DType dtype = call.array(1).dtype;
    const Array condition = call.array(0), a = operand(call, 1, dtype), b = operand(call, 2, dtype);
    Array out(broadcast(condition.sizes, broadcast(a.sizes, b.sizes)), dtype);
    for_each(out.sizes, [&](const Shape& index, size_t i) {
      out.values[i] = condition.at(index) != 0 ? a.at(index) : b.at(index);
    });
    return std::vector<Array>{out};
  };
  row.gradient = true;
  row.errors = {{"condition", {blank({2}), blank({2}), blank({2})}, "where.*bool"}};
  rows.push_back(std::move(row));
}

const std::vector<DType> kBits = {kInt64, kInt32, kInt16, kInt8, kUInt8, kBool};

void add_bits(std::vector<SampleRow>& rows) {
  rows.push_back(pairs("bitwise_and", kBits, nullptr, [](int64_t x, int64_t y) { return x & y; }));
  rows.push_back(pairs("bitwise_or", kBits, nullptr, [](int64_t x, int64_t y) { return x | y; }));
  rows.push_back(pairs("bitwise_xor", kBits, nullptr, [](int64_t x, int64_t y) { return x ^ y; }));
  rows.push_back(same(
      "bitwise_not", kIntegers, [](double x) { return -x - 1; }, false));
  rows.back().dtypes.push_back(kBool);
  rows.back().expect = [](const Call& call) {
    const DType dtype = call.array(0).dtype;
    return std::vector<Array>{mapped(
        call.array(0), dtype, [dtype](double x) { return dtype == kBool ? 1 - x : -x - 1; })};
  };
}

// A shift by the width or more, or by less than 0, leaves nothing but copies of the sign.
Array shifted(const Call& call, bool to_left) {
  const DType dtype = dtype_of_call(call);
  const int64_t width = 8 * size_bytes(dtype);
  const Array a = operand(call, 0, dtype), b = operand(call, 1, dtype);
  Array out(broadcast(a.sizes, b.sizes), dtype);
  for_each(out.sizes, [&](const Shape& index, size_t i) {
    const auto x = static_cast<int64_t>(a.at(index)), by = static_cast<int64_t>(b.at(index));
    const bool inside = by >= 0 && by < width;
    const int64_t left = inside ? static_cast<int64_t>(static_cast<uint64_t>(x) << by) : 0;
    const int64_t right = x >> (inside ? by : 63);
    out.values[i] = wrapped(to_left ? left : right, dtype);
  });
  return out;
}

void add_shifts(std::vector<SampleRow>& rows) {
  for (const bool to_left : {true, false}) {
    SampleRow row = pairs(to_left ? "bitwise_left_shift" : "bitwise_right_shift", kIntegers,
                          nullptr, nullptr, {-100, 100}, {0, 9});
    // Left shifts of i64 stay within the 53 bits that the expectation holds.
    row.expect = [to_left](const Call& call) { return std::vector<Array>{shifted(call, to_left)}; };
    rows.push_back(std::move(row));
  }
}

}  // namespace

void add_logic_rows(std::vector<SampleRow>& rows) {
  add_comparisons(rows);
  rows.push_back(same(
      "logical_not", kEvery, [](double x) -> double { return x == 0; }, false));
  rows.back().expect = [](const Call& call) {
    return std::vector<Array>{
        mapped(call.array(0), kBool, [](double x) -> double { return x == 0; })};
  };
  add_bits(rows);
  add_shifts(rows);
  add_where(rows);
}

}  // namespace tenon::ops_test
