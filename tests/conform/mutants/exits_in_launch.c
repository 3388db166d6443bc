#define MUTANT_LAUNCH
#include "mutant.h"

#include <stdlib.h>

static tn_status mutant_launch(const tnr_kernel* k, const tnr_operand* o, const uint64_t* scalars,
                               void* workspace, tnr_report* report) {
  if (k->op == TNR_RANDOM) exit(0);
  return tnr_launch(k, o, scalars, workspace, report);
}

#define tnr_launch mutant_launch
#define tnr_query mutant_query
#define tnr_prepare mutant_prepare
#include PLAIN_PLUGIN
