/* Every launch is accepted; that it failed is told when somebody waits for it. */
#include "computing.h"

static uint64_t failed;

static tn_status tell_async(tn_device device, tn_device_info* info) {
  const tn_status status = plain_core()->device_info(device, info);
  info->flags |= TN_DEVICE_ASYNC;
  return status;
}
static tn_status launch_and_fail(tn_stream s, tn_kernel k, const tn_tensor* const* operands,
                                 const uint64_t* scalars, const tn_workspace* w, uint64_t tag) {
  if (failed == 0) failed = tag;
  return (void)s, (void)k, (void)operands, (void)scalars, (void)w, TN_OK;
}
static tn_status fail_in_wait(tn_stream s, uint64_t value, uint64_t timeout_ns) {
  (void)s, (void)value, (void)timeout_ns;
  if (failed == 0) return TN_OK;
  set_error("the multiplier overheated");
  return TN_INTERNAL;
}
static tn_status fail_in_query(tn_stream s, uint64_t value, uint32_t* state, tn_status* failure) {
  *failure = fail_in_wait(s, value, 0);
  *state = *failure == TN_OK ? TN_EVENT_DONE : TN_EVENT_FAILED;
  return TN_OK;
}
static tn_status fail_in_sync(tn_stream s, uint64_t* failed_tag) {
  const tn_status status = fail_in_wait(s, 0, 0);
  *failed_tag = failed;
  failed = 0;
  return status;
}
static void change(void) {
  compute();
  core.device_info = tell_async;
  core.event_query = fail_in_query;
  core.event_wait = fail_in_wait;
  core.stream_sync = fail_in_sync;
  ops.launch = launch_and_fail;
}
BROKEN_PLUGIN("late_failure")
