#define MUTANT_LAUNCH
#include "mutant.h"

/* The greatest of values takes a NaN for nothing. */
static tn_status mutant_launch(const tnr_kernel* k, const tnr_operand* o, const uint64_t* scalars,
                               void* workspace, tnr_report* report) {
  const tn_status status = tnr_launch(k, o, scalars, workspace, report);
  if (k->op == TNR_REDUCE && k->dtypes[0] == TN_DTYPE_F32 && k->attributes[0] == TN_REDUCE_MAX) {
    float* first = (float*)o[0].data;
    if (*first != *first) *first = 0;
  }
  return status;
}

#define tnr_launch mutant_launch
#define tnr_query mutant_query
#define tnr_prepare mutant_prepare
#include PLAIN_PLUGIN
