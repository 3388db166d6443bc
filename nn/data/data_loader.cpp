#include <tenon/nn/data/data_loader.h>

#include <tenon/runtime/ops/random.h>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

namespace tenon::data {

namespace {

constexpr int64_t kMaxWorkers = 1024;
constexpr int64_t kMaxPrefetch = 1 << 20;

Tensor move_to(const Tensor& tensor, const Device& device) {
  return tensor.defined() ? tensor.to(device) : tensor;
}

}  // namespace

// One epoch. Batch i is prepared by whichever worker is free, at most `slots_` ahead of the
// consumer, and waits in slot i mod size; the consumer takes the slots in order.
class DataLoader::Pass {
 public:
  Pass(std::shared_ptr<const Dataset> dataset, std::vector<int64_t> order, int64_t batches,
       const DataLoaderOptions& options)
      : dataset_(std::move(dataset)),
        order_(std::move(order)),
        batches_(batches),
        batch_size_(options.batch_size),
        device_(options.device ? *options.device : default_device()) {
    start(std::min(options.workers, batches), options.prefetch);
  }
  Pass(const Pass&) = delete;
  Pass& operator=(const Pass&) = delete;

  ~Pass() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    room_.notify_all();
    for (std::thread& worker : workers_) worker.join();
  }

  // Empty after the last batch.
  std::optional<Example> next() {
    if (taken_ == batches_) return std::nullopt;
    const Example batch = workers_.empty() ? make(taken_++) : take();
    return Example{move_to(batch.data, device_), move_to(batch.target, device_)};
  }

 private:
  struct Slot {
    bool ready = false;
    Example batch;
    std::exception_ptr error;
  };

  void start(int64_t workers, int64_t prefetch) {
    slots_.resize(static_cast<size_t>(std::max<int64_t>(1, workers * prefetch)));
    workers_.reserve(static_cast<size_t>(workers));
    try {
      for (int64_t i = 0; i < workers; ++i) workers_.emplace_back([this] { work(); });
    } catch (const std::exception&) {
      // No more threads to be had: those that started do the work, or else the consumer itself.
    }
  }

  [[nodiscard]] Slot& slot(int64_t batch) {
    return slots_[static_cast<size_t>(batch) % slots_.size()];
  }

  [[nodiscard]] Example make(int64_t batch) const {
    const auto begin = static_cast<size_t>(batch * batch_size_);
    const size_t count = std::min(static_cast<size_t>(batch_size_), order_.size() - begin);
    return dataset_->get_batch(std::span(order_).subspan(begin, count));
  }

  void work() {
    std::unique_lock lock(mutex_);
    while (true) {
      room_.wait(lock, [this] {
        return stop_ || claimed_ == batches_ ||
               claimed_ < taken_ + static_cast<int64_t>(slots_.size());
      });
      if (stop_ || claimed_ == batches_) return;
      const int64_t batch = claimed_++;
      lock.unlock();
      Slot result;
      try {
        result.batch = make(batch);
      } catch (...) {
        result.error = std::current_exception();
      }
      result.ready = true;
      lock.lock();
      slot(batch) = std::move(result);
      filled_.notify_one();
    }
  }

  [[nodiscard]] Example take() {
    Slot result;
    {
      std::unique_lock lock(mutex_);
      filled_.wait(lock, [this] { return slot(taken_).ready; });
      result = std::exchange(slot(taken_), Slot());
      ++taken_;
    }
    room_.notify_all();
    if (result.error) std::rethrow_exception(result.error);
    return result.batch;
  }

  const std::shared_ptr<const Dataset> dataset_;
  const std::vector<int64_t> order_;
  const int64_t batches_;
  const int64_t batch_size_;
  const Device device_;

  std::mutex mutex_;  // guards all below but workers_
  std::condition_variable room_, filled_;
  std::vector<Slot> slots_;
  int64_t claimed_ = 0;  // batches given to workers
  int64_t taken_ = 0;    // batches given to the consumer
  bool stop_ = false;
  std::vector<std::thread> workers_;
};

DataLoader::Iterator::Iterator(std::unique_ptr<Pass> pass) : pass_(std::move(pass)) {
  batch_ = pass_->next();
}
DataLoader::Iterator::Iterator(Iterator&&) noexcept = default;
DataLoader::Iterator& DataLoader::Iterator::operator=(Iterator&&) noexcept = default;
DataLoader::Iterator::~Iterator() = default;

DataLoader::Iterator& DataLoader::Iterator::operator++() {
  batch_.reset();  // its memory can serve the next one
  batch_ = pass_->next();
  return *this;
}

DataLoader::DataLoader(std::shared_ptr<const Dataset> dataset, const DataLoaderOptions& options)
    : dataset_(std::move(dataset)), options_(options) {
  check(options.batch_size > 0, ErrorCode::kInvalidArgument, "DataLoader",
        "expected batch_size > 0, got ", options.batch_size);
  check(options.workers >= 0 && options.workers <= kMaxWorkers && options.prefetch > 0 &&
            options.prefetch <= kMaxPrefetch,
        ErrorCode::kInvalidArgument, "DataLoader", "expected workers in [0, ", kMaxWorkers,
        "] and prefetch in [1, ", kMaxPrefetch, "], got ", options.workers, " and ",
        options.prefetch);
  if (options_.sampler) return;
  if (options_.shuffle)
    options_.sampler = std::make_shared<RandomSampler>(
        dataset_->size(), options_.seed.value_or(default_generator().seed()));
  else
    options_.sampler = std::make_shared<SequentialSampler>(dataset_->size());
}

int64_t DataLoader::size() const noexcept {
  const int64_t count = options_.sampler->size();
  return count / options_.batch_size +
         (options_.drop_last || count % options_.batch_size == 0 ? 0 : 1);
}

DataLoader::Iterator DataLoader::begin() {
  std::vector<int64_t> order = options_.sampler->order(epoch_);
  for (const int64_t index : order)
    check(index >= 0 && index < dataset_->size(), ErrorCode::kIndex, "DataLoader",
          "the sampler gave ", index, ", expected indices in [0, ", dataset_->size(), ")");
  check(static_cast<int64_t>(order.size()) == options_.sampler->size(), ErrorCode::kInvalidArgument,
        "DataLoader", "the sampler gave ", order.size(), " indices, announced ",
        options_.sampler->size());
  ++epoch_;
  return Iterator(std::make_unique<Pass>(dataset_, std::move(order), size(), options_));
}

}  // namespace tenon::data
