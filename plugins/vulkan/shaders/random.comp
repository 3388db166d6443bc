// Philox4x32-10 (Salmon et al., SC'11): four words a counter, word number i of the sequence for
// element i.
#version 460
#include "common.glsl"

layout(constant_id = 0) const bool kUniform = false;

layout(local_size_x = 256) in;

// Parameters: 0 elements, 1 rank, 2 out, 4 seed, 6 offset, 8 extents and strides.
void put(const uint i, const uint word) {
  uint rest = i, offset = 0u;
  for (uint d = param(1); d-- > 0u;) {
    const uint extent = param(8u + 2u * d);
    offset += rest % extent * param(9u + 2u * d);
    rest /= extent;
  }
  if (kUniform) {
    put32(param64(2) + uint64_t(offset) * 4ul, floatBitsToUint(float(word >> 8) * 5.9604644775390625e-8));
  } else {
    put64(param64(2) + uint64_t(offset) * 8ul, uint64_t(word));
  }
}

void main() {
  const uint group = group_number() * 256u + gl_LocalInvocationID.x, count = param(0);
  if (group * 4u >= count) return;
  uvec4 c = uvec4(group, 0u, param(6), param(7));
  uint key0 = param(4), key1 = param(5);
  for (int turn = 0; turn < 10; ++turn) {
    uint high0, low0, high1, low1;
    umulExtended(0xD2511F53u, c.x, high0, low0);
    umulExtended(0xCD9E8D57u, c.z, high1, low1);
    c = uvec4(high1 ^ c.y ^ key0, low1, high0 ^ c.w ^ key1, low0);
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  for (uint lane = 0u; lane < 4u; ++lane) {
    if (group * 4u + lane < count) put(group * 4u + lane, c[lane]);
  }
}
