#include <tenon/runtime/tensor.h>

#include <cstring>

#include <tenon/runtime/device_context.h>
#include <tenon/runtime/dispatch/record_hooks.h>
#include <tenon/runtime/ops/ops.h>

namespace tenon {

void Tensor::fail_undefined() {
  fail(ErrorCode::kInvalidArgument, "tensor",
       "a defined tensor was expected, got an undefined one; assign it first");
}

int64_t Tensor::size(int64_t dim) const {
  const tn_tensor& desc = checked().desc;
  return desc.shape[wrap_dim(dim, desc.rank, "size")];
}

int64_t Tensor::stride(int64_t dim) const {
  const tn_tensor& desc = checked().desc;
  return desc.strides[wrap_dim(dim, desc.rank, "stride")];
}

Device Tensor::device() const { return checked().storage->context().device(); }

std::string Tensor::describe() const {
  if (!defined()) return "[undefined]";
  return join_text("[", device(), " ", dtype(), " ", sizes(), "]");
}

void* Tensor::data_ptr() const {
  TensorImpl& impl = checked();
  check(impl.storage->context().is_cpu(), ErrorCode::kDevice, "data_ptr",
        "host access needs a tensor on cpu, got ", *this, "; call .cpu() first");
  impl.storage->context().synchronize();
  return impl.storage->host() + (impl.desc.offset_bytes - impl.storage->offset_bytes());
}

void Tensor::check_data_type(DType requested) const {
  check(requested == dtype(), ErrorCode::kDType, "data", "expected element type ", dtype(),
        ", got ", requested, "; ask for the tensor's own type or convert with .to(dtype)");
}

Scalar Tensor::item() const {
  check(numel() == 1, ErrorCode::kInvalidArgument, "item",
        "a tensor with one element was expected, got ", *this, "; index or reduce it first");
  TensorImpl& impl = checked();
  std::byte bytes[8] = {};
  const auto size = static_cast<size_t>(element_size());
  DeviceContext& context = impl.storage->context();
  if (context.is_cpu())
    std::memcpy(bytes, data_ptr(), size);
  else
    context.download(impl.operand()->buffer, impl.desc.offset_bytes, bytes, size);
  return visit(dtype(), [&]<class T>(T value) -> Scalar {
    if constexpr (std::is_same_v<T, bool>) {  // memory may hold any byte; only 0 is false
      return Scalar(bytes[0] != std::byte{0});
    } else {
      std::memcpy(&value, bytes, sizeof(T));
    }
    if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>)
      return Scalar(static_cast<float>(value));
    else
      return Scalar(value);
  });
}

template <class T>
std::vector<T> Tensor::to_vector() const {
  RecordingScope off(false);
  const Tensor host = detach().cpu();
  const auto count = static_cast<size_t>(host.numel());
  std::vector<T> values(count);
  if (count == 0) return values;
  const Shape shape = host.sizes(), steps = host.strides();
  Shape index = shape;
  for (int64_t d = 0; d < index.rank(); ++d) index[d] = 0;
  visit(host.dtype(), [&]<class S>(S) {
    const S* data = static_cast<const S*>(host.data_ptr());
    for (size_t i = 0; i < count; ++i) {
      int64_t at = 0;
      for (int64_t d = 0; d < shape.rank(); ++d) at += index[d] * steps[d];
      if constexpr (std::is_same_v<S, bool>)
        values[i] = static_cast<T>(reinterpret_cast<const uint8_t*>(data)[at] != 0);
      else if constexpr (std::is_same_v<S, T>)
        values[i] = data[at];
      else if constexpr (std::is_same_v<S, Half> || std::is_same_v<S, BFloat16>)
        values[i] = static_cast<T>(static_cast<float>(data[at]));
      else
        values[i] = static_cast<T>(data[at]);
      for (int64_t d = shape.rank() - 1; d >= 0 && ++index[d] == shape[d]; --d) index[d] = 0;
    }
  });
  return values;
}
template std::vector<bool> Tensor::to_vector() const;
template std::vector<uint8_t> Tensor::to_vector() const;
template std::vector<int8_t> Tensor::to_vector() const;
template std::vector<int16_t> Tensor::to_vector() const;
template std::vector<int32_t> Tensor::to_vector() const;
template std::vector<int64_t> Tensor::to_vector() const;
template std::vector<float> Tensor::to_vector() const;
template std::vector<double> Tensor::to_vector() const;

// ---- conversions ----
Tensor Tensor::to(const Device& device) const { return tenon::to(*this, TensorOptions(device)); }
Tensor Tensor::to(DType dtype) const { return tenon::to(*this, TensorOptions(dtype)); }
Tensor Tensor::to(const TensorOptions& options) const { return tenon::to(*this, options); }
Tensor Tensor::cpu() const { return to(Device()); }
Tensor Tensor::cuda() const { return to(Device("cuda")); }
Tensor Tensor::clone() const { return tenon::clone(*this); }
Tensor Tensor::contiguous() const { return tenon::contiguous(*this); }
Tensor& Tensor::copy_(const Tensor& source) { return tenon::copy_(*this, source); }

