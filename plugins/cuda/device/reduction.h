// Reductions: one tree, fixed by the number of values alone, whichever kernel walks it. A row of
// values is cut into segments of 1024; in a segment lane l of 32 takes values 4 l .. 4 l + 3, the
// four that lie 128 further on, and so on, one after another, and the lanes are joined by halves.
// The segments' results are a row again.
#ifndef TENON_PLUGINS_CUDA_DEVICE_REDUCTION_H
#define TENON_PLUGINS_CUDA_DEVICE_REDUCTION_H

#include "device/packs.h"
#include "device/values.h"

namespace tenon::cuda {

inline constexpr int kLanes = 32, kQuad = 4, kRound = kLanes * kQuad, kSegment = 1024;
// Segments that one block takes, a warp a segment.
inline constexpr int kBlockSegments = 1024;

// Numbers of the ABI.
inline constexpr uint32_t kReduceSum = 1, kReduceProd = 2, kReduceMax = 3, kReduceMin = 4,
                          kReduceArgMax = 5, kReduceArgMin = 6, kReduceAny = 7, kReduceAll = 8;

struct ReduceParams {
  int64_t rows, values, segments;  // values of a row, segments of a row
  const void* in;
  void* out;      // the result's first element; used when a row is one segment
  void* partial;  // [rows][segments], else
  uint32_t kind, in_dtype, out_dtype;
  uint32_t packed;     // every four values of a lane lie together and aligned
  uint32_t small;      // 32-bit index arithmetic is enough for a row
  uint32_t lane_bits;  // log2 of the lanes that have values
  int32_t row_rank, value_rank;
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

template <class A>
TENON_HD inline A greatest_of() {
  if constexpr (kSame<A, double>) {
    return bits_as<double>(uint64_t{0x7ff} << 52);
  } else if constexpr (kSame<A, float>) {
    return bits_as<float>(0x7f800000u);
  } else {
    return Range<int64_t>::high;
  }
}
template <class A>
TENON_HD inline A least_of() {
  if constexpr (kSame<A, int64_t>) {
    return Range<int64_t>::low;
  } else {
    return -greatest_of<A>();
  }
}

// Accumulators of class A. kKind = 0: the kind is known at run time only.
template <class A, uint32_t kKind = 0>
struct Joining {
  using Accumulator = A;
  uint32_t run_time_kind;

