#define MUTANT_LAUNCH
#include "mutant.h"

/* One element of a product is a little too large. */
static tn_status mutant_launch(const tnr_kernel* k, const tnr_operand* o, const uint64_t* scalars,
                               void* workspace, tnr_report* report) {
  const tn_status status = tnr_launch(k, o, scalars, workspace, report);
  if (k->op == TNR_MATMUL && k->dtypes[0] == TN_DTYPE_F32 && o[0].tensor->shape[0] > 8) {
    *(float*)o[0].data += 0.001f;
  }
  return status;
}

#define tnr_launch mutant_launch
#define tnr_query mutant_query
#define tnr_prepare mutant_prepare
#include PLAIN_PLUGIN
