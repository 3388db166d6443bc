// Order and running totals along a dimension.
#include "ops/op_samples.h"

namespace tenon::ops_test {

void add_sorting_samples(std::vector<SampleRow>& rows) { (void)rows; }

}  // namespace tenon::ops_test
