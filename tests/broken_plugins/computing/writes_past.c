/* Each kernel writes one byte behind its first output. */
#include "computing.h"

static tn_status write_past(tn_stream s, tn_kernel kernel, const tn_tensor* const* operands,
                            const uint64_t* scalars, const tn_workspace* w, uint64_t tag) {
  const tn_status status = plain_ops()->launch(s, kernel, operands, scalars, w, tag);
  const tn_tensor* result = operands[0];
  void* data = NULL;
  int64_t last = 0;
  uint32_t d;
  for (d = 0; d < result->rank; ++d) last += (result->shape[d] - 1) * result->strides[d];
  if (status != TN_OK || result->dtype != TN_DTYPE_F32) return status;
  if (core.buffer_host(result->buffer, &data) != TN_OK) return TN_INTERNAL;
  ((char*)data)[result->offset_bytes + 4u * (uint64_t)(last + 1)] ^= 1;
  return TN_OK;
}
static void change(void) {
  compute();
  ops.launch = write_past;
}
BROKEN_PLUGIN("writes_past")
