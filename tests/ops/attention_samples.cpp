// Scaled dot product attention and embeddings.
#include "ops/op_samples.h"

namespace tenon::ops_test {

void add_attention_samples(std::vector<SampleRow>& rows) { (void)rows; }

}  // namespace tenon::ops_test
