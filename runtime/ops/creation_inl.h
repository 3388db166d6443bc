// Templates of creation.h.
#pragma once

#include <tenon/runtime/ops/creation.h>

namespace tenon {

// Row-major host values of `dtype` as a new tensor with `options`.
[[nodiscard]] TENON_API Tensor tensor_from_host(const void* values, DType dtype, const Shape& sizes, const TensorOptions& options);

template <class T>
Tensor tensor(std::span<const T> values, const Shape& sizes, const TensorOptions& options) {
  check(static_cast<int64_t>(values.size()) == sizes.numel(), ErrorCode::kInvalidArgument, "tensor",
        "sizes ", sizes, " need ", sizes.numel(), " values, got ", values.size());
  return tensor_from_host(values.data(), dtype_of<T>(), sizes, options);
}

template <class T>
Tensor tensor(std::initializer_list<T> values, const TensorOptions& options) {
  const auto count = static_cast<int64_t>(values.size());
  if constexpr (std::is_same_v<T, int>) {  // integer literals mean int64, as in PyTorch
    const std::vector<int64_t> wide(values.begin(), values.end());
    return tensor_from_host(wide.data(), kInt64, {count}, options);
  } else if constexpr (std::is_same_v<T, double>) {  // and real literals the default float
    return tensor_from_host(values.begin(), kFloat64, {count}, options.dtype(options.dtype()));
  } else if constexpr (std::is_same_v<T, bool>) {
    return tensor_from_host(values.begin(), kBool, {count}, options);
  } else {
    return tensor(std::span<const T>(values.begin(), values.size()), {count}, options);
  }
}

template <class T>
Tensor tensor(const std::vector<T>& values, const TensorOptions& options) {
  return tensor(std::span<const T>(values), {static_cast<int64_t>(values.size())}, options);
}

template <class T>
Tensor tensor(std::initializer_list<std::initializer_list<T>> rows, const TensorOptions& options) {
  const auto height = static_cast<int64_t>(rows.size());
  const auto width = height == 0 ? 0 : static_cast<int64_t>(rows.begin()->size());
  std::vector<std::conditional_t<std::is_same_v<T, int>, int64_t, T>> values;
  for (const auto& row : rows) {
    check(static_cast<int64_t>(row.size()) == width, ErrorCode::kInvalidArgument, "tensor",
          "rows must have one length, got ", width, " and ", row.size());
    values.insert(values.end(), row.begin(), row.end());
  }
  if constexpr (std::is_same_v<T, double>)
    return tensor_from_host(values.data(), kFloat64, {height, width}, options.dtype(options.dtype()));
  else
    return tensor_from_host(values.data(), dtype_of<typename decltype(values)::value_type>(), {height, width}, options);
}

}  // namespace tenon
