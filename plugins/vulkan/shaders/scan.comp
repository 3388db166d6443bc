// Inclusive running sum or product of lines. A workgroup walks a line, 256 elements a step, by
// doubling inside the step: each value is joined log2(256) times and once a step.
#version 460
#include "common.glsl"
#include "typed.glsl"

layout(constant_id = 0) const uint kDtype = 9u;
layout(constant_id = 1) const bool kProduct = false;

layout(local_size_x = 256) in;

shared T values[256];

T join(const T a, const T b) { return kProduct ? a * b : a + b; }

// Parameters: 0 lines, 1 their length, 2 strides along dim of out and in, 4 rank of the lines, 5 -,
// 6 out, 8 in, 10 extents and strides of out, in.
void main() {
  const uint line = group_number(), length_ = param(1), local = gl_LocalInvocationID.x;
  if (line >= param(0)) return;
  uint rest = line, out_offset = 0u, in_offset = 0u;
  for (uint d = param(4); d-- > 0u;) {
    const uint extent = param(10u + 3u * d), at = rest % extent;
    rest /= extent;
    out_offset += at * param(11u + 3u * d);
    in_offset += at * param(12u + 3u * d);
  }
  T carry = kProduct ? T(1) : T(0);
  for (uint first = 0u; first < length_; first += 256u) {
    const uint k = first + local;
    T x = kProduct ? T(1) : T(0);
    if (k < length_) x = load(kDtype, param64(8) + uint64_t(in_offset + k * param(3)) * size_of(kDtype));
    values[local] = x;
    barrier();
    for (uint step_ = 1u; step_ < 256u; step_ *= 2u) {
      T joined = values[local];
      if (local >= step_) joined = join(values[local - step_], joined);
      barrier();
      values[local] = joined;
      barrier();
    }
    const T result = join(carry, values[local]);
    if (k < length_) {
      store(kDtype, param64(6) + uint64_t(out_offset + k * param(2)) * size_of(kDtype), result);
    }
    carry = join(carry, values[255]);
    barrier();
  }
}
