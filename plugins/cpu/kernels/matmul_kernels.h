// Matrix products of f32, one table per instruction set.
//
// Note "Packed": columns of b lie in panels, [panel][k][lane of two vectors], zeros behind the
// last. A tile of c, as many rows as there are registers times one panel, is summed up in
// registers; the rows of a that it reads are copied once per block of k, for all panels. The depth
// is cut in blocks of fixed size whose sums are added in order.
#ifndef TENON_PLUGINS_CPU_KERNELS_MATMUL_KERNELS_H
#define TENON_PLUGINS_CPU_KERNELS_MATMUL_KERNELS_H

#include <cstdint>

namespace tenon::cpu {

// c[m, n] = a[m, k] b[k, n] (+ bias[n]); a has any strides, rows of b and c are dense.
struct SmallProduct {
  int64_t m, n, k;
  const float* a;
  int64_t a_row, a_column;
  const float* b;
  int64_t b_row;
  float* c;
  int64_t c_row;
  const float* bias;  // or NULL
};

// c[i, j] = sum over k of a[i, k] b[k, j] (+ bias[i * bias_row + j * bias_column]). One stride of c
// is 1.
struct PackedProduct {
  int64_t m, n, k;  // all > 0
  const float* a;
  int64_t a_row, a_column;
  const float* b;  // packed
  float* c;
  int64_t c_row, c_column;
  const float* bias;              // or NULL
  int64_t bias_row, bias_column;  // one is 1, the other 0
};

struct MatmulKernels {
  int64_t panel;  // columns of a panel; 0: products are not packed
  int64_t rows;   // of a tile
  // b[k, n] of any strides into ceil(n / panel) panels.
  void (*pack_panels)(const float* b, int64_t b_row, int64_t b_column, int64_t k, int64_t n,
                      float* packed);
  void (*packed_product)(const PackedProduct& p);
  void (*small_product)(const SmallProduct& p);
  // c[i, j] = sum over k of a[i * a_row + k] b[j * b_row + k] (+ bias[j]): rows of a and b are
  // dense in k.
  void (*row_products)(const SmallProduct& p);
};

const MatmulKernels& matmul_baseline();
const MatmulKernels& matmul_avx2();
const MatmulKernels& matmul_avx512();

}  // namespace tenon::cpu

#endif