// ---- views ----
Tensor Tensor::as_strided(const Shape& sizes, const Shape& strides, int64_t offset) const {
  return tenon::as_strided(*this, sizes, strides, offset);
}
Tensor Tensor::view(const Shape& sizes) const { return tenon::view(*this, sizes); }
Tensor Tensor::reshape(const Shape& sizes) const { return tenon::reshape(*this, sizes); }
Tensor Tensor::flatten(int64_t start, int64_t end) const {
  return tenon::flatten(*this, start, end);
}
Tensor Tensor::t() const { return tenon::t(*this); }
Tensor Tensor::transpose(int64_t a, int64_t b) const { return tenon::transpose(*this, a, b); }
Tensor Tensor::permute(const Shape& dims) const { return tenon::permute(*this, dims); }
Tensor Tensor::select(int64_t dim, int64_t index) const { return tenon::select(*this, dim, index); }
Tensor Tensor::slice(int64_t dim, int64_t start, int64_t stop, int64_t step) const {
  return tenon::slice(*this, dim, start, stop, step);
}
Tensor Tensor::narrow(int64_t dim, int64_t start, int64_t length) const {
  return tenon::narrow(*this, dim, start, length);
}
Tensor Tensor::squeeze() const { return tenon::squeeze(*this); }
Tensor Tensor::squeeze(int64_t dim) const { return tenon::squeeze(*this, dim); }
Tensor Tensor::unsqueeze(int64_t dim) const { return tenon::unsqueeze(*this, dim); }
Tensor Tensor::expand(const Shape& sizes) const { return tenon::expand(*this, sizes); }
std::vector<Tensor> Tensor::unbind(int64_t dim) const { return tenon::unbind(*this, dim); }
Tensor Tensor::detach() const { return tenon::detach(*this); }
Tensor Tensor::index(std::initializer_list<TensorIndex> indices) const {
  return index(std::span<const TensorIndex>(indices.begin(), indices.size()));
}
Tensor& Tensor::index_put_(std::initializer_list<TensorIndex> indices, const Operand& value,
                           bool accumulate) {
  return index_put_(std::span<const TensorIndex>(indices.begin(), indices.size()), value,
                    accumulate);
}

// ---- pointwise ----
Tensor Tensor::add(const Operand& o, Scalar alpha) const { return tenon::add(*this, o, alpha); }
Tensor Tensor::sub(const Operand& o, Scalar alpha) const { return tenon::sub(*this, o, alpha); }
Tensor Tensor::mul(const Operand& o) const { return tenon::mul(*this, o); }
Tensor Tensor::div(const Operand& o, Rounding rounding) const {
  return tenon::div(*this, o, rounding);
}
Tensor Tensor::pow(const Operand& o) const { return tenon::pow(*this, o); }
Tensor Tensor::neg() const { return tenon::neg(*this); }
Tensor Tensor::abs() const { return tenon::abs(*this); }
Tensor Tensor::exp() const { return tenon::exp(*this); }
Tensor Tensor::log() const { return tenon::log(*this); }
Tensor Tensor::sqrt() const { return tenon::sqrt(*this); }
Tensor Tensor::relu() const { return tenon::relu(*this); }
Tensor Tensor::tanh() const { return tenon::tanh(*this); }
Tensor Tensor::sigmoid() const { return tenon::sigmoid(*this); }
Tensor Tensor::eq(const Operand& o) const { return tenon::eq(*this, o); }
Tensor Tensor::ne(const Operand& o) const { return tenon::ne(*this, o); }
Tensor Tensor::lt(const Operand& o) const { return tenon::lt(*this, o); }
Tensor Tensor::le(const Operand& o) const { return tenon::le(*this, o); }
Tensor Tensor::gt(const Operand& o) const { return tenon::gt(*this, o); }
Tensor Tensor::ge(const Operand& o) const { return tenon::ge(*this, o); }
Tensor& Tensor::fill_(const Operand& value) { return tenon::fill_(*this, value); }
Tensor& Tensor::zero_() { return tenon::zero_(*this); }

// ---- random ----
Tensor& Tensor::uniform_(double low, double high) { return tenon::uniform_(*this, low, high); }
Tensor& Tensor::normal_(double mean, double stddev) { return tenon::normal_(*this, mean, stddev); }
Tensor& Tensor::bernoulli_(double probability) { return tenon::bernoulli_(*this, probability); }

// ---- reductions and products ----
Tensor Tensor::sum() const { return tenon::sum(*this); }
Tensor Tensor::sum(const Shape& dims, bool keepdim) const {
  return tenon::sum(*this, dims, keepdim);
}
Tensor Tensor::mean() const { return tenon::mean(*this); }
Tensor Tensor::mean(const Shape& dims, bool keepdim) const {
  return tenon::mean(*this, dims, keepdim);
}
Tensor Tensor::max() const { return tenon::amax(*this); }
Tensor Tensor::min() const { return tenon::amin(*this); }
Tensor Tensor::argmax() const { return tenon::argmax(*this); }
Tensor Tensor::argmax(int64_t dim, bool keepdim) const {
  return tenon::argmax(*this, dim, keepdim);
}
Tensor Tensor::all() const { return tenon::all(*this); }
Tensor Tensor::any() const { return tenon::any(*this); }
Tensor Tensor::mm(const Tensor& other) const { return tenon::mm(*this, other); }
Tensor Tensor::matmul(const Tensor& other) const { return tenon::matmul(*this, other); }

}  // namespace tenon
