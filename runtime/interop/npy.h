// One array per file, in NumPy's .npy format.
#pragma once

#include <string>

#include <tenon/runtime/tensor.h>

namespace tenon {

// Writes the tensor, from any device and layout, row-major (format 1.0). The target is replaced in
// one step or not at all.
// Dtypes: all but bfloat16, which NumPy lacks.
// Errors: DType, Io.
// Source: numpy.lib.format.
TENON_API void save_npy(const std::string& path, const Tensor& tensor);

// Reads an array of format 1.0 to 3.0, little endian, into "cpu" memory. Fortran order comes back
// as a tensor with column-major strides. Sizes are checked against the file before memory is asked
// for. Errors: Io, saying what was expected.
[[nodiscard]] TENON_API Tensor load_npy(const std::string& path);

}  // namespace tenon
