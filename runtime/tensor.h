// Tensor: a handle to a strided array on some device. Copies share; names and semantics are
// PyTorch's. Free functions (add, matmul, …) are in ops/<family>.h.
#pragma once

#include <functional>
#include <initializer_list>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include <tenon/runtime/device.h>
#include <tenon/runtime/dtype.h>
#include <tenon/runtime/scalar.h>
#include <tenon/runtime/shape.h>
#include <tenon/runtime/tensor_impl.h>

namespace tenon {

class Tensor;
class TensorIndex;
namespace autograd {
struct Node;
}

// dtype and device of a new tensor; unset: default_dtype(), default_device().
class TensorOptions {
 public:
  TensorOptions() = default;
  TensorOptions(DType dtype) : dtype_(dtype) {}
  TensorOptions(const Device& device) : device_(device) {}
  TensorOptions(DType dtype, const Device& device) : dtype_(dtype), device_(device) {}

  [[nodiscard]] TensorOptions dtype(DType dtype) const {
    TensorOptions result = *this;
    result.dtype_ = dtype;
    return result;
  }
  [[nodiscard]] TensorOptions device(const Device& device) const {
    TensorOptions result = *this;
    result.device_ = device;
    return result;
  }
  [[nodiscard]] DType dtype_or(DType fallback) const { return dtype_.value_or(fallback); }
  [[nodiscard]] DType dtype() const { return dtype_or(default_dtype()); }
  [[nodiscard]] Device device() const { return device_ ? *device_ : default_device(); }
  [[nodiscard]] Device device_or(const Device& fallback) const { return device_.value_or(fallback); }

 private:
  std::optional<DType> dtype_;
  std::optional<Device> device_;
};

// One operand of a pointwise op: a tensor, or a number of the host. Borrows the tensor.
class Operand {
 public:
  Operand(const Tensor& tensor) : tensor_(&tensor) {}
  Operand(const Scalar& scalar) : scalar_(scalar) {}
  template <class T>
    requires std::is_arithmetic_v<T>
  Operand(T number) : scalar_(number) {}

  [[nodiscard]] bool is_tensor() const noexcept { return tensor_ != nullptr; }
  [[nodiscard]] const Tensor& tensor() const noexcept { return *tensor_; }
  [[nodiscard]] const Scalar& scalar() const noexcept { return scalar_; }

 private:
  const Tensor* tensor_ = nullptr;
  Scalar scalar_;
};

// How div rounds its quotient: not at all, toward zero, down.
enum class Rounding : uint8_t { kNone, kTrunc, kFloor };

class TENON_API Tensor {
 public:
  Tensor() = default;  // undefined
  explicit Tensor(Ref<TensorImpl> impl) noexcept : impl_(std::move(impl)) {}

  // ---- what it is ----
  [[nodiscard]] bool defined() const noexcept { return static_cast<bool>(impl_); }
  [[nodiscard]] TensorImpl* impl() const noexcept { return impl_.get(); }
  [[nodiscard]] bool is_same(const Tensor& other) const noexcept { return impl_ == other.impl_; }
  [[nodiscard]] Shape sizes() const { return checked().shape(); }
  [[nodiscard]] Shape strides() const { return checked().strides(); }
  // Size of dimension d, which may be negative. Errors: Index.
  [[nodiscard]] int64_t size(int64_t dim) const;
  [[nodiscard]] int64_t stride(int64_t dim) const;
  [[nodiscard]] int64_t dim() const { return checked().desc.rank; }
  [[nodiscard]] int64_t numel() const { return checked().numel; }
  [[nodiscard]] DType dtype() const { return checked().dtype(); }
  [[nodiscard]] Device device() const;
  [[nodiscard]] TensorOptions options() const { return {dtype(), device()}; }
  [[nodiscard]] int64_t storage_offset() const { return checked().storage_offset(); }
  [[nodiscard]] bool is_contiguous() const { return checked().contiguous; }
  [[nodiscard]] bool is_floating_point() const { return tenon::is_floating_point(dtype()); }
  [[nodiscard]] int64_t element_size() const { return size_bytes(dtype()); }
  [[nodiscard]] uint32_t version() const { return checked().storage->version(); }
  // "[cpu float32 (2, 3)]", for messages.
  [[nodiscard]] std::string describe() const;
  // As PyTorch prints it. Reads the values (waits for the device).
  [[nodiscard]] std::string str() const;

