// The .npy format on open files, shared with archives of it.
#pragma once

#include <string>
#include <string_view>

#include <tenon/runtime/interop/file_internal.h>

namespace tenon {

// What stands before the row-major bytes of the tensor. Errors: DType.
[[nodiscard]] std::string npy_header(const Tensor& tensor, std::string_view op);

// The array that a whole file holds. Errors: Io.
[[nodiscard]] Tensor read_npy(const InputFile& file);

}  // namespace tenon
