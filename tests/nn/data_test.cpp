// Datasets, samplers and the loader.
#include <algorithm>
#include <atomic>
#include <numeric>
#include <stdexcept>
#include <thread>

#include "nn/helpers.h"

namespace tenon::data {
namespace {

using test::error_of;
using test::expect_contains;
using test::values;

TensorDataset numbers(int64_t count) {
  const Tensor x = arange(count, TensorOptions(kFloat32, Device("cpu")));
  return TensorDataset(x.view({count, 1}).expand({count, 3}), x.to(kInt64));
}

std::vector<int64_t> targets(DataLoader& loader) {
  std::vector<int64_t> all;
  for (auto& [x, target] : loader)
    for (const int64_t value : target.to_vector<int64_t>()) all.push_back(value);
  return all;
}

TEST(Dataset, TensorRowsAndBatches) {
  const TensorDataset dataset = numbers(10);
  EXPECT_EQ(dataset.size(), 10);
  const Example one = dataset.get(4);
  EXPECT_EQ(one.data.sizes(), Shape({3}));
  EXPECT_EQ(one.target.item<int64_t>(), 4);
  const std::vector<int64_t> indices = {7, 0, 7};
  const Example batch = dataset.get_batch(indices);
  EXPECT_EQ(batch.data.sizes(), Shape({3, 3}));
  EXPECT_EQ(batch.target.to_vector<int64_t>(), indices);
  EXPECT_EQ(values(batch.data), (std::vector<double>{7, 7, 7, 0, 0, 0, 7, 7, 7}));
}

TEST(Dataset, StacksExamplesUnlessOverridden) {
  struct Squares : Dataset {
    [[nodiscard]] int64_t size() const override { return 4; }
    [[nodiscard]] Example get(int64_t i) const override {
      return {full({i == 3 ? 2 : 1}, i * i, TensorOptions(kFloat32, Device("cpu"))), {}};
    }
  };
  const Squares dataset;
  const Example batch = dataset.get_batch(std::vector<int64_t>{2, 1});
  EXPECT_EQ(values(batch.data), (std::vector<double>{4, 1}));
  EXPECT_FALSE(batch.target.defined());
  expect_contains(error_of(ErrorCode::kInvalidArgument,
                           [&] {
                             (void)dataset.get_batch(std::vector<int64_t>{1, 3});
                           }),
                  "one shape and dtype");
}

TEST(Dataset, SubsetAndErrors) {
  const auto all = std::make_shared<TensorDataset>(numbers(10));
  const Subset some(all, {9, 1});
  EXPECT_EQ(some.get(0).target.item<int64_t>(), 9);
  EXPECT_EQ(Subset::first(all, 3).size(), 3);
  EXPECT_EQ(Subset::first(all, 30).size(), 10);
  error_of(ErrorCode::kIndex, [&] { Subset(all, {10}); });
  error_of(ErrorCode::kInvalidArgument, [] { TensorDataset(ones({3}), ones({4})); });
  error_of(ErrorCode::kInvalidArgument, [] { TensorDataset(ones({})); });
}

TEST(Sampler, ShufflesByCountersNotByHistory) {
  const std::vector<int64_t> order = shuffled(1000, 42, 0);
  EXPECT_EQ(order, shuffled(1000, 42, 0));
  EXPECT_NE(order, shuffled(1000, 42, 1));
  EXPECT_NE(order, shuffled(1000, 43, 0));
  std::vector<int64_t> sorted = order;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(sorted, SequentialSampler(1000).order(5));
  // Fixed for ever: checkpoints of older versions must find the same order.
  EXPECT_EQ(shuffled(8, 0, 0), (std::vector<int64_t>{0, 3, 4, 7, 5, 2, 1, 6}));
}

TEST(Sampler, EveryPlaceIsEquallyLikely) {
  std::vector<double> sums(10);
  constexpr int kEpochs = 2000;
  for (int epoch = 0; epoch < kEpochs; ++epoch) {
    const auto order = shuffled(10, 3, static_cast<uint64_t>(epoch));
    for (size_t i = 0; i < order.size(); ++i) sums[i] += static_cast<double>(order[i]);
  }
  for (const double sum : sums)  // five standard deviations of a mean of uniform draws
    EXPECT_NEAR(sum / kEpochs, 4.5, 5 * std::sqrt(8.25 / kEpochs));
}

TEST(DataLoader, BatchesInOrder) {
  DataLoader loader(numbers(10), {.batch_size = 4});
  std::vector<int64_t> sizes;
  for (auto& [x, target] : loader) sizes.push_back(x.size(0));
  EXPECT_EQ(sizes, (std::vector<int64_t>{4, 4, 2}));
  EXPECT_EQ(loader.size(), 3);
  EXPECT_EQ(targets(loader), SequentialSampler(10).order(0));
  DataLoader dropping(numbers(10), {.batch_size = 4, .drop_last = true});
  EXPECT_EQ(dropping.size(), 2);
  EXPECT_EQ(targets(dropping), SequentialSampler(8).order(0));
}

TEST(DataLoader, ArrivesOnTheDevice) {
  DataLoader loader(numbers(4), {.batch_size = 4});
  for (auto& [x, target] : loader) {
    EXPECT_EQ(x.device(), default_device());
    EXPECT_EQ(target.device(), default_device());
  }
  DataLoader host(numbers(4), {.batch_size = 4, .device = Device("cpu")});
  for (auto& batch : host) EXPECT_TRUE(batch.data.device().is_cpu());
}

TEST(DataLoader, OrderIsTheSameForAnyNumberOfWorkers) {
  DataLoader alone(numbers(103), {.batch_size = 4, .shuffle = true, .workers = 0, .seed = 6});
  const std::vector<int64_t> first = targets(alone), second = targets(alone);
  EXPECT_NE(first, second);
  EXPECT_EQ(first, shuffled(103, 6, 0));
  EXPECT_EQ(second, shuffled(103, 6, 1));
  for (const int64_t workers : {1, 2, 5, 40}) {
    DataLoader loader(numbers(103), {.batch_size = 4,
                                     .shuffle = true,
                                     .workers = workers,
                                     .prefetch = 1 + workers % 2,
                                     .seed = 6});
    EXPECT_EQ(targets(loader), first) << workers;
    EXPECT_EQ(targets(loader), second) << workers;
    loader.set_epoch(0);
    EXPECT_EQ(targets(loader), first) << workers;
  }
}

TEST(DataLoader, ShuffleFollowsTheDefaultSeed) {
  manual_seed(77);
  DataLoader loader(numbers(50), {.batch_size = 50, .shuffle = true});
  EXPECT_EQ(targets(loader), shuffled(50, 77, 0));
}

// Fails at one example; counts how many were asked for.
struct Failing : Dataset {
  int64_t bad;
  std::atomic<int64_t>* asked;
  Failing(int64_t bad_index, std::atomic<int64_t>* counter) : bad(bad_index), asked(counter) {}
  [[nodiscard]] int64_t size() const override { return 100; }
  [[nodiscard]] Example get(int64_t i) const override {
    ++*asked;
    if (i == bad) throw std::out_of_range("example 13 is rotten");
    return {full({1}, i, TensorOptions(kFloat32, Device("cpu"))), {}};
  }
};

TEST(DataLoader, RethrowsAWorkersExceptionAtItsBatch) {
  for (const int64_t workers : {0, 1, 3}) {
    std::atomic<int64_t> asked{0};
    DataLoader loader(std::make_shared<Failing>(13, &asked), {.batch_size = 5, .workers = workers});
    int64_t seen = 0;
    try {
      for (auto& batch : loader) seen += batch.data.size(0);
      ADD_FAILURE() << "no exception";
    } catch (const std::out_of_range& error) {
      EXPECT_STREQ(error.what(), "example 13 is rotten");
    }
    EXPECT_EQ(seen, 10) << workers;
  }
}

TEST(DataLoader, LeavingEarlyStopsTheWorkers) {
  std::atomic<int64_t> asked{0};
  {
    DataLoader loader(std::make_shared<Failing>(-1, &asked),
                      {.batch_size = 1, .workers = 3, .prefetch = 2});
    for (auto& batch : loader) {
      if (batch.data.item<int64_t>() == 4) break;
    }
  }
  EXPECT_LE(asked.load(), 5 + 3 * 2 + 3);  // taken, waiting, in the making
  DataLoader unused(std::make_shared<Failing>(-1, &asked), {.batch_size = 1, .workers = 3});
  (void)unused.begin();
}

TEST(DataLoader, SeveralPassesAtOnce) {
  DataLoader loader(numbers(20), {.batch_size = 2, .workers = 2});
  auto a = loader.begin();
  auto b = loader.begin();
  ++a;
  EXPECT_EQ(a->target.to_vector<int64_t>(), (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(b->target.to_vector<int64_t>(), (std::vector<int64_t>{0, 1}));
  b = std::move(a);
  EXPECT_EQ(b->target.to_vector<int64_t>(), (std::vector<int64_t>{2, 3}));
}

TEST(DataLoader, EmptyDatasetsAndErrors) {
  DataLoader empty_loader(numbers(0), {.batch_size = 4, .workers = 2});
  EXPECT_EQ(empty_loader.size(), 0);
  EXPECT_TRUE(targets(empty_loader).empty());
  error_of(ErrorCode::kInvalidArgument, [] { DataLoader(numbers(4), {.batch_size = 0}); });
  error_of(ErrorCode::kInvalidArgument, [] { DataLoader(numbers(4), {.workers = -1}); });
  error_of(ErrorCode::kInvalidArgument, [] { DataLoader(numbers(4), {.prefetch = 0}); });
  DataLoader wrong(numbers(4), {.sampler = std::make_shared<SequentialSampler>(5)});
  error_of(ErrorCode::kIndex, [&] { (void)wrong.begin(); });
}

}  // namespace
}  // namespace tenon::data
