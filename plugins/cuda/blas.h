// Matrix products by cuBLASLt: the library as a table, its handle on a context, and the plans of
// products it was asked for. The library is opened at run time; without it there are no plans.
#ifndef TENON_PLUGINS_CUDA_BLAS_H
#define TENON_PLUGINS_CUDA_BLAS_H

#include <memory>

#include "blas_layout.h"
#include "context.h"

namespace tenon::cuda {

class Launcher;

// One product where it lies. Alignments in bytes, powers of two, also of every matrix of a batch.
struct BlasCall {
  BlasProduct product;
  CUdeviceptr a = 0, b = 0, d = 0;  // in the order of `product`
  CUdeviceptr bias = 0;             // of m elements, added to every column; 0: none
  uint32_t a_alignment = 256, b_alignment = 256, d_alignment = 256, bias_alignment = 256;
};

// What became of a call.
enum class Multiplied {
  kNo,       // nothing was queued
  kNoBias,   // the product was queued, its bias is left to the caller
  kComplete  // as it was asked for
};

// The products of one kernel by their sizes, each with the algorithm that the library chose. May be
// used by several threads at once.
class BlasPlans {
 public:
  // Nothing where there is no library, or it does not compute this dtype.
  static std::unique_ptr<BlasPlans> make(Context& context, uint32_t dtype);
  ~BlasPlans();
  BlasPlans(const BlasPlans&) = delete;
  BlasPlans& operator=(const BlasPlans&) = delete;

  // Does the library take this product? Stores the scratch bytes that run() will need.
  bool takes(const BlasCall& call, uint64_t* workspace_bytes);
  // `workspace` is 256-byte aligned and has `room` bytes; kNo where that is too little.
  Multiplied run(Launcher& launcher, const BlasCall& call, CUdeviceptr workspace, uint64_t room);

 private:
  struct State;
  explicit BlasPlans(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace tenon::cuda

#endif
