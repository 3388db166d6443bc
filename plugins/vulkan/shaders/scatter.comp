// out[i with i_dim = index[i]] = or += source[i]. Elements of one column (all coordinates but that
// along dim) meet only each other; one invocation walks a column in order, so that of several the
// last wins and sums have one order. A column's places in out are shared among `parts` invocations,
// each of which looks at all indices and keeps to its own.
#version 460
#include "common.glsl"
#include "typed.glsl"

layout(constant_id = 0) const uint kDtype = 9u;
layout(constant_id = 1) const bool kAdds = false;

layout(local_size_x = 64) in;

// Parameters: 0 columns, 1 length of a column of index, 2 extent of out along dim, 3 rank, 4 out,
// 6 index, 8 source, 10 word for bad indices, 12 number of the launch, 13 parts, 14 strides along
// dim of out, index, source, 17 extents (1 along dim) and strides of out, index, source.
void main() {
  const uint work = group_number() * 64u + gl_LocalInvocationID.x;
  const uint parts = param(13), column = work / parts, part = work % parts;
  if (column >= param(0)) return;
  uint rest = column, out_offset = 0u, index_offset = 0u, source_offset = 0u;
  for (uint d = param(3); d-- > 0u;) {
    const uint extent = param(17u + 4u * d), at = rest % extent;
    rest /= extent;
    out_offset += at * param(18u + 4u * d);
    index_offset += at * param(19u + 4u * d);
    source_offset += at * param(20u + 4u * d);
  }
  const uint extent = param(2), length_ = param(1);
  for (uint k = 0u; k < length_; ++k) {
    const uint64_t index = get64(param64(6) + uint64_t(index_offset + k * param(15)) * 8ul);
    uint at = uint(index);
    if (index >= uint64_t(extent)) {
      atomicMin(Ref32(param64(10)).at, param(12));
      if (extent == 0u) return;
      at = (index >> 63) != 0ul ? 0u : extent - 1u;
    }
    if (at % parts != part) continue;
    const uint64_t to = param64(4) + uint64_t(out_offset + at * param(14)) * size_of(kDtype);
    const T x = load(kDtype, param64(8) + uint64_t(source_offset + k * param(16)) * size_of(kDtype));
    if (!kAdds) {
      store(kDtype, to, x);
    } else if (kDtype == kBool) {
      store(kDtype, to, load(kDtype, to) != T(0) || x != T(0) ? T(1) : T(0));
    } else {
      store(kDtype, to, load(kDtype, to) + x);
    }
  }
}
