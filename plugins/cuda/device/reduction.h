// Reductions: one tree, fixed by the number of values alone, whichever kernel walks it. A row of
// values is cut into segments of 1024; in a segment lane l of 32 takes values l, l + 32, ... one
// after another, and the lanes are joined by halves. The segments' results are a row again.
#ifndef TENON_PLUGINS_CUDA_DEVICE_REDUCTION_H
#define TENON_PLUGINS_CUDA_DEVICE_REDUCTION_H

#include "device/values.h"

namespace tenon::cuda {

inline constexpr int kLanes = 32, kSegment = 1024;

// Numbers of the ABI.
inline constexpr uint32_t kReduceSum = 1, kReduceProd = 2, kReduceMax = 3, kReduceMin = 4,
                          kReduceArgMax = 5, kReduceArgMin = 6, kReduceAny = 7, kReduceAll = 8;

struct ReduceParams {
  int64_t rows, values, segments;  // values of a row, segments of a row
  const void* in;
  void* out;      // the result's first element; used when a row is one segment
  void* partial;  // [rows][segments], else
  uint32_t kind, in_dtype, out_dtype;
  int32_t row_rank, value_rank;
  uint32_t reserved;
  int64_t row_shape[kMaxRank];
  int64_t row_strides[2][kMaxRank];  // of out, of in
  int64_t value_shape[kMaxRank];
  int64_t value_strides[kMaxRank];
};

// An extreme and where it is.
template <class A>
struct Found {
  A value;
  int64_t index;  // -1: none
};

template <class A>
TENON_HD inline bool is_nan(A x) {
  return x != x;
}

// Accumulators of class A (double or int64_t).
template <class A>
struct Joining {
  using Accumulator = A;
  uint32_t kind;

  TENON_HD A identity() const {
    if (kind == kReduceProd || kind == kReduceAll) return A(1);
    if (kind == kReduceSum || kind == kReduceAny) return A(0);
    if constexpr (kSame<A, double>) {
      const double infinity = bits_as<double>(uint64_t{0x7ff} << 52);
      return kind == kReduceMax ? -infinity : infinity;
    } else {
      return kind == kReduceMax ? Range<int64_t>::low : Range<int64_t>::high;
    }
  }
  TENON_HD A join(A a, A b) const {
    switch (kind) {
      case kReduceSum:
        if constexpr (kSame<A, double>)
          return a + b;
        else
          return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
      case kReduceProd:
        if constexpr (kSame<A, double>)
          return a * b;
        else
          return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
      case kReduceMax:
      case kReduceAny:
        return a > b || is_nan(a) ? a : b;
      default:
        return a < b || is_nan(a) ? a : b;
    }
  }
};

// ARGMAX and ARGMIN: the first of equals, the first NaN before all.
template <class A>
struct Finding {
  using Accumulator = Found<A>;
  uint32_t kind;

  TENON_HD Found<A> identity() const { return {A(0), -1}; }
  TENON_HD bool beats(A a, A b) const {  // b beats a
    if (is_nan(a)) return false;
    if (is_nan(b)) return true;
    return kind == kReduceArgMax ? b > a : b < a;
  }
  TENON_HD Found<A> join(Found<A> a, Found<A> b) const {
    if (a.index < 0) return b;
    if (b.index < 0) return a;
    if (beats(a.value, b.value)) return b;
    if (beats(b.value, a.value)) return a;
    return a.index < b.index ? a : b;
  }
};

// ---- how a value enters ----------------------------------------------------------------------

template <class T, class A>
struct LoadAs {
  TENON_HD static A load(const void* in, int64_t at, uint32_t, int64_t) {
    return static_cast<A>(value_of(static_cast<const T*>(in)[at]));
  }
};
struct LoadWhole {  // bool and integers
  TENON_HD static int64_t load(const void* in, int64_t at, uint32_t dtype, int64_t) {
    int64_t out = 0;
    visit_dtype(dtype, [&](auto element) {
      using T = decltype(element);
      if constexpr (!kIsReal<T>) out = value_of(static_cast<const T*>(in)[at]);
    });
    return out;
  }
};
struct LoadReal {
  TENON_HD static double load(const void* in, int64_t at, uint32_t dtype, int64_t) {
    double out = 0;
    visit_dtype(dtype, [&](auto element) {
      using T = decltype(element);
      if constexpr (kIsReal<T>) {
        out = static_cast<double>(value_of(static_cast<const T*>(in)[at]));
      }
    });
    return out;
  }
};
struct LoadTruth {
  TENON_HD static int64_t load(const void* in, int64_t at, uint32_t dtype, int64_t) {
    int64_t out = 0;
    visit_dtype(dtype, [&](auto element) {
      using T = decltype(element);
      out = value_of(static_cast<const T*>(in)[at]) == 0 ? 0 : 1;
    });
    return out;
  }
};
template <class Load, class A>
struct LoadFound {
  TENON_HD static Found<A> load(const void* in, int64_t at, uint32_t dtype, int64_t number) {
    return {Load::load(in, at, dtype, number), number};
  }
};
template <class A>
struct LoadAgain {  // results of segments
  TENON_HD static A load(const void* in, int64_t at, uint32_t, int64_t) {
    return static_cast<const A*>(in)[at];
  }
};

// ---- how a result leaves ---------------------------------------------------------------------

template <class A>
TENON_HD inline void store_result(void* out, int64_t at, uint32_t dtype, A value) {
  visit_dtype(dtype, [&](auto element) {
    using T = decltype(element);
    static_cast<T*>(out)[at] = element_of<T>(cast<T, A>(value));
  });
}
template <class A>
TENON_HD inline void store_result(void* out, int64_t at, uint32_t, Found<A> found) {
  static_cast<int64_t*>(out)[at] = found.index;
}

// Offset of position `number` along some dimensions.
TENON_HD inline int64_t offset_along(int32_t rank, const int64_t* shape, const int64_t* strides,
                                     int64_t number) {
  if (rank == 1) return number * strides[0];
  int64_t offset = 0;
  for (int d = rank - 1; d >= 0; --d) {
    const int64_t above = d == 0 ? 0 : number / shape[d];
    offset += (number - above * shape[d]) * strides[d];
    number = above;
  }
  return offset;
}

// What lane `lane` of segment `segment` adds up.
template <class Reducer, class Load>
TENON_HD inline typename Reducer::Accumulator lane_result(const ReduceParams& p,
                                                          const Reducer& reducer, int64_t base,
                                                          int64_t segment, int lane) {
  typename Reducer::Accumulator sum = reducer.identity();
  const int64_t begin = segment * kSegment + lane;
  const int64_t end = p.values < (segment + 1) * kSegment ? p.values : (segment + 1) * kSegment;
  for (int64_t r = begin; r < end; r += kLanes) {
    const int64_t at = base + offset_along(p.value_rank, p.value_shape, p.value_strides, r);
    sum = reducer.join(sum, Load::load(p.in, at, p.in_dtype, r));
  }
  return sum;
}

template <class A>
TENON_HD inline void leave(const ReduceParams& p, int64_t row, int64_t segment, A value) {
  if (p.segments == 1) {
    const int64_t at = offset_along(p.row_rank, p.row_shape, p.row_strides[0], row);
    store_result(p.out, at, p.out_dtype, value);
  } else {
    static_cast<A*>(p.partial)[row * p.segments + segment] = value;
  }
}

}  // namespace tenon::cuda

#endif
