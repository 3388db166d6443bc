/* Says yes to a query and then can't do it. */
#include "computing.h"

static tn_status prepare_fails(tn_device device, const tn_signature* signature, tn_kernel* out) {
  (void)device, (void)signature, (void)out;
  set_error("the compiler is not installed");
  return TN_INTERNAL;
}
static void change(void) {
  compute();
  ops.prepare = prepare_fails;
}
BROKEN_PLUGIN("prepare_fails")
