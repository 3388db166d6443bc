// Batched product of strided matrices: tiles of 64 x 64, 16 deep, 4 x 4 results an invocation. Sums
// run over stretches of 256 and are added up, so that long ones do not lose digits.
#version 460
#include "common.glsl"
#include "typed.glsl"

layout(constant_id = 0) const uint kDtype = 9u;

layout(local_size_x = 256) in;

const uint kTile = 64u, kDeep = 16u, kStretch = 256u;

shared T left[kDeep][kTile + 1u];
shared T right[kDeep][kTile + 1u];

#ifdef CLASS_F
T multiply_add(const T a, const T b, const T c) { return fma(a, b, c); }
#else
T multiply_add(const T a, const T b, const T c) { return a * b + c; }
#endif

// Parameters: 0 m, 1 k, 2 n, 3 tiles in a row, 4 tiles of a product, 5 products, 6 out, 8 a, 10 b,
// 12 strides of out (m, n), 14 of a (m, k), 16 of b (k, n), 18 rank of the batch, 19 extents and
// strides of out, a, b.
void main() {
  const uint m = param(0), depth = param(1), n = param(2);
  const uint per_row = param(3), tiles = param(4);
  const uint group = group_number(), batch = group / tiles, tile = group % tiles;
  if (batch >= param(5)) return;
  uint64_t out_ = param64(6), a = param64(8), b = param64(10);
  uint rest = batch;
  for (uint d = param(18); d-- > 0u;) {
    const uint extent = param(19u + 4u * d), at = rest % extent;
    rest /= extent;
    out_ += uint64_t(at * param(20u + 4u * d)) * size_of(kDtype);
    a += uint64_t(at * param(21u + 4u * d)) * size_of(kDtype);
    b += uint64_t(at * param(22u + 4u * d)) * size_of(kDtype);
  }
  const uint row0 = tile / per_row * kTile, column0 = tile % per_row * kTile;
  const uint local = gl_LocalInvocationID.x, x = local % 16u, y = local / 16u;
  const bool a_by_row = param(15) == 1u, b_by_row = param(17) == 1u;

  T total[4][4], sum[4][4];
  [[unroll]] for (uint i = 0u; i < 4u; ++i) {
    [[unroll]] for (uint j = 0u; j < 4u; ++j) total[i][j] = sum[i][j] = T(0);
  }
  for (uint k0 = 0u; k0 < depth; k0 += kDeep) {
    [[unroll]] for (uint part = 0u; part < 4u; ++part) {
      // Neighbouring invocations read neighbours in memory, whichever way the matrix lies.
      const uint e = part * 256u + local;
      const uint ar = a_by_row ? e / kDeep : e % kTile, ak = a_by_row ? e % kDeep : e / kTile;
      const uint bc = b_by_row ? e % kTile : e / kDeep, bk = b_by_row ? e / kTile : e % kDeep;
      T va = T(0), vb = T(0);
      if (row0 + ar < m && k0 + ak < depth) {
        va = load(kDtype, a + uint64_t((row0 + ar) * param(14) + (k0 + ak) * param(15)) * size_of(kDtype));
      }
      if (column0 + bc < n && k0 + bk < depth) {
        vb = load(kDtype, b + uint64_t((k0 + bk) * param(16) + (column0 + bc) * param(17)) * size_of(kDtype));
      }
      left[ak][ar] = va;
      right[bk][bc] = vb;
    }
    barrier();
    [[unroll]] for (uint k = 0u; k < kDeep; ++k) {
      T av[4], bv[4];
      [[unroll]] for (uint i = 0u; i < 4u; ++i) {
        av[i] = left[k][y + 16u * i];
        bv[i] = right[k][x + 16u * i];
      }
      [[unroll]] for (uint i = 0u; i < 4u; ++i) {
        [[unroll]] for (uint j = 0u; j < 4u; ++j) sum[i][j] = multiply_add(av[i], bv[j], sum[i][j]);
      }
    }
    barrier();
    if ((k0 + kDeep) % kStretch == 0u) {
      [[unroll]] for (uint i = 0u; i < 4u; ++i) {
        [[unroll]] for (uint j = 0u; j < 4u; ++j) {
          total[i][j] += sum[i][j];
          sum[i][j] = T(0);
        }
      }
    }
  }
  [[unroll]] for (uint i = 0u; i < 4u; ++i) {
    [[unroll]] for (uint j = 0u; j < 4u; ++j) {
      const uint row = row0 + y + 16u * i, column = column0 + x + 16u * j;
      if (row >= m || column >= n) continue;
      store(kDtype, out_ + uint64_t(row * param(12) + column * param(13)) * size_of(kDtype),
            total[i][j] + sum[i][j]);
    }
  }
}
