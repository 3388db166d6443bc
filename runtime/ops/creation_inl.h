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

namespace detail {

// Values of literals: integers mean int64, real numbers the default float.
template <class V>
Tensor literal_tensor(std::span<const V> values, const Shape& sizes, const TensorOptions& options) {
  if constexpr (std::is_same_v<V, int>) {
    const std::vector<int64_t> wide(values.begin(), values.end());
    return tensor_from_host(wide.data(), kInt64, sizes, options);
  } else if constexpr (std::is_same_v<V, double>) {
    return tensor_from_host(values.data(), kFloat64, sizes, options.dtype(options.dtype()));
  } else {
    return tensor_from_host(values.data(), dtype_of<V>(), sizes, options);
  }
}

template <class V>
struct Rows {
  Shape sizes;
  // bool as bytes: std::vector<bool> has no data().
  std::vector<std::conditional_t<std::is_same_v<V, bool>, uint8_t, V>> values;
  [[nodiscard]] std::span<const V> span() const {
    return {reinterpret_cast<const V*>(values.data()), values.size()};
  }
};

template <class V>
Rows<V> rows_of(std::initializer_list<std::initializer_list<V>> rows) {
  const auto height = static_cast<int64_t>(rows.size());
  const auto width = height == 0 ? 0 : static_cast<int64_t>(rows.begin()->size());
  Rows<V> result{{height, width}, {}};
  for (const auto& row : rows) {
    check(static_cast<int64_t>(row.size()) == width, ErrorCode::kInvalidArgument, "tensor",
          "rows must have one length, got ", width, " and ", row.size());
    result.values.insert(result.values.end(), row.begin(), row.end());
  }
  return result;
}

}  // namespace detail

template <class T, class V>
  requires std::is_void_v<T>
Tensor tensor(std::initializer_list<V> values, const TensorOptions& options) {
  return detail::literal_tensor(std::span<const V>(values.begin(), values.size()),
                                {static_cast<int64_t>(values.size())}, options);
}

template <class T, class V>
  requires std::is_void_v<T>
Tensor tensor(std::initializer_list<std::initializer_list<V>> rows, const TensorOptions& options) {
  const auto all = detail::rows_of(rows);
  return detail::literal_tensor(all.span(), all.sizes, options);
}

template <class T>
Tensor tensor(std::initializer_list<std::type_identity_t<T>> values, const TensorOptions& options) {
  return tensor_from_host(values.begin(), dtype_of<T>(), {static_cast<int64_t>(values.size())}, options);
}

template <class T>
Tensor tensor(std::initializer_list<std::initializer_list<std::type_identity_t<T>>> rows, const TensorOptions& options) {
  const auto all = detail::rows_of<T>(rows);
  return tensor_from_host(all.values.data(), dtype_of<T>(), all.sizes, options);
}

template <class T>
Tensor tensor(const std::vector<T>& values, const TensorOptions& options) {
  return tensor(std::span<const T>(values), {static_cast<int64_t>(values.size())}, options);
}

}  // namespace tenon
