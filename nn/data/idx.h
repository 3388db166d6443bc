// Arrays in the IDX format of the MNIST family, plain or gzipped.
#pragma once

#include <string>

#include <tenon/runtime/tensor.h>

namespace tenon::data {

// Reads a whole file into "cpu" memory.
// Dtypes: uint8, int8, int16, int32, float32, float64.
// Errors: Io when the file is missing, truncated, longer than it says or no IDX file. What a header
// claims is checked against the size of the file before memory is asked for.
// Source: http://yann.lecun.com/exdb/mnist (section "File formats").
[[nodiscard]] TENON_API Tensor load_idx(const std::string& path);

}  // namespace tenon::data