  // ---- host access (device "cpu" only; waits for queued work) ----
  // Errors: Device when not on "cpu" (says .cpu()).
  [[nodiscard]] void* data_ptr() const;
  // Errors: DType when T is not the element type.
  template <class T>
  [[nodiscard]] T* data() const {
    check_data_type(dtype_of<T>());
    return static_cast<T*>(data_ptr());
  }
  // Row-major values, from any device and layout, cast to T.
  template <class T>
  [[nodiscard]] std::vector<T> to_vector() const;
  // The one element. Errors: InvalidArgument unless numel() == 1.
  [[nodiscard]] Scalar item() const;
  template <class T>
  [[nodiscard]] T item() const {
    return item().to<T>();
  }

  // ---- conversions ----
  [[nodiscard]] Tensor to(const Device& device) const;
  [[nodiscard]] Tensor to(const char* device) const { return to(Device(device)); }
  [[nodiscard]] Tensor to(DType dtype) const;
  [[nodiscard]] Tensor to(const TensorOptions& options) const;
  [[nodiscard]] Tensor cpu() const;
  [[nodiscard]] Tensor cuda() const;
  [[nodiscard]] Tensor clone() const;
  [[nodiscard]] Tensor contiguous() const;
  // Broadcasts, converts and moves `source` into this tensor.
  Tensor& copy_(const Tensor& source);

  // ---- views ----
  // Same elements, shared memory; offset in elements. Errors: InvalidArgument out of bounds.
  [[nodiscard]] Tensor as_strided(const Shape& sizes, const Shape& strides, int64_t offset) const;
  [[nodiscard]] Tensor view(const Shape& sizes) const;  // one size may be -1
  [[nodiscard]] Tensor reshape(const Shape& sizes) const;
  [[nodiscard]] Tensor flatten(int64_t start_dim = 0, int64_t end_dim = -1) const;
  [[nodiscard]] Tensor t() const;
  Tensor& t_();
  [[nodiscard]] Tensor transpose(int64_t dim0, int64_t dim1) const;
  [[nodiscard]] Tensor permute(const Shape& dims) const;
  [[nodiscard]] Tensor select(int64_t dim, int64_t index) const;
  [[nodiscard]] Tensor slice(int64_t dim, int64_t start, int64_t stop, int64_t step = 1) const;
  [[nodiscard]] Tensor narrow(int64_t dim, int64_t start, int64_t length) const;
  [[nodiscard]] Tensor squeeze() const;
  [[nodiscard]] Tensor squeeze(int64_t dim) const;
  [[nodiscard]] Tensor unsqueeze(int64_t dim) const;
  [[nodiscard]] Tensor expand(const Shape& sizes) const;  // -1 keeps a size
  [[nodiscard]] std::vector<Tensor> unbind(int64_t dim = 0) const;
  [[nodiscard]] Tensor detach() const;  // shares memory and version, not the graph

  // ---- indexing: index({Slice(), 1}) ----
  [[nodiscard]] Tensor index(std::initializer_list<TensorIndex> indices) const;
  [[nodiscard]] Tensor index(std::span<const TensorIndex> indices) const;
  // self[indices] = value, or += with accumulate; value broadcasts.
  Tensor& index_put_(std::initializer_list<TensorIndex> indices, const Operand& value,
                     bool accumulate = false);
  Tensor& index_put_(std::span<const TensorIndex> indices, const Operand& value,
                     bool accumulate = false);
  [[nodiscard]] Tensor operator[](int64_t index) const { return select(0, index); }

