// The table that tests every op. One row names an op and gives calls of it, what they should
// return, and misuse that must be refused; the row buys the forward, gradient and error tests on
// every device (forward_test.cpp, gradient_test.cpp, error_test.cpp).
#pragma once

#include <functional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include <tenon/runtime/dispatch/boxing.h>

#include "ops/array.h"

namespace tenon::ops_test {

// One argument of the op's boxed form; monostate is None.
using Argument =
    std::variant<std::monostate, Array, Scalar, Shape, std::vector<Array>, DType, std::string>;

struct Call {
  std::vector<Argument> arguments;
  bool differentiable = true;  // false: special values, kinks, or too large for finite differences
  bool in_place = true;        // false: has arguments that op_ does not take

  [[nodiscard]] const Array& array(size_t i) const { return std::get<Array>(arguments[i]); }
  [[nodiscard]] bool has(size_t i) const {
    return i < arguments.size() && !std::holds_alternative<std::monostate>(arguments[i]);
  }
  [[nodiscard]] Scalar scalar(size_t i, Scalar fallback = 0) const {
    return has(i) ? std::get<Scalar>(arguments[i]) : fallback;
  }
  [[nodiscard]] Shape shape(size_t i, const Shape& fallback = {}) const {
    return has(i) ? std::get<Shape>(arguments[i]) : fallback;
  }
};

// How an operand lies in memory. Every operand sits in a larger buffer of sentinels.
enum Layout : uint32_t {
  kContiguous = 1,
  kOffset = 2,      // row-major, not at the start
  kTransposed = 4,  // column-major
  kStep2 = 8,       // every second element
  kBroadcast = 16,  // dimension 0 repeated by stride 0 (its values then repeat)
  kMixed = 32,      // another layout for each operand
  kAllLayouts = 63,
};

struct ErrorRow {
  std::string what;  // in words, the name of the case
  std::vector<Argument> arguments;
  std::string message;  // regular expression to be found in it
  // Changes the operands before the call: moves one elsewhere, makes one a leaf or a view.
  std::function<void(std::vector<Value>&)> prepare = nullptr;
  // What is called instead of the op itself: its in-place or out= form.
  std::function<void(std::span<const Value>)> call = nullptr;
};

// Words for ErrorRow::prepare. The other device is "reference", or "cpu" where that is the default.
[[nodiscard]] std::function<void(std::vector<Value>&)> on_another_device(size_t argument);
[[nodiscard]] std::function<void(std::vector<Value>&)> requiring_grad(size_t argument);

struct SampleRow {
  std::string op;
  std::vector<DType> dtypes;
  std::function<std::vector<Call>(DType, Random&)> calls;
  std::function<std::vector<Array>(const Call&)> expect;
  Tolerance tolerance = Tolerance::kExact;
  bool gradient = false;     // gradcheck and gradgradcheck of the differentiable calls
  bool writes_self = false;  // the op itself ends in _
  uint32_t layouts = kAllLayouts;
  // op_(self, others…) and op_out(out, arguments…), where they exist.
  std::function<void(Tensor& self, std::span<const Value> others)> in_place = nullptr;
  std::function<void(Tensor& out, std::span<const Value> arguments)> out = nullptr;
  std::vector<ErrorRow> errors = {};
};

// Every row; each family is one file, <family>_samples.cpp.
[[nodiscard]] const std::vector<SampleRow>& all_samples();

void add_creation_samples(std::vector<SampleRow>& rows);
void add_copy_samples(std::vector<SampleRow>& rows);
void add_view_samples(std::vector<SampleRow>& rows);
void add_indexing_samples(std::vector<SampleRow>& rows);
void add_elementwise_samples(std::vector<SampleRow>& rows);
void add_elementwise_unary_samples(std::vector<SampleRow>& rows);
void add_reduction_samples(std::vector<SampleRow>& rows);
void add_matmul_samples(std::vector<SampleRow>& rows);
void add_convolution_samples(std::vector<SampleRow>& rows);
void add_pooling_samples(std::vector<SampleRow>& rows);
void add_adaptive_pooling_samples(std::vector<SampleRow>& rows);
void add_resampling_samples(std::vector<SampleRow>& rows);
void add_loss_samples(std::vector<SampleRow>& rows);
void add_random_samples(std::vector<SampleRow>& rows);
void add_activation_samples(std::vector<SampleRow>& rows);
void add_manipulation_samples(std::vector<SampleRow>& rows);
void add_sorting_samples(std::vector<SampleRow>& rows);
void add_normalization_samples(std::vector<SampleRow>& rows);
void add_attention_samples(std::vector<SampleRow>& rows);

// ---- words for the rows ----

inline const std::vector<DType> kFloats = {kFloat32, kFloat64, kFloat16, kBFloat16};
inline const std::vector<DType> kNumbers = {kFloat32, kFloat64, kFloat16, kBFloat16, kInt64,
                                            kInt32,   kInt16,   kInt8,    kUInt8};
inline const std::vector<DType> kEvery = {kFloat32, kFloat64, kFloat16, kBFloat16, kInt64,
                                          kInt32,   kInt16,   kInt8,    kUInt8,    kBool};
// One of each kind of number, where ten dtypes would say nothing new.
inline const std::vector<DType> kKinds = {kFloat32, kFloat64, kBFloat16, kInt64, kUInt8, kBool};

// An operand for error rows.
[[nodiscard]] inline Array blank(const Shape& sizes, DType dtype = kFloat32) {
  return Array(sizes, dtype);
}

}  // namespace tenon::ops_test
