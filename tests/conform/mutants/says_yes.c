#define MUTANT_QUERY
#include "mutant.h"

/* Claims everything. */
static void mutant_query(const tn_device_info* info, const tn_signature* s, tn_answer* answer) {
  tnr_query(info, s, answer);
  answer->support = TN_ANSWER_NATIVE;
}

#define tnr_launch mutant_launch
#define tnr_query mutant_query
#define tnr_prepare mutant_prepare
#include PLAIN_PLUGIN