  TENON_HD uint32_t kind() const { return kKind != 0 ? kKind : run_time_kind; }
  TENON_HD A identity() const {
    if (kind() == kReduceProd || kind() == kReduceAll) return A(1);
    if (kind() == kReduceSum || kind() == kReduceAny) return A(0);
    return kind() == kReduceMax ? least_of<A>() : greatest_of<A>();
  }
  TENON_HD A join(A a, A b) const {
    switch (kind()) {
      case kReduceSum:
        if constexpr (kSame<A, int64_t>)
          return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
        else
          return a + b;
      case kReduceProd:
        if constexpr (kSame<A, int64_t>)
          return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
        else
          return a * b;
      case kReduceMax:
      case kReduceAny:
        return a > b || is_nan(a) ? a : b;
      default:
        return a < b || is_nan(a) ? a : b;
    }
  }
  TENON_HD A take(A sum, A value, int64_t) const { return join(sum, value); }
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
  // Of values that come in their order.
  TENON_HD Found<A> take(Found<A> best, A value, int64_t number) const {
    return best.index < 0 || beats(best.value, value) ? Found<A>{value, number} : best;
  }
  TENON_HD Found<A> take(Found<A> best, Found<A> other, int64_t) const { return join(best, other); }
};

// ---- how a value enters ----------------------------------------------------------------------

// Of one element type: many loads are under way at once.
template <class T, class A>
struct Typed {
  using Element = T;
  TENON_HD static A of(T x) { return static_cast<A>(value_of(x)); }
};
struct TypedTruth {
  using Element = Bool;
  TENON_HD static int64_t of(Bool x) { return value_of(x); }
};
template <class A>
struct Again {  // results of segments
  using Element = A;
  TENON_HD static A of(A x) { return x; }
};

// Of a dtype that is known at run time.
struct AnyWhole {  // bool and integers
  using Element = void;
  TENON_HD static int64_t load(const void* in, int64_t at, uint32_t dtype) {
    int64_t out = 0;
    visit_dtype(dtype, [&](auto element) {
      using T = decltype(element);
      if constexpr (!kIsReal<T>) out = value_of(static_cast<const T*>(in)[at]);
    });
    return out;
  }
};
struct AnyReal {
  using Element = void;
  TENON_HD static double load(const void* in, int64_t at, uint32_t dtype) {
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
struct AnyTruth {
  using Element = void;
  TENON_HD static int64_t load(const void* in, int64_t at, uint32_t dtype) {
    int64_t out = 0;
    visit_dtype(dtype, [&](auto element) {
      using T = decltype(element);
      out = value_of(static_cast<const T*>(in)[at]) == 0 ? 0 : 1;
    });
    return out;
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

template <class A>
TENON_HD inline void leave(const ReduceParams& p, int64_t row, A value) {
  const int64_t at = offset_along(p.row_rank, p.row_shape, p.row_strides[0], row);
  store_result(p.out, at, p.out_dtype, value);
}

// ---- lanes -----------------------------------------------------------------------------------

// Offset of value `number` in its row.
TENON_HD inline int64_t value_offset(const ReduceParams& p, int64_t number) {
  if (p.value_rank == 1) return number * p.value_strides[0];
  if (p.small == 0) return offset_along(p.value_rank, p.value_shape, p.value_strides, number);
  uint32_t rest = static_cast<uint32_t>(number), offset = 0;
  for (int d = p.value_rank - 1; d > 0; --d) {
    const uint32_t extent = static_cast<uint32_t>(p.value_shape[d]);
    const uint32_t above = rest / extent;
    offset += (rest - above * extent) * static_cast<uint32_t>(p.value_strides[d]);
    rest = above;
  }
  return offset + rest * static_cast<uint32_t>(p.value_strides[0]);
}

// The values of segment `segment` from lane `lane`'s first on; what lies behind them is other
// lanes' in part.
TENON_HD inline int values_from(const ReduceParams& p, int64_t segment, int lane) {
  const int64_t left = p.values - segment * kSegment;
  return static_cast<int>(left < kSegment ? left : kSegment) - lane * kQuad;
}

// How the values of a row lie.
enum class Lie {
  kDense,   // packed, one behind another
  kFolded,  // packed, in two dimensions that 32-bit arithmetic holds
  kStepped  // in one dimension
};

template <Lie kLie>
TENON_HD inline int64_t offset_of_four(const ReduceParams& p, int64_t number) {
  if constexpr (kLie == Lie::kDense) {
    return number;
  } else {
    const uint32_t whole = static_cast<uint32_t>(number);
    const uint32_t extent = static_cast<uint32_t>(p.value_shape[1]), above = whole / extent;
    return above * static_cast<uint32_t>(p.value_strides[0]) + (whole - above * extent);
  }
}

// First all loads, then the values in their order.
template <int kRounds, Lie kLie, class Reducer, class Source>
TENON_HD inline typename Reducer::Accumulator lane_of_type(const ReduceParams& p,
                                                           const Reducer& reducer, int64_t base,
                                                           int64_t segment, int lane) {
  using T = typename Source::Element;
  const T* in = static_cast<const T*>(p.in) + base;
  const int64_t first = segment * kSegment + lane * kQuad, step = p.value_strides[0];
  const int count = values_from(p, segment, lane);
  const int loaded = kLie == Lie::kStepped ? count : count & ~(kQuad - 1);
  T x[kRounds * kQuad];
  TENON_UNROLL
  for (int j = 0; j < kRounds; ++j) {
    if constexpr (kLie != Lie::kStepped) {
      if (j * kRound >= loaded) continue;
      const auto four = load_pack<kQuad>(in + offset_of_four<kLie>(p, first + j * kRound));
      TENON_UNROLL
      for (int i = 0; i < kQuad; ++i) x[j * kQuad + i] = four.at[i];
    } else {
      TENON_UNROLL
      for (int i = 0; i < kQuad; ++i) {
        if (j * kRound + i < count) x[j * kQuad + i] = in[(first + j * kRound + i) * step];
      }
    }
  }
  auto sum = reducer.identity();
  TENON_UNROLL
  for (int j = 0; j < kRounds; ++j) {
    TENON_UNROLL
    for (int i = 0; i < kQuad; ++i) {
      if (j * kRound + i >= loaded) continue;
      sum = reducer.take(sum, Source::of(x[j * kQuad + i]), first + j * kRound + i);
    }
  }
  // Of four values that are not all there: they are the lane's last.
  if (kLie == Lie::kDense && count > 0 && loaded < count && count % kRound < kQuad) {
    for (int r = loaded; r < count; ++r) {
      sum = reducer.take(sum, Source::of(in[first + r]), first + r);
    }
  }
  return sum;
}
template <Lie kLie, class Reducer, class Source>
TENON_HD inline typename Reducer::Accumulator lane_of_type(const ReduceParams& p,
                                                           const Reducer& reducer, int64_t base,
                                                           int64_t segment, int lane) {
  if (p.values <= kRound) {
    return lane_of_type<1, kLie, Reducer, Source>(p, reducer, base, 0, lane);
  }
  constexpr int kRounds = kSegment / kRound;
  return lane_of_type<kRounds, kLie, Reducer, Source>(p, reducer, base, segment, lane);
}

// What lane `lane` of segment `segment` adds up. kPacks: the values may be packed.
template <bool kPacks, class Reducer, class Source>
TENON_HD inline typename Reducer::Accumulator lane_result(const ReduceParams& p,
                                                          const Reducer& reducer, int64_t base,
                                                          int64_t segment, int lane) {
  using T = typename Source::Element;
  if constexpr (!kSame<T, void>) {
    if constexpr (kPacks) {
      if (p.packed != 0 && p.value_rank == 1) {
        return lane_of_type<Lie::kDense, Reducer, Source>(p, reducer, base, segment, lane);
      }
      if (p.packed != 0) {
        return lane_of_type<Lie::kFolded, Reducer, Source>(p, reducer, base, segment, lane);
      }
    }
    if (p.value_rank == 1) {
      return lane_of_type<Lie::kStepped, Reducer, Source>(p, reducer, base, segment, lane);
    }
  }
  auto sum = reducer.identity();
  const int64_t first = segment * kSegment + lane * kQuad;
  const int count = values_from(p, segment, lane);
  for (int j = 0; j < count; j += kRound) {
    for (int r = j; r < j + kQuad && r < count; ++r) {
      const int64_t at = base + value_offset(p, first + r);
      if constexpr (kSame<T, void>) {
        sum = reducer.take(sum, Source::load(p.in, at, p.in_dtype), first + r);
      } else {
        sum = reducer.take(sum, Source::of(static_cast<const T*>(p.in)[at]), first + r);
      }
    }
  }
  return sum;
}

// The same of results that lie in shared memory, at most a segment of them.
template <class Reducer>
TENON_HD inline typename Reducer::Accumulator lane_of_results(
    const Reducer& reducer, const typename Reducer::Accumulator* results, int count, int lane) {
  auto sum = reducer.identity();
  for (int j = lane * kQuad; j < count; j += kRound) {
    for (int r = j; r < j + kQuad && r < count; ++r) sum = reducer.take(sum, results[r], r);
  }
  return sum;
}

}  // namespace tenon::cuda

#endif
