/* OK, but no buffer. */
#include "computing.h"

static tn_status alloc_nothing(tn_device device, uint64_t size_bytes, tn_buffer* out) {
  (void)device, (void)size_bytes, (void)out;
  return TN_OK;
}
static void change(void) {
  compute();
  core.buffer_alloc = alloc_nothing;
}
BROKEN_PLUGIN("null_buffer")
