// How the replays are registered, counted and compared.
#pragma once

#include <string>

#include <tenon/runtime/tensor.h>

#include "support/dynamic_test.h"

namespace tenon::golden {

using test::add_test;

// Counts what ran, by kind ("calls", "gradients", "trainings"). When a whole program ran, its end
// compares the counts with floor.txt.
void count(const std::string& kind);

// Whether the default device computes a dtype; float64 may be absent.
[[nodiscard]] bool computes(DType dtype);

// "" or how `got` differs from what PyTorch computed: dtype, sizes, values. Integers and bool must
// be equal; floats within tolerance · max(1, |expected|), NaN equal to NaN.
[[nodiscard]] std::string difference(const Tensor& got, const Tensor& expected);

// Each file registers its tests.
void register_formula_tests();
void register_call_tests();
void register_training_tests();
void register_completeness_tests();

}  // namespace tenon::golden