  // ---- pointwise ----
  [[nodiscard]] Tensor add(const Operand& other, Scalar alpha = 1) const;
  [[nodiscard]] Tensor sub(const Operand& other, Scalar alpha = 1) const;
  [[nodiscard]] Tensor mul(const Operand& other) const;
  [[nodiscard]] Tensor div(const Operand& other, Rounding rounding = Rounding::kNone) const;
  [[nodiscard]] Tensor pow(const Operand& exponent) const;
  [[nodiscard]] Tensor neg() const;
  [[nodiscard]] Tensor abs() const;
  [[nodiscard]] Tensor exp() const;
  [[nodiscard]] Tensor log() const;
  [[nodiscard]] Tensor sqrt() const;
  [[nodiscard]] Tensor relu() const;
  [[nodiscard]] Tensor tanh() const;
  [[nodiscard]] Tensor sigmoid() const;
  [[nodiscard]] Tensor clamp(const std::optional<Operand>& min,
                             const std::optional<Operand>& max = {}) const;
  [[nodiscard]] Tensor eq(const Operand& other) const;
  [[nodiscard]] Tensor ne(const Operand& other) const;
  [[nodiscard]] Tensor lt(const Operand& other) const;
  [[nodiscard]] Tensor le(const Operand& other) const;
  [[nodiscard]] Tensor gt(const Operand& other) const;
  [[nodiscard]] Tensor ge(const Operand& other) const;
  Tensor& add_(const Operand& other, Scalar alpha = 1);
  Tensor& sub_(const Operand& other, Scalar alpha = 1);
  Tensor& mul_(const Operand& other);
  Tensor& div_(const Operand& other, Rounding rounding = Rounding::kNone);
  Tensor& pow_(const Operand& exponent);
  Tensor& neg_();
  Tensor& abs_();
  Tensor& exp_();
  Tensor& log_();
  Tensor& sqrt_();
  Tensor& relu_();
  Tensor& tanh_();
  Tensor& sigmoid_();
  Tensor& clamp_(const std::optional<Operand>& min, const std::optional<Operand>& max = {});
  // 1 and 0 in the dtype of self.
  Tensor& eq_(const Operand& other);
  Tensor& ne_(const Operand& other);
  Tensor& lt_(const Operand& other);
  Tensor& le_(const Operand& other);
  Tensor& gt_(const Operand& other);
  Tensor& ge_(const Operand& other);
  Tensor& fill_(const Operand& value);
  Tensor& zero_();
  // self += value * a * b; self += value * a / b.
  Tensor& addcmul_(const Tensor& a, const Tensor& b, Scalar value = 1);
  Tensor& addcdiv_(const Tensor& a, const Tensor& b, Scalar value = 1);
  Tensor& operator+=(const Operand& other) { return add_(other); }
  Tensor& operator-=(const Operand& other) { return sub_(other); }
  Tensor& operator*=(const Operand& other) { return mul_(other); }
  Tensor& operator/=(const Operand& other) { return div_(other); }
  [[nodiscard]] Tensor operator-() const { return neg(); }

  // ---- random, in place, from the default generator ----
  Tensor& uniform_(double low = 0, double high = 1);
  Tensor& normal_(double mean = 0, double stddev = 1);
  Tensor& bernoulli_(double probability = 0.5);

  // ---- reductions and products ----
  [[nodiscard]] Tensor sum() const;
  [[nodiscard]] Tensor sum(const Shape& dims, bool keepdim = false) const;
  [[nodiscard]] Tensor mean() const;
  [[nodiscard]] Tensor mean(const Shape& dims, bool keepdim = false) const;
  [[nodiscard]] Tensor max() const;
  [[nodiscard]] Tensor min() const;
  [[nodiscard]] Tensor argmax() const;
  [[nodiscard]] Tensor argmax(int64_t dim, bool keepdim = false) const;
  [[nodiscard]] Tensor all() const;
  [[nodiscard]] Tensor any() const;
  [[nodiscard]] Tensor mm(const Tensor& other) const;
  [[nodiscard]] Tensor matmul(const Tensor& other) const;

