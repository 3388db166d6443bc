// Joining, cutting, repeating and reordering elements.
#include "ops/op_samples.h"

namespace tenon::ops_test {

void add_manipulation_samples(std::vector<SampleRow>& rows) { (void)rows; }

}  // namespace tenon::ops_test
