// Host tensors shared with other libraries through DLPack, both ways and without copies.
#pragma once

#include <cstdint>

#include <tenon/runtime/tensor.h>

namespace tenon {

// The structs of DLPack (https://dmlc.github.io/dlpack), declared here under names of our own; a
// pointer to one of dlpack.h can be cast to the one of the same layout here.
namespace dlpack {

inline constexpr uint32_t kMajor = 1, kMinor = 1;  // of what is produced
// Of DLPack's device types those whose memory the host reads: plain, and pinned for a GPU.
enum DeviceType : int32_t { kHost = 1, kPinnedHost = 3 };
enum TypeCode : uint8_t { kInt = 0, kUInt = 1, kFloat = 2, kBfloat = 4, kComplex = 5, kBool = 6 };
inline constexpr uint64_t kReadOnly = 1, kIsCopied = 2;  // flags

struct Version {
  uint32_t major, minor;
};
struct Device {
  int32_t type, id;
};
struct DataType {
  uint8_t code, bits;
  uint16_t lanes;
};
struct Array {
  void* data;  // + byte_offset: the first element
  Device device;
  int32_t rank;
  DataType dtype;
  int64_t* shape;
  int64_t* strides;  // in elements; null: row-major
  uint64_t byte_offset;
};
// Before version 1.0.
struct Managed {
  Array array;
  void* context;
  void (*deleter)(Managed* self);  // may be null
};
struct ManagedVersioned {
  Version version;
  void* context;
  void (*deleter)(ManagedVersioned* self);  // may be null; valid whatever the version
  uint64_t flags;
  Array array;
};

}  // namespace dlpack

// Whether an import may or must copy: copy=None, False, True of the array API.
enum class CopyMode : uint8_t { kIfNeeded, kNever, kAlways };

// The tensor's memory for another library; waits for queued work. The caller, or whoever takes the
// struct over, calls its deleter once; until then the memory lives. Writes of the other side are
// seen here, but not by the version counter.
// Dtypes: all.
// Errors: Device unless on "cpu" (says .cpu()), Autograd for a tensor that requires grad (says
// .detach()).
[[nodiscard]] TENON_API dlpack::ManagedVersioned* to_dlpack(const Tensor& tensor);
// The form of before version 1.0, which knows no flags.
[[nodiscard]] TENON_API dlpack::Managed* to_dlpack_legacy(const Tensor& tensor);

// A tensor on "cpu" over the memory of another library. The struct is taken over in every case: its
// deleter is called when the last tensor went, after a copy, or before an error is thrown.
// Copied when needed: memory that is read-only, or not aligned to its elements.
// Dtypes: bool, 8- to 64-bit int, uint8, float16 to float64, bfloat16; one lane.
// Errors: InvalidArgument (null, rank, sizes, negative strides, another major version), DType,
// Device for memory that the host cannot read, Unsupported when kNever forbids a needed copy.
[[nodiscard]] TENON_API Tensor from_dlpack(dlpack::ManagedVersioned* managed,
                                           CopyMode copy = CopyMode::kIfNeeded);
[[nodiscard]] TENON_API Tensor from_dlpack(dlpack::Managed* managed,
                                           CopyMode copy = CopyMode::kIfNeeded);

}  // namespace tenon
