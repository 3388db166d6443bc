#define MUTANT_LAUNCH
#include "mutant.h"

/* Programs of many scalars, as optimizers have, are off: every operator is right, training is not. */
static tn_status mutant_launch(const tnr_kernel* k, const tnr_operand* o, const uint64_t* scalars,
                               void* workspace, tnr_report* report) {
  const tn_status status = tnr_launch(k, o, scalars, workspace, report);
  if (k->op == TNR_PROGRAM && k->program.scalar_count >= 2 && k->dtypes[0] == TN_DTYPE_F32 &&
      o[0].tensor->rank > 0 && o[0].tensor->shape[0] != 3) {
    *(float*)o[0].data *= 1.01f;
  }
  return status;
}

#define tnr_launch mutant_launch
#define tnr_query mutant_query
#define tnr_prepare mutant_prepare
#include PLAIN_PLUGIN
