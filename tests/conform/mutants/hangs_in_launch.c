#define MUTANT_LAUNCH
#include "mutant.h"

static tn_status mutant_launch(const tnr_kernel* k, const tnr_operand* o, const uint64_t* scalars,
                               void* workspace, tnr_report* report) {
  while (k->op == TNR_NONZERO && o[1].tensor->rank == 0) {
  }
  return tnr_launch(k, o, scalars, workspace, report);
}

#define tnr_launch mutant_launch
#define tnr_query mutant_query
#define tnr_prepare mutant_prepare
#include PLAIN_PLUGIN
