// What the files of models share.
#pragma once

#include "golden/models.h"

namespace tenon::golden {

// Batch k of a sequence: reals in [-1, 1), or integers in [0, limit).
[[nodiscard]] std::function<Tensor(int64_t)> reals(std::string name, const Shape& sizes);
[[nodiscard]] std::function<Tensor(int64_t)> classes(std::string name, const Shape& sizes,
                                                     int64_t limit);
[[nodiscard]] Tensor entropy(const Tensor& output, const Tensor& target);

[[nodiscard]] Task resnet();
[[nodiscard]] Task transformer();
[[nodiscard]] Task encoder();

}  // namespace tenon::golden
