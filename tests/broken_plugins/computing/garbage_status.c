/* Answers a launch with a status that nobody knows. */
#include "computing.h"

static tn_status answer_garbage(tn_stream s, tn_kernel k, const tn_tensor* const* operands,
                                const uint64_t* scalars, const tn_workspace* w, uint64_t tag) {
  return (void)s, (void)k, (void)operands, (void)scalars, (void)w, (void)tag, 12345;
}
static void change(void) {
  compute();
  ops.launch = answer_garbage;
}
BROKEN_PLUGIN("garbage_status")
