// What the rows of the loss family share.
#pragma once

#include <vector>

#include "ops/op_samples.h"

namespace tenon::ops_test {

// softmax or log_softmax of argument 0 along argument 1.
[[nodiscard]] std::vector<Array> expect_softmax(const Call& call, bool logarithm);
// Losses with their error bounds, reduced: 0 none, 1 mean, 2 sum.
[[nodiscard]] Array reduced_losses(Array losses, int64_t reduction);

void add_class_loss_samples(std::vector<SampleRow>& rows);
void add_element_loss_samples(std::vector<SampleRow>& rows);
void add_pair_loss_samples(std::vector<SampleRow>& rows);

}  // namespace tenon::ops_test
