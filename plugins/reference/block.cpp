#include "block.h"

#include <bit>
#include <limits>

namespace tenon::reference {

using support::is_float;
using support::kBFloat16Format;
using support::kHalfFormat;
using support::kIsReal;
using support::load;
using support::round_to_format;
using support::store;
using support::visit_dtype;

void read(const Walk& walk, uint32_t dtype, const std::byte* data, int64_t begin, int64_t n,
          Block& to) {
  visit_dtype(dtype, [&]<class T>() {
    const int64_t step = walk.strides()[0] * int64_t{sizeof(T)};
    walk.run(begin, begin + n, [&](int64_t position, const Walk::Offsets& offsets, int64_t count) {
      const std::byte* p = data + offsets[0] * int64_t{sizeof(T)};
      for (int64_t k = position - begin; count > 0; ++k, --count, p += step) {
        if constexpr (kIsReal<T>) {
          to.real[k] = load<T>(p);
        } else {
          to.whole[k] = load<T>(p);
        }
      }
    });
  });
}

void write(const Walk& walk, uint32_t dtype, std::byte* data, int64_t begin, int64_t n,
           const Block& from) {
  visit_dtype(dtype, [&]<class T>() {
    const int64_t step = walk.strides()[0] * int64_t{sizeof(T)};
    walk.run(begin, begin + n, [&](int64_t position, const Walk::Offsets& offsets, int64_t count) {
      std::byte* p = data + offsets[0] * int64_t{sizeof(T)};
      for (int64_t k = position - begin; count > 0; ++k, --count, p += step) {
        if constexpr (kIsReal<T>) {
          store<T>(p, from.real[k]);
        } else {
          store<T>(p, from.whole[k]);
        }
      }
    });
  });
}

namespace {

template <class X>
double round_from(uint32_t dtype, X x) {
  switch (dtype) {
    case TN_DTYPE_F32:
      return static_cast<float>(x);
    case TN_DTYPE_F16:
      return static_cast<double>(round_to_format(x, kHalfFormat));
    case TN_DTYPE_BF16:
      return static_cast<double>(round_to_format(x, kBFloat16Format));
    default:
      return static_cast<double>(x);
  }
}

template <class T>
int64_t clamp_to(double x) {
  if (std::isnan(x)) return 0;
  constexpr T low = std::numeric_limits<T>::min(), high = std::numeric_limits<T>::max();
  if (x <= static_cast<double>(low)) return low;
  if (x >= static_cast<double>(high)) return high;
  return static_cast<T>(x);
}

int64_t to_whole(uint32_t dtype, double x) {
  switch (dtype) {
    case TN_DTYPE_BOOL:
      return x == 0 ? 0 : 1;
    case TN_DTYPE_U8:
      return clamp_to<uint8_t>(x);
    case TN_DTYPE_I8:
      return clamp_to<int8_t>(x);
    case TN_DTYPE_I16:
      return clamp_to<int16_t>(x);
    case TN_DTYPE_I32:
      return clamp_to<int32_t>(x);
    default:
      return clamp_to<int64_t>(x);
  }
}

}  // namespace

double round_to(uint32_t dtype, double x) { return round_from(dtype, x); }

int64_t wrap_to(uint32_t dtype, int64_t x) {
  switch (dtype) {
    case TN_DTYPE_BOOL:
      return x != 0;
    case TN_DTYPE_U8:
      return static_cast<uint8_t>(x);
    case TN_DTYPE_I8:
      return static_cast<int8_t>(x);
    case TN_DTYPE_I16:
      return static_cast<int16_t>(x);
    case TN_DTYPE_I32:
      return static_cast<int32_t>(x);
    default:
      return x;
  }
}

void cast(uint32_t from_dtype, const Block& from, uint32_t dtype, Block& to, int64_t n) {
  for (int64_t k = 0; k < n; ++k) {
    if (is_float(from_dtype) && is_float(dtype)) {
      to.real[k] = round_from(dtype, from.real[k]);
    } else if (is_float(from_dtype)) {
      to.whole[k] = to_whole(dtype, from.real[k]);
    } else if (is_float(dtype)) {
      // long double holds every int64, so that there is one rounding
      to.real[k] = dtype == TN_DTYPE_F32 || dtype == TN_DTYPE_F64
                       ? (dtype == TN_DTYPE_F32 ? static_cast<float>(from.whole[k])
                                                : static_cast<double>(from.whole[k]))
                       : round_from(dtype, static_cast<long double>(from.whole[k]));
    } else {
      to.whole[k] = wrap_to(dtype, from.whole[k]);
    }
  }
}

void read_scalar(uint64_t slot, uint32_t dtype, Block& to) {
  Block wide;
  if (is_float(dtype)) {
    wide.real[0] = std::bit_cast<double>(slot);
    cast(TN_DTYPE_F64, wide, dtype, to, 1);
  } else {
    wide.whole[0] = static_cast<int64_t>(slot);
    cast(TN_DTYPE_I64, wide, dtype, to, 1);
  }
}

tn_tensor with_dims(const tn_tensor& t, uint32_t mask) {
  tn_tensor out = t;
  out.rank = 0;
  for (uint32_t d = 0; d < t.rank; ++d) {
    if ((mask >> d & 1) == 0) continue;
    out.shape[out.rank] = t.shape[d];
    out.strides[out.rank++] = t.strides[d];
  }
  return out;
}

}  // namespace tenon::reference
