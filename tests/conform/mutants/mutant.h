/* The example in C with one thing wrong: a mutant defines the function below and then includes the
 * example, whose calls go there. */
#include <tenon/api/reference_kernels.h>

static tn_status mutant_launch(const tnr_kernel* k, const tnr_operand* o, const uint64_t* scalars,
                               void* workspace, tnr_report* report);
static void mutant_query(const tn_device_info* info, const tn_signature* s, tn_answer* answer);
static tn_status mutant_prepare(const tn_device_info* info, const tn_signature* s, tnr_kernel* k,
                                tnr_report* report);

/* What is not wrong in a mutant is as it should be. */
#ifndef MUTANT_LAUNCH
static tn_status mutant_launch(const tnr_kernel* k, const tnr_operand* o, const uint64_t* scalars,
                               void* workspace, tnr_report* report) {
  return tnr_launch(k, o, scalars, workspace, report);
}
#endif
#ifndef MUTANT_QUERY
static void mutant_query(const tn_device_info* info, const tn_signature* s, tn_answer* answer) {
  tnr_query(info, s, answer);
}
#endif
#ifndef MUTANT_PREPARE
static tn_status mutant_prepare(const tn_device_info* info, const tn_signature* s, tnr_kernel* k,
                                tnr_report* report) {
  return tnr_prepare(info, s, k, report);
}
#endif
