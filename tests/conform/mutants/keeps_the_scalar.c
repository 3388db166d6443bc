#define MUTANT_LAUNCH
#include "mutant.h"

/* Takes the scalars of the first launch for its own. */
static tn_status mutant_launch(const tnr_kernel* k, const tnr_operand* o, const uint64_t* scalars,
                               void* workspace, tnr_report* report) {
  static uint64_t kept;
  if (k->op == TNR_PROGRAM && k->program.scalar_count == 1) {
    if (kept == 0) kept = scalars[0];
    return tnr_launch(k, o, &kept, workspace, report);
  }
  return tnr_launch(k, o, scalars, workspace, report);
}

#define tnr_launch mutant_launch
#define tnr_query mutant_query
#define tnr_prepare mutant_prepare
#include PLAIN_PLUGIN