  // ---- autograd (defined in libtenon_autograd) ----
  [[nodiscard]] bool requires_grad() const { return checked().in_graph(); }
  // Errors: Autograd on non-float dtypes and on non-leaves.
  Tensor& requires_grad_(bool value = true);
  [[nodiscard]] bool is_leaf() const;
  // Accumulates d(this)/d(leaf) into every leaf's grad(). Without gradient: numel() must be 1.
  void backward(const Tensor& gradient = {}, bool retain_graph = false,
                bool create_graph = false) const;
  // Undefined until a backward() reached this leaf.
  [[nodiscard]] Tensor grad() const;
  void set_grad(const Tensor& gradient) const;
  void retain_grad() const;
  // The node that made it; nullptr for tensors made by the user.
  [[nodiscard]] autograd::Node* grad_fn() const;
  [[nodiscard]] uint32_t output_nr() const;
  // Called with the gradient during backward; may return a replacement (or an undefined tensor).
  // Returns an id for remove_hook.
  uint64_t register_hook(std::function<Tensor(const Tensor&)> hook) const;
  void remove_hook(uint64_t id) const;
  // Shares memory without the graph, as detach().
  [[nodiscard]] Tensor data() const { return detach(); }

 private:
  TensorImpl& checked() const {
    if (!impl_) [[unlikely]]
      fail_undefined();
    return *impl_;
  }
  [[noreturn]] static void fail_undefined();
  void check_data_type(DType requested) const;

  Ref<TensorImpl> impl_;
};

inline void append_text(std::string& text, const Tensor& tensor) { text += tensor.describe(); }
TENON_API std::ostream& operator<<(std::ostream& stream, const Tensor& tensor);

// ---- index expressions ----
struct None_ {};
struct Ellipsis_ {};
inline constexpr None_ None{};
inline constexpr Ellipsis_ Ellipsis{};

// start:stop:step; unset = NumPy's defaults. Negative positions count from the end; a step < 1 is
// an error.
struct Slice {
  std::optional<int64_t> start, stop;
  int64_t step = 1;
  Slice() = default;
  Slice(std::optional<int64_t> from, std::optional<int64_t> to, int64_t by = 1)
      : start(from), stop(to), step(by) {}
};

// int, Slice, None, Ellipsis or "...", bool, positions of the host, bool mask or integer tensor.
class TensorIndex : public std::variant<int64_t, Slice, None_, Ellipsis_, Tensor, bool,
                                        std::vector<int64_t>> {
 public:
  using Base = std::variant<int64_t, Slice, None_, Ellipsis_, Tensor, bool, std::vector<int64_t>>;
  template <std::integral T>
    requires(!std::same_as<T, bool>)
  TensorIndex(T index) : Base(static_cast<int64_t>(index)) {}
  TensorIndex(Slice slice) : Base(slice) {}
  TensorIndex(None_ none) : Base(none) {}
  TensorIndex(Ellipsis_ ellipsis) : Base(ellipsis) {}
  TensorIndex(const char* ellipsis) : Base(Ellipsis_{}) {
    check(std::string_view(ellipsis) == "...", ErrorCode::kIndex, "index", "the only text index is \"...\"");
  }
  TensorIndex(Tensor tensor) : Base(std::move(tensor)) {}
  TensorIndex(std::vector<int64_t> positions) : Base(std::move(positions)) {}
  template <std::same_as<bool> T>  // nothing else becomes a bool here, pointers least of all
  TensorIndex(T truth) : Base(std::in_place_type<bool>, truth) {}
};

}  // namespace tenon
