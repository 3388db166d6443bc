// A cuBLASLt that is none, for the emulated driver: it checks what it is told as strictly as the
// manual allows, says so aloud and ends the process where the plugin broke a rule, and multiplies
// by the rules of column-major matrices when the stream comes to it.
#if __has_include(<cublasLt.h>)

#include "blas_table.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "device/values.h"
#include "emulation/gpu.h"

namespace tenon::cuda {
namespace emulation {
namespace {

struct Operation {
  cublasComputeType_t compute;
  cudaDataType_t scale;
  int32_t turn_a = CUBLAS_OP_N, turn_b = CUBLAS_OP_N;
  uint32_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
  CUdeviceptr bias = 0;
  int32_t bias_type = -1;
};

struct Layout {
  cudaDataType_t type;
  int64_t rows, columns, leading;
  int32_t batch = 1;
  int64_t stride = 0;
};

struct Preference {
  uint64_t workspace = 0;
  uint32_t reductions = CUBLASLT_REDUCTION_SCHEME_MASK;
  uint32_t alignments[4] = {256, 256, 256, 256};  // of A, B, C, D
};

// What an algorithm's opaque words hold.
struct Algorithm {
  uint64_t number;
  uint64_t workspace;
  uint32_t alignments[4];
};
static_assert(sizeof(Algorithm) <= sizeof(cublasLtMatmulAlgo_t));

void must(bool holds, const char* rule) {
  if (holds) return;
  std::fprintf(stderr, "emulated cuBLASLt: %s\n", rule);
  std::abort();
}

template <class T, class Handle>
T& of(Handle handle) {
  must(handle != nullptr, "a handle is NULL");
  return *reinterpret_cast<T*>(handle);
}

template <class T>
cublasStatus_t set(T& field, const void* value, size_t size) {
  must(size == sizeof field, "an attribute has another size");
  std::memcpy(&field, value, size);
  return CUBLAS_STATUS_SUCCESS;
}

size_t item_bytes(cudaDataType_t type) {
  return type == CUDA_R_64F ? 8 : type == CUDA_R_32F ? 4 : 2;
}

// ---- the product -------------------------------------------------------------------------------

struct Product {
  Operation operation;
  Layout a, b, d;
  CUdeviceptr at_a, at_b, at_d;
  float alpha, beta;

