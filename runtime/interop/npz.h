// Named arrays in one file, in NumPy's .npz format.
#pragma once

#include <string>

#include <tenon/runtime/interop/safetensors.h>

namespace tenon {

enum class NpzCompression : uint8_t { kNone, kDeflate };  // numpy.savez, numpy.savez_compressed

// Writes a zip archive with one <name>.npy for each tensor, from any device and layout. The target
// is replaced in one step or not at all.
// Dtypes: all but bfloat16, which NumPy lacks.
// Errors: InvalidArgument (no name, twice the same, undefined tensors), DType, Io.
// Source: numpy.savez.
TENON_API void save_npz(const std::string& path, const NamedTensors& tensors,
                        NpzCompression compression = NpzCompression::kNone);

// Reads all arrays into "cpu" memory, in the order of the archive, names without ".npy". Sizes are
// checked against the file before memory is asked for, and every checksum is.
// Errors: Io, saying what was expected.
// Source: numpy.load.
[[nodiscard]] TENON_API NamedTensors load_npz(const std::string& path);

}  // namespace tenon
