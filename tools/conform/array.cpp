#include "array.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "../../plugins/support/elements.h"

namespace tenon::conform {

// ---- random ------------------------------------------------------------------------------------

Random::Random(std::string_view name) : state_(0xcbf29ce484222325u) {
  for (const char c : name) state_ = (state_ ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
}

uint64_t Random::word() {  // splitmix64
  state_ += 0x9e3779b97f4a7c15u;
  uint64_t x = state_;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  return x ^ x >> 31;
}

int64_t Random::below(int64_t count) {
  return static_cast<int64_t>(word() % static_cast<uint64_t>(count));
}

double Random::real(double low, double high) {
  return low + (high - low) * static_cast<double>(word() >> 11) * 0x1p-53;
}

// ---- elements ----------------------------------------------------------------------------------

bool is_float(uint32_t dtype) { return support::is_float(dtype); }
int64_t dtype_size(uint32_t dtype) { return support::dtype_size(dtype); }
const char* dtype_name(uint32_t dtype) { return support::dtype_name(dtype); }

std::string shape_name(const std::vector<int64_t>& shape) {
  std::string text;
  for (const int64_t extent : shape) text += (text.empty() ? "" : "x") + std::to_string(extent);
  return text.empty() ? "scalar" : text;
}

int64_t Array::count() const {
  int64_t count = 1;
  for (const int64_t extent : shape) count *= extent;
  return count;
}

const std::byte* Array::at(int64_t i) const {
  int64_t position = offset;
  for (size_t d = shape.size(); d-- > 0; i /= shape[d]) position += i % shape[d] * strides[d];
  return bytes.data() + position * dtype_size(dtype);
}

std::byte* Array::at(int64_t i) { return const_cast<std::byte*>(std::as_const(*this).at(i)); }

double Array::real(int64_t i) const {
  return support::visit_dtype(
      dtype, [&]<class T>() { return static_cast<double>(support::load<T>(at(i))); });
}

int64_t Array::whole(int64_t i) const {
  return support::visit_dtype(
      dtype, [&]<class T>() { return static_cast<int64_t>(support::load<T>(at(i))); });
}

void Array::set_real(int64_t i, double value) {
  if (dtype == TN_DTYPE_F32) value = static_cast<float>(value);
  if (dtype == TN_DTYPE_F16) {
    value = static_cast<double>(support::round_to_format(value, support::kHalfFormat));
  }
  if (dtype == TN_DTYPE_BF16) {
    value = static_cast<double>(support::round_to_format(value, support::kBFloat16Format));
  }
  support::visit_dtype(dtype, [&]<class T>() { support::store<T>(at(i), value); });
}

void Array::set_whole(int64_t i, int64_t value) {
  support::visit_dtype(dtype, [&]<class T>() { support::store<T>(at(i), value); });
}

// ---- making ------------------------------------------------------------------------------------

Array strided(uint32_t dtype, std::vector<int64_t> shape, std::vector<int64_t> strides,
              int64_t offset) {
  Array a{dtype, std::move(shape), std::move(strides), offset, {}};
  int64_t last = offset;
  for (size_t d = 0; d < a.shape.size(); ++d) last += (a.shape[d] - 1) * a.strides[d];
  const int64_t elements = a.count() == 0 ? 0 : last + 1;
  a.bytes.assign(static_cast<size_t>(elements * dtype_size(dtype)), kUntouched);
  return a;
}

namespace {

std::vector<int64_t> row_major(const std::vector<int64_t>& shape) {
  std::vector<int64_t> strides(shape.size());
  int64_t stride = 1;
  for (size_t d = shape.size(); d-- > 0; stride *= shape[d]) strides[d] = stride;
  return strides;
}

std::vector<int64_t> column_major(const std::vector<int64_t>& shape, int64_t first) {
  std::vector<int64_t> strides(shape.size());
  int64_t stride = first;
  for (size_t d = 0; d < shape.size(); stride *= shape[d++]) strides[d] = stride;
  return strides;
}

std::vector<int64_t> padded_rows(const std::vector<int64_t>& shape) {
  std::vector<int64_t> strides(shape.size());
  int64_t stride = 1;
  for (size_t d = shape.size(); d-- > 0;) {
    strides[d] = stride;
    stride = stride * shape[d] + (d + 1 == shape.size() ? 3 : 0);
  }
  return strides;
}

}  // namespace

Array dense(uint32_t dtype, std::vector<int64_t> shape) {
  std::vector<int64_t> strides = row_major(shape);
  return strided(dtype, std::move(shape), std::move(strides), 0);
}

Array of_reals(uint32_t dtype, std::vector<int64_t> shape, const std::vector<double>& values) {
  Array a = dense(dtype, std::move(shape));
  for (size_t i = 0; i < values.size(); ++i) a.set_real(static_cast<int64_t>(i), values[i]);
  return a;
}

Array of_wholes(uint32_t dtype, std::vector<int64_t> shape, const std::vector<int64_t>& values) {
  Array a = dense(dtype, std::move(shape));
  for (size_t i = 0; i < values.size(); ++i) a.set_whole(static_cast<int64_t>(i), values[i]);
  return a;
}

Array made_dense(const Array& a) {
  Array out = dense(a.dtype, a.shape);
  const int64_t size = dtype_size(a.dtype);
  for (int64_t i = 0; i < a.count(); ++i) std::copy_n(a.at(i), size, out.at(i));
  return out;
}

const char* layout_name(Layout layout) {
  constexpr const char* kNames[] = {"dense", "offset",    "transposed", "gaps",
                                    "rows",  "broadcast", "one_element"};
  return kNames[static_cast<size_t>(layout)];
}

Array laid_out(uint32_t dtype, std::vector<int64_t> shape, Layout layout) {
  std::vector<int64_t> strides = row_major(shape);
  int64_t offset = 0;
  switch (layout) {
    case Layout::kDense:
      break;
    case Layout::kOffset:
      offset = 1;
      break;
    case Layout::kTransposed:
      strides = column_major(shape, 1);
      break;
    case Layout::kGaps:
      strides = column_major(shape, 2);
      offset = 5;
      break;
    case Layout::kRows:
      strides = padded_rows(shape);
      break;
    case Layout::kBroadcast:
      if (!strides.empty()) strides[0] = 0;
      break;
    case Layout::kOneElement:
      strides.assign(shape.size(), 0);
      break;
  }
  return strided(dtype, std::move(shape), std::move(strides), offset);
}

// ---- values ------------------------------------------------------------------------------------

const char* values_name(Values values) {
  constexpr const char* kNames[] = {"small", "near_one", "half_zero", "special"};
  return kNames[static_cast<size_t>(values)];
}

namespace {

double random_real(Random& random, Values values) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  constexpr double kSpecials[] = {kNan, kInf, -kInf, 0.0, -0.0, 1.0, -1.0, 1.0};
  switch (values) {
    case Values::kNearOne:
      return random.real(0.8, 1.25) * (random.below(2) == 0 ? 1 : -1);
    case Values::kNonzero:
      return random.below(2) == 0 ? 0.0 : random.real(-2, 2);
    case Values::kSpecial:
      return random.below(6) == 0 ? kSpecials[random.below(8)] : random.real(-2, 2);
    default:
      return random.real(-2, 2);
  }
}

int64_t random_whole(Random& random, Values values, uint32_t dtype) {
  if (dtype == TN_DTYPE_BOOL) return random.below(2);
  const int64_t low = dtype == TN_DTYPE_U8 ? 0 : -3;
  if (values == Values::kNearOne) return random.below(8) == 0 ? 2 : 1;
  if (values == Values::kNonzero && random.below(2) == 0) return 0;
  return low + random.below(7);
}

}  // namespace

void fill_values(Array& a, Random& random, Values values) {
  const int64_t count = a.count();
  for (int64_t i = 0; i < count; ++i) {
    if (is_float(a.dtype)) {
      a.set_real(i, random_real(random, values));
    } else {
      a.set_whole(i, random_whole(random, values, a.dtype));
    }
  }
}

Array filled(uint32_t dtype, std::vector<int64_t> shape, Layout layout, Random& random,
             Values values) {
  Array a = laid_out(dtype, std::move(shape), layout);
  fill_values(a, random, values);
  return a;
}

Array indices(std::vector<int64_t> shape, Layout layout, int64_t extent, Random& random) {
  Array a = laid_out(TN_DTYPE_I64, std::move(shape), layout);
  const int64_t count = a.count();
  for (int64_t i = 0; i < count; ++i) a.set_whole(i, random.below(extent));
  return a;
}

}  // namespace tenon::conform
