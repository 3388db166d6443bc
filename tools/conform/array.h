// Tensors as the host sees them: bytes, layouts, values. Operands of every conformance case.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <tenon/api/device_plugin.h>

namespace tenon::conform {

// Words that depend on a name alone, so that a case draws the same ones wherever it runs.
class Random {
 public:
  explicit Random(std::string_view name);

  uint64_t word();
  // In [0, count).
  int64_t below(int64_t count);
  double real(double low, double high);

 private:
  uint64_t state_;
};

// A tensor: the bytes of its whole buffer, and where the elements lie.
struct Array {
  uint32_t dtype = TN_DTYPE_F32;
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;  // in elements
  int64_t offset = 0;            // in elements
  std::vector<std::byte> bytes;

  [[nodiscard]] int64_t count() const;
  [[nodiscard]] std::byte* at(int64_t i);  // element i in row-major order
  [[nodiscard]] const std::byte* at(int64_t i) const;
  // Element i; floats of 16 bits are decoded.
  [[nodiscard]] double real(int64_t i) const;
  [[nodiscard]] int64_t whole(int64_t i) const;
  // Stores a value, rounded or wrapped to the dtype.
  void set_real(int64_t i, double value);
  void set_whole(int64_t i, int64_t value);
};

inline constexpr std::byte kUntouched{0xA5};  // what a fresh array holds

// Dense, untouched.
[[nodiscard]] Array dense(uint32_t dtype, std::vector<int64_t> shape);
// With these strides and offset, in a buffer that is as large as it must be; untouched.
[[nodiscard]] Array strided(uint32_t dtype, std::vector<int64_t> shape,
                            std::vector<int64_t> strides, int64_t offset);
[[nodiscard]] Array of_reals(uint32_t dtype, std::vector<int64_t> shape,
                             const std::vector<double>& values);
[[nodiscard]] Array of_wholes(uint32_t dtype, std::vector<int64_t> shape,
                              const std::vector<int64_t>& values);
// The same values one after another.
[[nodiscard]] Array made_dense(const Array& a);

[[nodiscard]] bool is_float(uint32_t dtype);
[[nodiscard]] int64_t dtype_size(uint32_t dtype);
[[nodiscard]] const char* dtype_name(uint32_t dtype);
[[nodiscard]] std::string shape_name(const std::vector<int64_t>& shape);  // "2x3", "scalar"

inline constexpr uint32_t kDtypes[] = {TN_DTYPE_BOOL, TN_DTYPE_U8,  TN_DTYPE_I8,  TN_DTYPE_I16,
                                       TN_DTYPE_I32,  TN_DTYPE_I64, TN_DTYPE_F16, TN_DTYPE_BF16,
                                       TN_DTYPE_F32,  TN_DTYPE_F64};

// ---- layouts -----------------------------------------------------------------------------------

enum class Layout : uint8_t {
  kDense,
  kOffset,      // dense, one element behind an aligned address
  kTransposed,  // column-major
  kGaps,        // column-major, every second element
  kRows,        // the last dimension dense, three elements between rows
  kBroadcast,   // the first dimension repeats
  kOneElement,  // every dimension repeats
};
// Of inputs; outputs never repeat an element.
inline constexpr Layout kInputLayouts[] = {Layout::kDense,     Layout::kOffset, Layout::kTransposed,
                                           Layout::kGaps,      Layout::kRows,   Layout::kBroadcast,
                                           Layout::kOneElement};
inline constexpr Layout kOutputLayouts[] = {Layout::kDense, Layout::kOffset, Layout::kTransposed,
                                            Layout::kGaps, Layout::kRows};

[[nodiscard]] const char* layout_name(Layout layout);
[[nodiscard]] Array laid_out(uint32_t dtype, std::vector<int64_t> shape, Layout layout);

// ---- values ------------------------------------------------------------------------------------

enum class Values : uint8_t {
  kSmall,    // floats in [-2, 2], integers in [-3, 3]
  kNearOne,  // of magnitude 0.8 to 1.25: products stay in range
  kNonzero,  // half of them zero
  kSpecial,  // also NaN, infinities, both zeros
};
[[nodiscard]] const char* values_name(Values values);
void fill_values(Array& a, Random& random, Values values);
// laid_out() with values.
[[nodiscard]] Array filled(uint32_t dtype, std::vector<int64_t> shape, Layout layout,
                           Random& random, Values values = Values::kSmall);
// i64 in [0, extent).
[[nodiscard]] Array indices(std::vector<int64_t> shape, Layout layout, int64_t extent,
                            Random& random);

}  // namespace tenon::conform
