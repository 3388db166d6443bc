// Row-major coordinates of the elements that are not zero. One workgroup walks the tensor, 256
// elements a step: a running sum inside the step gives each its row.
#version 460
#include "common.glsl"
#include "typed.glsl"

layout(constant_id = 0) const uint kDtype = 9u;

layout(local_size_x = 256) in;

shared uint sums[256];

// Parameters: 0 elements, 1 rank, 2 out, 4 in, 6 rows of out, 7 strides of out, 9 extents and
// strides of in.
void main() {
  const uint count = param(0), rank = param(1), local = gl_LocalInvocationID.x;
  if (group_number() != 0u) return;
  uint found = 0u;
  for (uint first = 0u; first < count; first += 256u) {
    const uint i = first + local;
    uint coordinates[8];
    uint rest = i, offset = 0u;
    for (uint d = rank; d-- > 0u;) {
      const uint extent = param(9u + 2u * d);
      coordinates[d] = rest % extent;
      offset += coordinates[d] * param(10u + 2u * d);
      rest /= extent;
    }
    const bool set = i < count && is_set(kDtype, param64(4) + uint64_t(offset) * size_of(kDtype));
    sums[local] = set ? 1u : 0u;
    barrier();
    for (uint step_ = 1u; step_ < 256u; step_ *= 2u) {
      const uint before = local >= step_ ? sums[local - step_] : 0u;
      barrier();
      sums[local] += before;
      barrier();
    }
    const uint row = found + sums[local] - 1u;
    if (set && row < param(6)) {
      for (uint d = 0u; d < rank; ++d) {
        put64(param64(2) + uint64_t(row * param(7) + d * param(8)) * 8ul, uint64_t(coordinates[d]));
      }
    }
    found += sums[255];
    barrier();
  }
}
