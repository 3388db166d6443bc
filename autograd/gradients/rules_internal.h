// The rules by family. A new family adds its line here and in install.cpp.
#pragma once

#include <span>

#include <tenon/autograd/gradients/rule.h>

namespace tenon::autograd {

[[nodiscard]] std::span<const Rule> elementwise_rules();
[[nodiscard]] std::span<const Rule> reduction_rules();
[[nodiscard]] std::span<const Rule> view_rules();
[[nodiscard]] std::span<const Rule> copy_rules();
[[nodiscard]] std::span<const Rule> indexing_rules();
[[nodiscard]] std::span<const Rule> matmul_rules();
[[nodiscard]] std::span<const Rule> convolution_rules();
[[nodiscard]] std::span<const Rule> pooling_rules();
[[nodiscard]] std::span<const Rule> loss_rules();
[[nodiscard]] std::span<const Rule> activation_rules();
[[nodiscard]] std::span<const Rule> manipulation_rules();
[[nodiscard]] std::span<const Rule> sorting_rules();
[[nodiscard]] std::span<const Rule> normalization_rules();
[[nodiscard]] std::span<const Rule> attention_rules();

// In-place calls on views: input 0 is the old base, input 1 the view's new value.
[[nodiscard]] const Op& copy_slices_op();
[[nodiscard]] const Rule& copy_slices_rule();

}  // namespace tenon::autograd
