// Stable sort of lines by counting: the place of an element is the number of those before it. The
// line passes through shared memory 256 keys at a time.
#version 460
#include "common.glsl"
#include "typed.glsl"

layout(constant_id = 0) const uint kDtype = 9u;
layout(constant_id = 1) const bool kDescending = false;

layout(local_size_x = 256) in;

shared uint64_t keys[256];

// A number that orders as the element does; all NaN are one, greater than every number, and so are
// the zeros of both signs.
uint64_t key_of(const uint64_t a) {
#ifdef CLASS_F
  const T x = load(kDtype, a);
  const uint bits = floatBitsToUint(x);
  uint key = (bits & 0x80000000u) != 0u ? ~bits : bits | 0x80000000u;
  if (is_nan(x)) key = 0xffffffffu;
  if ((bits & 0x7fffffffu) == 0u) key = 0x80000000u;
  const uint64_t whole = uint64_t(key);
#elif defined(CLASS_D)
  const uint64_t bits = get64(a), magnitude = bits & 0x7ffffffffffffffful;
  uint64_t whole = magnitude != bits ? ~bits : bits | 0x8000000000000000ul;
  if (magnitude > 0x7ff0000000000000ul) whole = 0xfffffffffffffffful;
  if (magnitude == 0ul) whole = 0x8000000000000000ul;
#else
  const uint64_t whole = uint64_t(load(kDtype, a)) ^ 0x8000000000000000ul;
#endif
  return kDescending ? ~whole : whole;
}

// Parameters: 0 lines, 1 their length, 2 strides along dim of values, indices, in, 5 rank of the
// lines, 6 values, 8 indices, 10 in, 12 groups of a line, 13 extents and strides of values,
// indices, in.
void main() {
  const uint groups = param(12), length_ = param(1), local = gl_LocalInvocationID.x;
  const uint line = group_number() / groups, own = group_number() % groups * 256u + local;
  if (line >= param(0)) return;
  uint rest = line, values_offset = 0u, indices_offset = 0u, in_offset = 0u;
  for (uint d = param(5); d-- > 0u;) {
    const uint extent = param(13u + 4u * d), at = rest % extent;
    rest /= extent;
    values_offset += at * param(14u + 4u * d);
    indices_offset += at * param(15u + 4u * d);
    in_offset += at * param(16u + 4u * d);
  }
  const uint64_t in_ = param64(10);
  const uint size = size_of(kDtype), stride = param(4);
  const uint64_t address = in_ + uint64_t(in_offset + min(own, length_ - 1u) * stride) * size;
  const uint64_t key = key_of(address);
  uint place = 0u;
  for (uint first = 0u; first < length_; first += 256u) {
    const uint k = min(first + local, length_ - 1u);
    keys[local] = key_of(in_ + uint64_t(in_offset + k * stride) * size);
    barrier();
    const uint most = min(256u, length_ - first);
    for (uint j = 0u; j < most; ++j) {
      if (keys[j] < key || (keys[j] == key && first + j < own)) ++place;
    }
    barrier();
  }
  if (own >= length_) return;
  store(kDtype, param64(6) + uint64_t(values_offset + place * param(2)) * size, load(kDtype, address));
  put64(param64(8) + uint64_t(indices_offset + place * param(3)) * 8ul, uint64_t(own));
}
