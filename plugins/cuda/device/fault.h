// A bad index value, as a kernel notes it for the host.
#ifndef TENON_PLUGINS_CUDA_DEVICE_FAULT_H
#define TENON_PLUGINS_CUDA_DEVICE_FAULT_H

#include "device/base.h"

namespace tenon::cuda {

struct IndexFault {
  uint64_t tag;
  int64_t index;
  int64_t extent;
  uint64_t set;
};

// Valid: 0 <= index < extent. Any other value is clamped and noted, the first launch's alone; the
// threads of one launch write one tag, so it does not matter which of them comes last.
TENON_HD inline int64_t checked_index(int64_t index, int64_t extent, IndexFault* fault,
                                      uint64_t tag) {
  if (index >= 0 && index < extent) return index;
  if (fault->set == 0 || fault->tag == tag) {
    fault->tag = tag;
    fault->index = index;
    fault->extent = extent;
    fault->set = 1;
  }
  return index < 0 ? 0 : extent - 1;
}

}  // namespace tenon::cuda

#endif
