// What the rows of pointwise ops share: calls, expectations, and the misuse that all must refuse.
#pragma once

#include <cmath>
#include <utility>
#include <vector>

#include "ops/op_samples.h"

namespace tenon::ops_test {

using Floats = double (*)(double, double);
using Integers = int64_t (*)(int64_t, int64_t);

struct Domain {
  double low = -4, high = 4;
};

inline const std::vector<DType> kIntegers = {kInt64, kInt32, kInt16, kInt8, kUInt8};
// For functions that make floats of integers and bool.
inline const std::vector<DType> kRealKinds = {kFloat32, kFloat64, kFloat16, kBFloat16,
                                              kInt64,   kInt32,   kBool};

[[nodiscard]] inline DType float_dtype(DType dtype) {
  return is_floating_point(dtype) ? dtype : kFloat32;
}

// ---- one operand ----

// Several sizes, special values, the least and greatest integers.
[[nodiscard]] std::vector<Call> unary_calls(DType dtype, Random& random, Domain domain);
// f in double, stored as the result's dtype. Integers that stay integers wrap.
[[nodiscard]] Array mapped(const Array& x, DType result, const std::function<double(double)>& f);
// The dtype stays.
[[nodiscard]] SampleRow same(const char* op, std::vector<DType> dtypes,
                             std::function<double(double)> f, bool gradient, Domain domain = {});
// Integers and bool become f32.
[[nodiscard]] SampleRow real(const char* op, std::function<double(double)> f, Domain domain,
                             Tolerance tolerance = Tolerance::kUlp4);
// An element may be off by `times` roundings of its own size: where an argument's rounding grows.
void loosen(SampleRow& row, double times);

// ---- two operands ----

// Pairs of sizes: equal, broadcast either way, 0-dim, empty, longer than a vector register.
[[nodiscard]] const std::vector<std::pair<Shape, Shape>>& size_pairs();
// Every special value against every other.
[[nodiscard]] Call special_pairs(DType dtype);
[[nodiscard]] std::vector<Call> pair_calls(DType dtype, Random& random, Domain a, Domain b);
// A number of the host on the right.
void add_number_calls(std::vector<Call>& calls, DType dtype, Random& random, Domain a,
                      double number);
// Operand i as an array of the dtype that the call computes in.
[[nodiscard]] Array operand(const Call& call, size_t i, DType dtype);
[[nodiscard]] DType dtype_of_call(const Call& call);
// Element by element in `compute`, stored as `result`.
[[nodiscard]] Array zip(const Call& call, DType compute, DType result, Floats floats,
                        Integers integers);
[[nodiscard]] SampleRow pairs(const char* op, std::vector<DType> dtypes, Floats floats,
                              Integers integers, Domain a = {}, Domain b = {});
// Integers and bool become f32.
[[nodiscard]] SampleRow real_pairs(const char* op, Floats floats, Domain a, Domain b,
                                   Tolerance tolerance);

// Adds to every row from `first` on what a pointwise op must refuse: no tensor, another kind of
// argument, two devices, sizes that do not broadcast, dtypes, and the misuse of op_ and op_out.
void add_standard_errors(std::vector<SampleRow>& rows, size_t first);

void add_logic_rows(std::vector<SampleRow>& rows);
void add_binary_rows(std::vector<SampleRow>& rows);
void add_float_rows(std::vector<SampleRow>& rows);

}  // namespace tenon::ops_test
