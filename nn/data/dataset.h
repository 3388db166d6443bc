// Numbered examples in host memory.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include <tenon/runtime/tensor.h>

namespace tenon::data {

// One example, or a batch of them along a new first dimension. auto [images, labels] = batch;
struct Example {
  Tensor data;
  Tensor target;  // may be undefined
};

// Threads: get and get_batch are called from several threads at once.
class TENON_API Dataset {
 public:
  virtual ~Dataset();
  [[nodiscard]] virtual int64_t size() const = 0;
  // Tensors on "cpu". 0 <= index < size() is the caller's duty.
  [[nodiscard]] virtual Example get(int64_t index) const = 0;
  // The examples stacked; override where a batch can be made faster than one by one.
  // Errors: InvalidArgument when shapes or dtypes differ.
  [[nodiscard]] virtual Example get_batch(std::span<const int64_t> indices) const;
};

// Rows of tensors: example i is (data[i], target[i]).
// Errors: InvalidArgument when the numbers of rows differ.
class TENON_API TensorDataset : public Dataset {
 public:
  explicit TensorDataset(const Tensor& data, const Tensor& target = {});
  [[nodiscard]] int64_t size() const override;
  [[nodiscard]] Example get(int64_t index) const override;
  [[nodiscard]] Example get_batch(std::span<const int64_t> indices) const override;

 private:
  Tensor data_, target_;
};

// Some examples of another dataset, in the order given. Errors: Index out of range.
class TENON_API Subset : public Dataset {
 public:
  Subset(std::shared_ptr<const Dataset> dataset, std::vector<int64_t> indices);
  // The first `count` examples, or all when there are fewer.
  [[nodiscard]] static Subset first(std::shared_ptr<const Dataset> dataset, int64_t count);
  [[nodiscard]] int64_t size() const override;
  [[nodiscard]] Example get(int64_t index) const override;
  [[nodiscard]] Example get_batch(std::span<const int64_t> indices) const override;

 private:
  std::shared_ptr<const Dataset> dataset_;
  std::vector<int64_t> indices_;
};

}  // namespace tenon::data
