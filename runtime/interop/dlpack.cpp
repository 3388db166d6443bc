#include <tenon/runtime/interop/dlpack.h>

#include <algorithm>
#include <memory>

#include <tenon/runtime/ops/creation.h>

namespace tenon {
namespace {

struct TypeRow {
  DType dtype;
  dlpack::TypeCode code;
  uint8_t bits;
};
constexpr TypeRow kTypes[] = {{kBool, dlpack::kBool, 8},      {kUInt8, dlpack::kUInt, 8},
                              {kInt8, dlpack::kInt, 8},       {kInt16, dlpack::kInt, 16},
                              {kInt32, dlpack::kInt, 32},     {kInt64, dlpack::kInt, 64},
                              {kFloat16, dlpack::kFloat, 16}, {kFloat32, dlpack::kFloat, 32},
                              {kFloat64, dlpack::kFloat, 64}, {kBFloat16, dlpack::kBfloat, 16}};

// ---- export ----

// The struct that is handed out, and what it keeps alive.
template <class T>
struct Export {
  T managed{};
  Tensor tensor;
  int64_t shape[kMaxRank] = {}, strides[kMaxRank] = {};
};

template <class T>
T* export_tensor(const Tensor& tensor) {
  constexpr std::string_view kOp = "to_dlpack";
  check(tensor.device().is_cpu(), ErrorCode::kDevice, kOp,
        "only host memory can be shared, got a tensor on ", tensor.device(), "; use .cpu() first");
  check(!tensor.requires_grad(), ErrorCode::kAutograd, kOp,
        "the other library would not record what it does to a tensor that requires grad; use "
        ".detach()");
  auto holder = std::make_unique<Export<T>>();
  holder->tensor = tensor.detach();
  const Shape sizes = tensor.sizes(), strides = tensor.strides();
  std::copy(sizes.begin(), sizes.end(), holder->shape);
  std::copy(strides.begin(), strides.end(), holder->strides);
  const auto* type = std::find_if(std::begin(kTypes), std::end(kTypes),
                                  [&](const TypeRow& row) { return row.dtype == tensor.dtype(); });
  holder->managed.array = {.data = tensor.numel() == 0 ? nullptr : tensor.data_ptr(),
                           .device = {dlpack::kHost, 0},
                           .rank = static_cast<int32_t>(tensor.dim()),
                           .dtype = {type->code, type->bits, 1},
                           .shape = holder->shape,
                           .strides = holder->strides,
                           .byte_offset = 0};
  holder->managed.context = holder.get();
  holder->managed.deleter = [](T* self) { delete static_cast<Export<T>*>(self->context); };
  return &holder.release()->managed;
}

// ---- import ----

constexpr std::string_view kImport = "from_dlpack";

// Calls the deleter once, unless released.
template <class T>
struct Delete {
  void operator()(T* managed) const {
    if (managed->deleter != nullptr) managed->deleter(managed);
  }
};
template <class T>
using Owner = std::unique_ptr<T, Delete<T>>;

DType checked_dtype(const dlpack::DataType& type) {
  check(type.lanes == 1, ErrorCode::kDType, kImport, "one lane was expected, got ",
        int64_t{type.lanes});
  for (const TypeRow& row : kTypes)
    if (row.code == type.code && row.bits == type.bits) return row.dtype;
  fail(ErrorCode::kDType, kImport,
       "bool, int8 to int64, uint8, float16 to float64 or bfloat16 was expected, got type code ",
       int64_t{type.code}, " of ", int64_t{type.bits}, " bits; convert it in the other library");
}

void check_array(const dlpack::Array& array) {
  const int32_t device = array.device.type;
  check(device == dlpack::kHost || device == dlpack::kPinnedHost, ErrorCode::kDevice, kImport,
        "host memory was expected, got DLPack device type ", int64_t{device},
        "; copy it to the host in the other library");
  check(array.rank >= 0 && array.rank <= kMaxRank, ErrorCode::kInvalidArgument, kImport, "0 to ",
        kMaxRank, " dimensions were expected, got ", int64_t{array.rank});
  check(array.rank == 0 || array.shape != nullptr, ErrorCode::kInvalidArgument, kImport,
        "a shape was expected, got null");
}

struct Layout {
  Shape sizes, strides;
};

Layout layout_of(const dlpack::Array& array) {
  Layout layout;
  for (int32_t d = 0; d < array.rank; ++d) {
    check(array.shape[d] >= 0, ErrorCode::kInvalidArgument, kImport,
          "sizes >= 0 were expected, got ", array.shape[d], " in dimension ", int64_t{d});
    layout.sizes.push_back(array.shape[d]);
  }
  if (array.strides == nullptr) {
    layout.strides = contiguous_strides(layout.sizes);
    return layout;
  }
  const bool empty = std::count(layout.sizes.begin(), layout.sizes.end(), 0) > 0;
  for (int32_t d = 0; d < array.rank; ++d) {
    // The stride of a single element is never used, and some libraries leave anything there.
    const bool unused = empty || layout.sizes[d] == 1;
    layout.strides.push_back(unused ? std::max<int64_t>(array.strides[d], 0) : array.strides[d]);
    check(layout.strides[d] >= 0, ErrorCode::kInvalidArgument, kImport,
          "strides >= 0 were expected, got ", array.strides[d], " in dimension ", int64_t{d},
          "; copy the array first");
  }
  if (empty) layout.strides = contiguous_strides(layout.sizes);
  return layout;
}

bool is_aligned(const void* data, DType dtype) {
  return reinterpret_cast<uintptr_t>(data) % static_cast<uintptr_t>(size_bytes(dtype)) == 0;
}

// A row-major copy, byte by byte: the memory may be unaligned.
Tensor copied(const std::byte* data, const Layout& layout, DType dtype) {
  const Tensor result = empty(layout.sizes, {dtype, Device()});
  const auto item = static_cast<size_t>(size_bytes(dtype));
  auto* out = static_cast<std::byte*>(result.data_ptr());
  Shape at = layout.sizes;
  for (int64_t d = 0; d < at.rank(); ++d) at[d] = 0;
  for (int64_t n = 0; n < result.numel(); ++n, out += item) {
    int64_t offset = 0;
    for (int64_t d = 0; d < at.rank(); ++d) offset += at[d] * layout.strides[d];
    std::copy_n(data + offset * static_cast<int64_t>(item), item, out);
    for (int64_t d = at.rank() - 1; d >= 0 && ++at[d] == layout.sizes[d]; --d) at[d] = 0;
  }
  return result;
}

template <class T>
Tensor import(T* managed, CopyMode copy, bool read_only) {
  Owner<T> owner(managed);
  const dlpack::Array& array = managed->array;
  check_array(array);
  const DType dtype = checked_dtype(array.dtype);
  const Layout layout = layout_of(array);
  void* const data =
      array.data == nullptr ? nullptr : static_cast<std::byte*>(array.data) + array.byte_offset;
  // Proves the geometry: nothing in the struct is trusted before this.
  const Tensor shared = from_blob(
      data, layout.sizes, dtype, [] {}, layout.strides);
  const bool aligned = is_aligned(data, dtype);
  if (copy == CopyMode::kAlways || read_only || !aligned) {
    check(copy != CopyMode::kNever, ErrorCode::kUnsupported, kImport, "the memory is ",
          read_only ? "read-only" : "not aligned to its elements", "; allow a copy");
    return copied(static_cast<const std::byte*>(data), layout, dtype);
  }
  const auto kept = std::make_shared<Owner<T>>(std::move(owner));
  return from_blob(
      data, layout.sizes, dtype, [kept] { kept->reset(); }, layout.strides);
}

}  // namespace

dlpack::ManagedVersioned* to_dlpack(const Tensor& tensor) {
  auto* managed = export_tensor<dlpack::ManagedVersioned>(tensor);
  managed->version = {dlpack::kMajor, dlpack::kMinor};
  managed->flags = 0;
  return managed;
}

dlpack::Managed* to_dlpack_legacy(const Tensor& tensor) {
  return export_tensor<dlpack::Managed>(tensor);
}

Tensor from_dlpack(dlpack::ManagedVersioned* managed, CopyMode copy) {
  check(managed != nullptr, ErrorCode::kInvalidArgument, kImport,
        "a struct was expected, got null");
  if (managed->version.major != dlpack::kMajor) {
    // Of another major version nothing but the deleter may be touched.
    const auto [major, minor] = managed->version;
    const Owner<dlpack::ManagedVersioned> owner(managed);
    fail(ErrorCode::kInvalidArgument, kImport, "DLPack version ", int64_t{dlpack::kMajor},
         ".x was expected, got ", int64_t{major}, ".", int64_t{minor},
         "; ask the producer for max_version (1, 1)");
  }
  return import(managed, copy, (managed->flags & dlpack::kReadOnly) != 0);
}

Tensor from_dlpack(dlpack::Managed* managed, CopyMode copy) {
  check(managed != nullptr, ErrorCode::kInvalidArgument, kImport,
        "a struct was expected, got null");
  return import(managed, copy, false);
}

}  // namespace tenon
