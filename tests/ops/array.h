// Arrays of the host for the op tests: plain values, written and compared without the library.
#pragma once

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include <tenon/runtime/dtype.h>
#include <tenon/runtime/shape.h>

namespace tenon::ops_test {

// Values are doubles whatever the dtype; integers stay below 2^53.
struct Array {
  Shape sizes;
  DType dtype = kFloat32;
  std::vector<double> values;  // row-major
  // Expectations only. An element may err by magnitude · epsilon of the accumulator besides its
  // ULPs (Tolerance); empty means none.
  std::vector<double> magnitudes;
  bool any_values = false;  // expectations only: sizes and dtype alone are compared

  Array() = default;
  Array(Shape array_sizes, DType array_dtype)
      : sizes(array_sizes), dtype(array_dtype), values(static_cast<size_t>(sizes.numel())) {}
  Array(Shape array_sizes, DType array_dtype, std::vector<double> array_values)
      : sizes(array_sizes), dtype(array_dtype), values(std::move(array_values)) {}

  [[nodiscard]] size_t offset(const Shape& index) const;
  // Element at an index that this array's sizes broadcast to.
  [[nodiscard]] double at(const Shape& index) const;
};

// Calls f(index, row-major number) for every element.
void for_each(const Shape& sizes, const std::function<void(const Shape&, size_t)>& f);

// NumPy's rule, written anew.
[[nodiscard]] Shape broadcast(const Shape& a, const Shape& b);

// What storing `value` as dtype gives; f16 and bf16 by way of f32, integers modulo 2^width.
[[nodiscard]] double rounded(double value, DType dtype);
[[nodiscard]] double wrapped(int64_t value, DType dtype);
// Distance to the next value of the dtype.
[[nodiscard]] double ulp(double value, DType dtype);
// 2^-52 for f64, 2^-23 for the rest (f16 and bf16 accumulate in f32).
[[nodiscard]] double accumulator_epsilon(DType dtype);
// Roundings of an intermediate result to f16 or bf16, in units of accumulator_epsilon.
[[nodiscard]] double storage_roundings(DType dtype);

// How far a result may be from its expectation; ULPs per dtype stand in array.cpp, in one table.
enum class Tolerance {
  kExact,  // copies, integers, correctly rounded arithmetic
  kUlp4,   // functions that PROGRAM.md section 4 gives 4 ULP
  kUlp8,   // … 8 ULP
  kSum,    // one rounding, and the magnitudes
};

// The worst element of `got` that is out of bounds, or "" when all agree.
[[nodiscard]] std::string difference(const Array& got, const Array& want, Tolerance tolerance);

class Random {
 public:
  explicit Random(const std::string& id);
  // Whole numbers for integers and bool, all representable.
  [[nodiscard]] Array array(const Shape& sizes, DType dtype, double low, double high);
  [[nodiscard]] int64_t integer(int64_t low, int64_t high);  // inclusive

 private:
  std::mt19937_64 engine_;
};

// FNV-1a.
[[nodiscard]] uint64_t hash_of(const std::string& text);

}  // namespace tenon::ops_test
