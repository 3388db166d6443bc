// A launch throws bad_alloc.
#include <new>

#include "computing.h"

static tn_status throw_bad_alloc(tn_stream, tn_kernel, const tn_tensor* const*, const uint64_t*,
                                 const tn_workspace*, uint64_t) {
  throw std::bad_alloc();
}
static void change() {
  compute();
  ops.launch = throw_bad_alloc;
}
BROKEN_PLUGIN("throw_in_launch")
