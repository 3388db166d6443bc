#include <tenon/nn/data/dataset.h>

#include <tenon/autograd/grad_mode.h>
#include <tenon/runtime/ops/creation.h>

#include <algorithm>
#include <cstring>
#include <numeric>

namespace tenon::data {

namespace {

Tensor host_empty(const Shape& sizes, DType dtype) {
  return empty(sizes, TensorOptions(dtype, Device()));
}

Tensor to_host_rows(const Tensor& tensor) {
  return tensor.defined() ? tensor.detach().cpu().contiguous() : Tensor();
}

// Bytes of dimensions 1 and up.
size_t row_bytes(const Tensor& tensor) {
  const Shape sizes = tensor.sizes();
  return static_cast<size_t>(
      checked_mul(sizes.slice(1, sizes.rank()).numel(), tensor.element_size()));
}

// Copies rows of a dense host tensor, without computing.
Tensor take_rows(const Tensor& source, std::span<const int64_t> indices) {
  if (!source.defined()) return {};
  Shape sizes = source.sizes();
  sizes[0] = static_cast<int64_t>(indices.size());
  Tensor result = host_empty(sizes, source.dtype());
  if (result.numel() == 0) return result;
  const size_t bytes = row_bytes(source);
  const auto* from = static_cast<const std::byte*>(source.data_ptr());
  auto* to = static_cast<std::byte*>(result.data_ptr());
  for (const int64_t index : indices) {
    std::memcpy(to, from + static_cast<size_t>(index) * bytes, bytes);
    to += bytes;
  }
  return result;
}

Tensor stack_rows(const std::vector<Tensor>& rows) {
  if (rows.empty() || !rows.front().defined()) return {};
  const Tensor& first = rows.front();
  Tensor result =
      host_empty(Shape{static_cast<int64_t>(rows.size())} + first.sizes(), first.dtype());
  if (result.numel() == 0) return result;
  const size_t bytes = row_bytes(result);
  auto* to = static_cast<std::byte*>(result.data_ptr());
  for (const Tensor& row : rows) {
    check(row.defined() && row.sizes() == first.sizes() && row.dtype() == first.dtype(),
          ErrorCode::kInvalidArgument, "Dataset::get_batch",
          "the examples of a batch must have one shape and dtype, got ", first.describe(), " and ",
          row.defined() ? row.describe() : "none");
    std::memcpy(to, to_host_rows(row).data_ptr(), bytes);
    to += bytes;
  }
  return result;
}

}  // namespace

Dataset::~Dataset() = default;

Example Dataset::get_batch(std::span<const int64_t> indices) const {
  std::vector<Tensor> data, target;
  for (const int64_t index : indices) {
    Example example = get(index);
    data.push_back(std::move(example.data));
    target.push_back(std::move(example.target));
  }
  const NoGradGuard no_grad;
  return {stack_rows(data), stack_rows(target)};
}

TensorDataset::TensorDataset(const Tensor& data, const Tensor& target)
    : data_(to_host_rows(data)), target_(to_host_rows(target)) {
  check(data.defined() && data.dim() > 0, ErrorCode::kInvalidArgument, "TensorDataset",
        "expected data with at least one dimension");
  check(!target.defined() || (target.dim() > 0 && target.size(0) == data.size(0)),
        ErrorCode::kInvalidArgument, "TensorDataset",
        "data and target must have the same number of rows, got ", data.sizes(), " and ",
        target.defined() ? target.sizes() : Shape());
}

int64_t TensorDataset::size() const { return data_.size(0); }

Example TensorDataset::get(int64_t index) const {
  return {data_[index], target_.defined() ? target_[index] : Tensor()};
}

Example TensorDataset::get_batch(std::span<const int64_t> indices) const {
  return {take_rows(data_, indices), take_rows(target_, indices)};
}

Subset::Subset(std::shared_ptr<const Dataset> dataset, std::vector<int64_t> indices)
    : dataset_(std::move(dataset)), indices_(std::move(indices)) {
  for (const int64_t index : indices_)
    check(index >= 0 && index < dataset_->size(), ErrorCode::kIndex, "Subset",
          "expected indices in [0, ", dataset_->size(), "), got ", index);
}

Subset Subset::first(std::shared_ptr<const Dataset> dataset, int64_t count) {
  check(count >= 0, ErrorCode::kInvalidArgument, "Subset::first", "expected a count >= 0, got ",
        count);
  std::vector<int64_t> indices(static_cast<size_t>(std::min(count, dataset->size())));
  std::iota(indices.begin(), indices.end(), int64_t{0});
  return {std::move(dataset), std::move(indices)};
}

int64_t Subset::size() const { return static_cast<int64_t>(indices_.size()); }

Example Subset::get(int64_t index) const {
  return dataset_->get(indices_[static_cast<size_t>(index)]);
}

Example Subset::get_batch(std::span<const int64_t> indices) const {
  std::vector<int64_t> inner;
  inner.reserve(indices.size());
  for (const int64_t index : indices) inner.push_back(indices_[static_cast<size_t>(index)]);
  return dataset_->get_batch(inner);
}

}  // namespace tenon::data
