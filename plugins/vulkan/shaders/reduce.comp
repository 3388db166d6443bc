// Reduction of lines. A line is cut into chunks, a chunk goes to 32 lanes by turns, their results
// meet in a tree: the order of the additions depends on the line's length alone. Several chunks
// leave their results side by side, and the same kernel reduces those.
#version 460
#include "common.glsl"
#include "typed.glsl"

layout(constant_id = 0) const uint kIn = 9u;
layout(constant_id = 1) const uint kOut = 9u;
layout(constant_id = 2) const uint kKind = 1u;  // TN_REDUCE_*; 9: how many are not zero

layout(local_size_x = 256) in;

const uint kLanes = 32u, kSlots = 8u;

shared T parts[256];
#ifdef ARGUMENT
shared uint places[256];
#endif

#ifdef CLASS_F
bool is_bad(const T x) { return is_nan(x); }
T least() { return -infinity_f(); }
T greatest() { return infinity_f(); }
#elif defined(CLASS_D)
bool is_bad(const T x) {
  return (doubleBitsToUint64(x) & 0x7ffffffffffffffful) > 0x7ff0000000000000ul;
}
T least() { return uint64BitsToDouble(0xfff0000000000000ul); }
T greatest() { return uint64BitsToDouble(0x7ff0000000000000ul); }
#else
bool is_bad(const T x) { return false; }
T least() { return int64_t(0x8000000000000000ul); }
T greatest() { return 0x7fffffffffffffffl; }
#endif

T identity() {
  if (kKind == 2u || kKind == 8u) return T(1);
  return kKind == 3u ? least() : kKind == 4u ? greatest() : T(0);
}
T join(const T a, const T b) {
  switch (kKind) {
    case 2u:
      return a * b;
    case 3u:
      return is_bad(a) ? a : is_bad(b) ? b : a > b ? a : b;
    case 4u:
      return is_bad(a) ? a : is_bad(b) ? b : a < b ? a : b;
    case 7u:
      return a != T(0) || b != T(0) ? T(1) : T(0);
    case 8u:
      return a != T(0) && b != T(0) ? T(1) : T(0);
    default:
      return a + b;
  }
}
T element(const uint64_t a) {
  if (kKind >= 7u) return is_set(kIn, a) ? T(1) : T(0);
  return load(kIn, a);
}

#ifdef ARGUMENT
// Is (b, at j) to be taken rather than (a, at i)? 0xffffffff: nothing yet.
bool better(const T a, const uint i, const T b, const uint j) {
  if (j == 0xffffffffu) return false;
  if (i == 0xffffffffu) return true;
  const bool bad_a = is_bad(a), bad_b = is_bad(b);
  if (bad_a || bad_b) return bad_b && (!bad_a || j < i);
  if (a == b) return j < i;
  return kKind == 5u ? b > a : b < a;
}
#endif

// Parameters: 0 lines, 1 their length, 2 chunks of a line, 3 length of a chunk, 4 in, 6 out, 8 rank
// of the lines, 9 rank inside, 10 extents and strides of in and out, 34 extents and strides inside,
// 50 are the elements of a line neighbours?
uint offset_inside(const uint place) {
  uint rest = place, offset = 0u;
  const uint rank = param(9);
  for (uint d = rank; d-- > 1u;) {
    const uint extent = param(34u + 2u * d);
    offset += rest % extent * param(35u + 2u * d);
    rest /= extent;
  }
  return rank == 0u ? 0u : offset + rest * param(35u);
}

void main() {
  const uint lines = param(0), length_ = param(1), chunks = param(2), chunk_length = param(3);
  const bool neighbours = param(50) != 0u;
  const uint local = gl_LocalInvocationID.x;
  const uint lane = neighbours ? local % kLanes : local / kSlots;
  const uint slot = neighbours ? local / kLanes : local % kSlots;
  const uint work = group_number() * kSlots + slot;
  const uint line = work / chunks, chunk = work % chunks;
  const bool in_range = work < lines * chunks;

  uint in_offset = 0u, out_offset = 0u, rest = line;
  for (uint d = param(8); d-- > 0u;) {
    const uint extent = param(10u + 3u * d), at = rest % extent;
    rest /= extent;
    in_offset += at * param(11u + 3u * d);
    out_offset += at * param(12u + 3u * d);
  }
  const uint64_t base = param64(4) + uint64_t(in_offset) * size_of(kIn);
  const uint begin = chunk * chunk_length;
  const uint end = in_range ? min(length_, begin + chunk_length) : begin;
#ifdef ARGUMENT
  T sum = T(0);
  uint best = 0xffffffffu;
  for (uint k = begin + lane; k < end; k += kLanes) {
    const T x = load(kIn, base + uint64_t(offset_inside(k)) * size_of(kIn));
    if (better(sum, best, x, k)) {
      sum = x;
      best = k;
    }
  }
  places[slot * kLanes + lane] = best;
#else
  T sum = identity();
  for (uint k = begin + lane; k < end; k += kLanes) {
    sum = join(sum, element(base + uint64_t(offset_inside(k)) * size_of(kIn)));
  }
#endif
  const uint own = slot * kLanes + lane;
  parts[own] = sum;
  barrier();
  for (uint half_ = kLanes / 2u; half_ > 0u; half_ /= 2u) {
    if (lane < half_) {
#ifdef ARGUMENT
      if (better(parts[own], places[own], parts[own + half_], places[own + half_])) {
        parts[own] = parts[own + half_];
        places[own] = places[own + half_];
      }
#else
      parts[own] = join(parts[own], parts[own + half_]);
#endif
    }
    barrier();
  }
  if (!in_range || lane != 0u) return;
#ifdef ARGUMENT
  put64(param64(6) + uint64_t(out_offset) * 8ul, uint64_t(places[own]));
#else
  store(kOut, param64(6) + uint64_t(out_offset + chunk) * size_of(kOut), parts[own]);
#endif
}
