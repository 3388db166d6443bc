// The entries of cuBLASLt that are used, as one table of function pointers.
#ifndef TENON_PLUGINS_CUDA_BLAS_TABLE_H
#define TENON_PLUGINS_CUDA_BLAS_TABLE_H

#include <cublasLt.h>

namespace tenon::cuda {

struct BlasTable {
  decltype(&::cublasLtCreate) create;
  decltype(&::cublasLtDestroy) destroy;
  decltype(&::cublasLtMatmul) multiply;
  decltype(&::cublasLtMatmulAlgoGetHeuristic) choose;
  decltype(&::cublasLtMatmulDescCreate) operation_create;
  decltype(&::cublasLtMatmulDescDestroy) operation_destroy;
  decltype(&::cublasLtMatmulDescSetAttribute) operation_set;
  decltype(&::cublasLtMatrixLayoutCreate) layout_create;
  decltype(&::cublasLtMatrixLayoutDestroy) layout_destroy;
  decltype(&::cublasLtMatrixLayoutSetAttribute) layout_set;
  decltype(&::cublasLtMatmulPreferenceCreate) preference_create;
  decltype(&::cublasLtMatmulPreferenceDestroy) preference_destroy;
  decltype(&::cublasLtMatmulPreferenceSetAttribute) preference_set;
};

// What stands in for the library where the driver is substituted; NULL: nothing.
const BlasTable* substitute_blas();

}  // namespace tenon::cuda

#endif
