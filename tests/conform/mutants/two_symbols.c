#include "mutant.h"

TN_EXPORT int helper_of_the_vendor(void);
TN_EXPORT int helper_of_the_vendor(void) { return 1; }

#define tnr_launch mutant_launch
#define tnr_query mutant_query
#define tnr_prepare mutant_prepare
#include PLAIN_PLUGIN
