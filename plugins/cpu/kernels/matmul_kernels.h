// Small matrix products, one table per instruction set.
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

struct MatmulKernels {
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