  [[nodiscard]] int64_t depth() const {
    return operation.turn_a == CUBLAS_OP_N ? a.columns : a.rows;
  }
};

template <class T>
void multiply(const Product& p) {
  using C = Class<T>;
  const auto* const a = reinterpret_cast<const T*>(p.at_a);
  const auto* const b = reinterpret_cast<const T*>(p.at_b);
  auto* const d = reinterpret_cast<T*>(p.at_d);
  const auto* const bias = reinterpret_cast<const T*>(p.operation.bias);
  const auto at = [](const Layout& x, int32_t turn, int64_t row, int64_t column) {
    return turn == CUBLAS_OP_N ? row + column * x.leading : column + row * x.leading;
  };
  for (int64_t i = 0; i < p.d.batch; ++i) {
    for (int64_t column = 0; column < p.d.columns; ++column) {
      for (int64_t row = 0; row < p.d.rows; ++row) {
        C sum = 0;
        for (int64_t l = 0; l < p.depth(); ++l) {
          // As the plugin's own kernel, so that results do not tell which of the two was at work.
          sum = std::fma(value_of(a[i * p.a.stride + at(p.a, p.operation.turn_a, row, l)]),
                         value_of(b[i * p.b.stride + at(p.b, p.operation.turn_b, l, column)]), sum);
        }
        if (p.operation.epilogue == CUBLASLT_EPILOGUE_BIAS) sum += value_of(bias[row]);
        d[i * p.d.stride + row + column * p.d.leading] = element_of<T>(sum);
      }
    }
  }
}

void multiply(const Product& p) {
  switch (p.d.type) {
    case CUDA_R_16F:
      return multiply<Half>(p);
    case CUDA_R_16BF:
      return multiply<BFloat16>(p);
    case CUDA_R_32F:
      return multiply<float>(p);
    default:
      return multiply<double>(p);
  }
}

// ---- rules -------------------------------------------------------------------------------------

void check(const Operation& o, const Layout& a, const Layout& b, const Layout& d) {
  for (const Layout* x : {&a, &b, &d}) {
    must(x->rows > 0 && x->columns > 0, "a matrix is empty");
    must(x->leading >= x->rows, "a leading dimension is less than the rows");
    must(x->type == d.type, "matrices of several types");
    must(x->batch == d.batch && x->batch >= 1, "batches of several counts");
    must(x->batch == 1 || x->stride >= 0, "a batch stride is negative");
  }
  const bool turns_a = o.turn_a == CUBLAS_OP_T, turns_b = o.turn_b == CUBLAS_OP_T;
  must((turns_a ? a.columns : a.rows) == d.rows, "rows of A and D differ");
  must((turns_b ? b.rows : b.columns) == d.columns, "columns of B and D differ");
  must((turns_a ? a.rows : a.columns) == (turns_b ? b.columns : b.rows), "A and B do not fit");
  must(o.scale == (d.type == CUDA_R_64F ? CUDA_R_64F : CUDA_R_32F), "the scale's type is wrong");
  must((d.type == CUDA_R_64F) == (o.compute == CUBLAS_COMPUTE_64F), "computed in another type");
  if (o.epilogue == CUBLASLT_EPILOGUE_DEFAULT) return;
  must(o.epilogue == CUBLASLT_EPILOGUE_BIAS, "an unknown epilogue");
  must(o.bias_type == static_cast<int32_t>(d.type) && o.bias != 0, "a bias is missing");
}

void check_memory(const Layout& x, CUdeviceptr at, uint32_t alignment) {
  const int64_t last = (x.batch - 1) * x.stride + (x.columns - 1) * x.leading + x.rows - 1;
  must(owns(at, static_cast<size_t>(last + 1) * item_bytes(x.type)), "a matrix is not in memory");
  const auto item = static_cast<int64_t>(item_bytes(x.type));
  for (int64_t i = 0; i < std::min(x.batch, 64); ++i) {
    must((at + static_cast<uint64_t>(i * x.stride * item)) % alignment == 0,
         "a matrix is less aligned than was promised");
  }
}

// ---- entries -----------------------------------------------------------------------------------

cublasStatus_t create(cublasLtHandle_t* handle) {
  must(has_context(), "no context is current");
  *handle = reinterpret_cast<cublasLtHandle_t>(new char);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t destroy(cublasLtHandle_t handle) {
  must(has_context(), "no context is current");
  delete reinterpret_cast<char*>(handle);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t operation_create(cublasLtMatmulDesc_t* out, cublasComputeType_t compute,
                                cudaDataType_t scale) {
  *out = reinterpret_cast<cublasLtMatmulDesc_t>(new Operation{compute, scale});
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t operation_destroy(cublasLtMatmulDesc_t operation) {
  delete &of<Operation>(operation);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t operation_set(cublasLtMatmulDesc_t operation, cublasLtMatmulDescAttributes_t which,
                             const void* value, size_t size) {
  auto& o = of<Operation>(operation);
  switch (which) {
    case CUBLASLT_MATMUL_DESC_TRANSA:
      return set(o.turn_a, value, size);
    case CUBLASLT_MATMUL_DESC_TRANSB:
      return set(o.turn_b, value, size);
    case CUBLASLT_MATMUL_DESC_EPILOGUE:
      return set(o.epilogue, value, size);
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
      return set(o.bias, value, size);
    case CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE:
      return set(o.bias_type, value, size);
    default:
      must(false, "an unknown attribute of an operation");
      return CUBLAS_STATUS_INVALID_VALUE;
  }
}

cublasStatus_t layout_create(cublasLtMatrixLayout_t* out, cudaDataType_t type, uint64_t rows,
                             uint64_t columns, int64_t leading) {
  *out = reinterpret_cast<cublasLtMatrixLayout_t>(
      new Layout{type, static_cast<int64_t>(rows), static_cast<int64_t>(columns), leading});
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t layout_destroy(cublasLtMatrixLayout_t layout) {
  delete &of<Layout>(layout);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t layout_set(cublasLtMatrixLayout_t layout, cublasLtMatrixLayoutAttribute_t which,
                          const void* value, size_t size) {
  auto& x = of<Layout>(layout);
  if (which == CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT) return set(x.batch, value, size);
  must(which == CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, "an unknown attribute of a layout");
  return set(x.stride, value, size);
}

cublasStatus_t preference_create(cublasLtMatmulPreference_t* out) {
  *out = reinterpret_cast<cublasLtMatmulPreference_t>(new Preference);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t preference_destroy(cublasLtMatmulPreference_t preference) {
  delete &of<Preference>(preference);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t preference_set(cublasLtMatmulPreference_t preference,
                              cublasLtMatmulPreferenceAttributes_t which, const void* value,
                              size_t size) {
  auto& p = of<Preference>(preference);
  switch (which) {
    case CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES:
      return set(p.workspace, value, size);
    case CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK:
      return set(p.reductions, value, size);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES:
      return set(p.alignments[0], value, size);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES:
      return set(p.alignments[1], value, size);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES:
      return set(p.alignments[2], value, size);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES:
      return set(p.alignments[3], value, size);
    default:
      must(false, "an unknown attribute of a preference");
      return CUBLAS_STATUS_INVALID_VALUE;
  }
}

cublasStatus_t choose(cublasLtHandle_t, cublasLtMatmulDesc_t operation, cublasLtMatrixLayout_t a,
                      cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                      cublasLtMatmulPreference_t preference, int wanted,
                      cublasLtMatmulHeuristicResult_t results[], int* found) {
  must(has_context(), "no context is current");
  must(c == d, "C is not D");
  const auto& o = of<Operation>(operation);
  const auto& wish = of<Preference>(preference);
  check(o, of<Layout>(a), of<Layout>(b), of<Layout>(d));
  must((wish.reductions & CUBLASLT_REDUCTION_SCHEME_INPLACE) == 0, "sums in any order are allowed");
  // As for some types, shapes and epilogues of the real one.
  *found = 0;
  if (of<Layout>(d).type == CUDA_R_64F && o.epilogue != CUBLASLT_EPILOGUE_DEFAULT) {
    return CUBLAS_STATUS_NOT_SUPPORTED;
  }
  for (int i = 0; i < std::min(wanted, 3); ++i) {
    Algorithm algorithm{
        static_cast<uint64_t>(i), i == 1 ? 0u : 1024u * (1u + static_cast<uint32_t>(i)), {}};
    std::copy_n(wish.alignments, 4, algorithm.alignments);
    must(algorithm.workspace <= wish.workspace, "too little workspace is allowed");
    results[i] = {};
    std::memcpy(&results[i].algo, &algorithm, sizeof algorithm);
    results[i].workspaceSize = algorithm.workspace;
    results[i].state = CUBLAS_STATUS_SUCCESS;
    *found = i + 1;
  }
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t multiply(cublasLtHandle_t, cublasLtMatmulDesc_t operation, const void* alpha,
                        const void* a, cublasLtMatrixLayout_t layout_a, const void* b,
                        cublasLtMatrixLayout_t layout_b, const void* beta, const void* c,
                        cublasLtMatrixLayout_t layout_c, void* d, cublasLtMatrixLayout_t layout_d,
                        const cublasLtMatmulAlgo_t* opaque, void* workspace, size_t workspace_bytes,
                        cudaStream_t stream) {
  must(has_context(), "no context is current");
  must(c == d && layout_c == layout_d, "C is not D");
  const auto& result = of<Layout>(layout_d);
  if (blas_setting() == 2 && (result.rows + result.columns) % 3 == 0) {
    return CUBLAS_STATUS_EXECUTION_FAILED;
  }
  Algorithm algorithm;
  std::memcpy(&algorithm, opaque, sizeof algorithm);
  Product p{of<Operation>(operation),
            of<Layout>(layout_a),
            of<Layout>(layout_b),
            of<Layout>(layout_d),
            0,
            0,
            0,
            1,
            0};
  p.at_a = reinterpret_cast<CUdeviceptr>(a);
  p.at_b = reinterpret_cast<CUdeviceptr>(b);
  p.at_d = reinterpret_cast<CUdeviceptr>(d);
  check(p.operation, p.a, p.b, p.d);
  check_memory(p.a, p.at_a, algorithm.alignments[0]);
  check_memory(p.b, p.at_b, algorithm.alignments[1]);
  check_memory(p.d, p.at_d, algorithm.alignments[3]);
  if (p.operation.epilogue == CUBLASLT_EPILOGUE_BIAS) {
    must(p.operation.bias % 16 == 0, "a bias is not aligned");
    must(owns(p.operation.bias, static_cast<size_t>(p.d.rows) * item_bytes(p.d.type)),
         "a bias is not in memory");
  }
  const bool wide = p.operation.scale == CUDA_R_64F;
  must((wide ? *static_cast<const double*>(alpha) : *static_cast<const float*>(alpha)) == 1 &&
           (wide ? *static_cast<const double*>(beta) : *static_cast<const float*>(beta)) == 0,
       "alpha is not 1, or beta not 0");
  const auto scratch = reinterpret_cast<CUdeviceptr>(workspace);
  must(workspace_bytes >= algorithm.workspace, "the workspace is too small");
  must(workspace_bytes == 0 || (scratch % 256 == 0 && owns(scratch, workspace_bytes)),
       "the workspace is not in memory");
  add_task(stream, [=] {
    if (workspace_bytes > 0) std::memset(workspace, 0xff, workspace_bytes);
    multiply(p);
  });
  return CUBLAS_STATUS_SUCCESS;
}

}  // namespace
}  // namespace emulation

const BlasTable* substitute_blas() {
  namespace e = emulation;
  static const BlasTable table{e::create,        e::destroy,           e::multiply,
                               e::choose,        e::operation_create,  e::operation_destroy,
                               e::operation_set, e::layout_create,     e::layout_destroy,
                               e::layout_set,    e::preference_create, e::preference_destroy,
                               e::preference_set};
  return e::blas_setting() != 0 ? &table : nullptr;
}

}  // namespace tenon::cuda

#else

namespace tenon::cuda {

struct BlasTable;
const BlasTable* substitute_blas() { return nullptr; }

}  // namespace tenon::cuda

#endif
