// Batches of a dataset, prepared ahead by worker threads.
#pragma once

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include <tenon/nn/data/dataset.h>
#include <tenon/nn/data/sampler.h>
#include <tenon/runtime/device.h>

namespace tenon::data {

struct DataLoaderOptions {
  int64_t batch_size = 1;
  bool shuffle = false;
  bool drop_last = false;                 // leaves out a last batch that is not full
  int64_t workers = 1;                    // threads; 0 prepares each batch when it is asked for
  int64_t prefetch = 2;                   // batches ahead, per worker
  std::optional<uint64_t> seed = {};      // of the shuffle; default: the default generator's seed
  std::optional<Device> device = {};      // where batches arrive; default: default_device()
  std::shared_ptr<Sampler> sampler = {};  // in place of shuffle
};

//   for (auto& [images, labels] : loader) …
// Each loop is an epoch with an order of its own. The order does not depend on the number of
// workers. What a dataset throws is thrown again from the loop, at the batch it belongs to; leaving
// the loop early is safe. Errors: InvalidArgument for sizes that can't be.
class TENON_API DataLoader {
 public:
  class Pass;

  // Single pass.
  class TENON_API Iterator {
   public:
    explicit Iterator(std::unique_ptr<Pass> pass);
    Iterator(Iterator&&) noexcept;
    Iterator& operator=(Iterator&&) noexcept;
    ~Iterator();
    [[nodiscard]] Example& operator*() noexcept { return *batch_; }
    [[nodiscard]] Example* operator->() noexcept { return &*batch_; }
    Iterator& operator++();
    [[nodiscard]] friend bool operator==(const Iterator& iterator, std::nullptr_t) noexcept {
      return !iterator.batch_;
    }

   private:
    std::unique_ptr<Pass> pass_;
    std::optional<Example> batch_;
  };

  DataLoader(std::shared_ptr<const Dataset> dataset, const DataLoaderOptions& options);
  template <class D>
  requires std::is_base_of_v<Dataset, D> DataLoader(D dataset, const DataLoaderOptions& options)
      : DataLoader(std::make_shared<const D>(std::move(dataset)), options) {}

  // Starts the epoch that is next.
  [[nodiscard]] Iterator begin();
  [[nodiscard]] std::nullptr_t end() const noexcept { return nullptr; }

  [[nodiscard]] int64_t size() const noexcept;  // batches per epoch
  [[nodiscard]] const Dataset& dataset() const noexcept { return *dataset_; }
  // The number of the next epoch, for resuming.
  [[nodiscard]] uint64_t epoch() const noexcept { return epoch_; }
  void set_epoch(uint64_t epoch) noexcept { epoch_ = epoch; }

 private:
  std::shared_ptr<const Dataset> dataset_;
  DataLoaderOptions options_;
  uint64_t epoch_ = 0;
};

}  // namespace tenon::data
