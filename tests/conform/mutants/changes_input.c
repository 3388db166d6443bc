#define MUTANT_LAUNCH
#include "mutant.h"

/* Sorts a copy of its input that it forgot to copy. */
static tn_status mutant_launch(const tnr_kernel* k, const tnr_operand* o, const uint64_t* scalars,
                               void* workspace, tnr_report* report) {
  const tn_status status = tnr_launch(k, o, scalars, workspace, report);
  if (k->op == TNR_SORT && o[0].tensor->shape[0] > 1) o[2].data[0] = (char)(o[2].data[0] + 1);
  return status;
}

#define tnr_launch mutant_launch
#define tnr_query mutant_query
#define tnr_prepare mutant_prepare
#include PLAIN_PLUGIN
