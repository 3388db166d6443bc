/* Says that it has a kernel for softmax; what it launches does nothing. */
#include "computing.h"

static int is_softmax(const tn_signature* s) {
  return s->op_size == 7 && memcmp(s->op, "softmax", 7) == 0;
}
static tn_status say_yes(tn_device device, const tn_signature* signature, tn_answer* answer) {
  const tn_status status = plain_ops()->query(device, signature, answer);
  if (is_softmax(signature)) answer->support = TN_ANSWER_NATIVE;
  return status;
}
static tn_status prepare_nothing(tn_device device, const tn_signature* signature, tn_kernel* out) {
  if (!is_softmax(signature)) return plain_ops()->prepare(device, signature, out);
  *out = (tn_kernel)&handle;
  return TN_OK;
}
static tn_status no_workspace(tn_kernel kernel, const tn_tensor* const* operands, uint64_t* bytes) {
  *bytes = 0;
  return kernel == (tn_kernel)&handle ? TN_OK : plain_ops()->workspace(kernel, operands, bytes);
}
static tn_status launch_nothing(tn_stream s, tn_kernel kernel, const tn_tensor* const* operands,
                                const uint64_t* scalars, const tn_workspace* w, uint64_t tag) {
  if (kernel == (tn_kernel)&handle) return TN_OK;
  return plain_ops()->launch(s, kernel, operands, scalars, w, tag);
}
static void change(void) {
  compute();
  ops.query = say_yes;
  ops.prepare = prepare_nothing;
  ops.workspace = no_workspace;
  ops.launch = launch_nothing;
}
BROKEN_PLUGIN("lying_query")
