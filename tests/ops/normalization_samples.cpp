// Batch, layer, group and RMS normalisation.
#include "ops/op_samples.h"

namespace tenon::ops_test {

void add_normalization_samples(std::vector<SampleRow>& rows) { (void)rows; }

}  // namespace tenon::ops_test
