// out[i] = in[i with i_dim = index[i]], bits as they are.
#version 460
#include "common.glsl"

layout(constant_id = 0) const uint kSize = 4u;

layout(local_size_x = 256) in;

// Parameters: 0 elements, 1 extent of in along dim, 2 stride of in along dim, 3 rank, 4 out, 6 in,
// 8 index, 10 word for bad indices, 12 number of the launch, 13 extents and strides of out, in (0
// along dim), index.
void main() {
  const uint i = group_number() * 256u + gl_LocalInvocationID.x;
  if (i >= param(0)) return;
  uint rest = i, out_offset = 0u, in_offset = 0u, index_offset = 0u;
  for (uint d = param(3); d-- > 0u;) {
    const uint extent = param(13u + 4u * d), at = rest % extent;
    rest /= extent;
    out_offset += at * param(14u + 4u * d);
    in_offset += at * param(15u + 4u * d);
    index_offset += at * param(16u + 4u * d);
  }
  const uint extent = param(1);
  const uint64_t index = get64(param64(8) + uint64_t(index_offset) * 8ul);
  uint at = uint(index);
  if (index >= uint64_t(extent)) {
    atomicMin(Ref32(param64(10)).at, param(12));
    at = (index >> 63) != 0ul || extent == 0u ? 0u : extent - 1u;
    if (extent == 0u) return;
  }
  const uint64_t from = param64(6) + uint64_t(in_offset + at * param(2)) * kSize;
  const uint64_t to = param64(4) + uint64_t(out_offset) * kSize;
  switch (kSize) {
    case 1u:
      put8(to, get8(from));
      break;
    case 2u:
      put16(to, get16(from));
      break;
    case 4u:
      put32(to, get32(from));
      break;
    default:
      put64(to, get64(from));
  }
}
