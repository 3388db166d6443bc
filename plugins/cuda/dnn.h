// cuDNN, opened by SONAME when the first convolution is prepared; without it, or without its header
// at build time, there is no plan and the plugin's own kernels serve.
#ifndef TENON_PLUGINS_CUDA_DNN_H
#define TENON_PLUGINS_CUDA_DNN_H

#include <array>
#include <memory>
#include <mutex>

#include "context.h"
#include "device/convolution.h"

namespace tenon::cuda {

// A convolution on dense NCHW operands.
struct DnnConvolution {
  ConvolutionPass pass;
  uint32_t dtype;
  ConvolutionSizes sizes;
  std::array<int64_t, 3> alignments;  // bytes, of the addresses of x, w, y
};

struct DnnLaunch {
  CUstream stream;
  std::array<CUdeviceptr, 3> operands;  // x, w, y
  CUdeviceptr workspace;                // of plan.workspace_bytes
};

// What cuDNN made ready for a convolution. Belongs to the Dnn that made it.
class DnnPlan {
 public:
  virtual ~DnnPlan() = default;
  uint64_t workspace_bytes = 0;
};

class Dnn {
 public:
  virtual ~Dnn() = default;

  // That of a context, shared by its kernels; NULL when there is none. Configuration key "cudnn"
  // (TENON_CUDA_CUDNN): the library's file or folder, or "off". Key "precision": "tf32" lets f32
  // be rounded to TF32. Key "search": "on" times a few engines on the third launch of each size,
  // which then waits, and keeps the fastest: bits may differ between processes. The context is
  // current.
  static std::shared_ptr<Dnn> of(Context& context);

  // NULL when cuDNN has nothing deterministic for it whose scratch is bounded.
  virtual std::unique_ptr<DnnPlan> plan(const DnnConvolution& convolution) = 0;
  // Queues the pass, which overwrites its output; false when cuDNN refuses.
  virtual bool run(DnnPlan& plan, const DnnLaunch& launch) = 0;
};

}  // namespace tenon::cuda

#endif
