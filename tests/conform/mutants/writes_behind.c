#define MUTANT_LAUNCH
#include "mutant.h"

/* A copy writes one byte behind its output. */
static tn_status mutant_launch(const tnr_kernel* k, const tnr_operand* o, const uint64_t* scalars,
                               void* workspace, tnr_report* report) {
  const tn_status status = tnr_launch(k, o, scalars, workspace, report);
  if (k->op == TNR_COPY && k->dtypes[0] == TN_DTYPE_U8 && o[0].tensor->rank == 1) {
    o[0].data[o[0].tensor->shape[0]] = 0;
  }
  return status;
}

#define tnr_launch mutant_launch
#define tnr_query mutant_query
#define tnr_prepare mutant_prepare
#include PLAIN_PLUGIN
