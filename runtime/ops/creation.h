// New tensors. Without options: default_dtype() on default_device().
#pragma once

#include <functional>
#include <initializer_list>
#include <span>
#include <type_traits>
#include <vector>

#include <tenon/runtime/tensor.h>

namespace tenon {

// Debugging: whether empty() and empty_like() fill what they make, with NaN or the largest integer,
// so that programs which read it show themselves. Process wide; off at the start.
TENON_API void set_fill_uninitialized_memory(bool enabled) noexcept;

TENON_API Tensor empty(const Shape& sizes, const TensorOptions& options = {});  // uninitialised: any bits, NaN included
TENON_API Tensor zeros(const Shape& sizes, const TensorOptions& options = {});  // 0 everywhere
TENON_API Tensor ones(const Shape& sizes, const TensorOptions& options = {});   // 1 everywhere
TENON_API Tensor full(const Shape& sizes, Scalar value, const TensorOptions& options = {});  // value everywhere
TENON_API Tensor empty_like(const Tensor& self, const TensorOptions& options = {});  // uninitialised, shape of self
TENON_API Tensor zeros_like(const Tensor& self, const TensorOptions& options = {});  // 0, shape of self
TENON_API Tensor ones_like(const Tensor& self, const TensorOptions& options = {});   // 1, shape of self
TENON_API Tensor full_like(const Tensor& self, Scalar value, const TensorOptions& options = {});  // value, shape of self
TENON_API Tensor arange(Scalar start, Scalar end, Scalar step = 1, const TensorOptions& options = {});  // start, start+step, … < end
TENON_API Tensor arange(Scalar end, const TensorOptions& options = {});  // 0, 1, … < end
TENON_API Tensor linspace(Scalar start, Scalar end, int64_t steps, const TensorOptions& options = {});  // evenly from start to end, both included
TENON_API Tensor logspace(Scalar start, Scalar end, int64_t steps, double base = 10, const TensorOptions& options = {});  // base ^ linspace
TENON_API Tensor tril_indices(int64_t rows, int64_t columns, int64_t offset = 0, const TensorOptions& options = {});  // (2, n): where column − row ≤ offset
TENON_API Tensor triu_indices(int64_t rows, int64_t columns, int64_t offset = 0, const TensorOptions& options = {});  // (2, n): where column − row ≥ offset
TENON_API Tensor eye(int64_t n, int64_t m = -1, const TensorOptions& options = {});  // ones on the diagonal
TENON_API Tensor scalar_tensor(Scalar value, const TensorOptions& options = {});  // 0-dim

// Copies host values. tensor({1, 2}) is int64 and tensor({1., 2.}) the default float, as literals
// mean in PyTorch; tensor<int32_t>({1, 2}) is int32: a type that is named is the dtype. Options with
// a dtype convert.
template <class T = void, class V>
  requires std::is_void_v<T>
[[nodiscard]] Tensor tensor(std::initializer_list<V> values, const TensorOptions& options = {});
template <class T = void, class V>
  requires std::is_void_v<T>
[[nodiscard]] Tensor tensor(std::initializer_list<std::initializer_list<V>> rows, const TensorOptions& options = {});
template <class T>
[[nodiscard]] Tensor tensor(std::initializer_list<std::type_identity_t<T>> values, const TensorOptions& options = {});
template <class T>
[[nodiscard]] Tensor tensor(std::initializer_list<std::initializer_list<std::type_identity_t<T>>> rows, const TensorOptions& options = {});
template <class T>
[[nodiscard]] Tensor tensor(std::span<const T> values, const Shape& sizes, const TensorOptions& options = {});
template <class T>
[[nodiscard]] Tensor tensor(const std::vector<T>& values, const TensorOptions& options = {});

// Host memory of the caller as a tensor on "cpu", shared, not copied; `release` is called when the
// last user went. Strides in elements, default row-major. Errors: InvalidArgument.
TENON_API Tensor from_blob(void* data, const Shape& sizes, DType dtype, std::function<void()> release,
                           std::optional<Shape> strides = {});

}  // namespace tenon

#include <tenon/runtime/ops/creation_inl.h>
