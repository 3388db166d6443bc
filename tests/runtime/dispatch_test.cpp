// What the dispatcher promises whatever the plugin offers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <cmath>

#include <tenon/runtime/dispatch/operator.h>
#include <tenon/runtime/ops/ops.h>

#include "support/errors.h"

namespace tenon {
namespace {

// A kernel is cached by structure, not by sizes: what a plugin serves for small ones and refuses
// for large ones must still be computed.
TEST(Dispatch, SizesThatAKernelRefusesAreComposed) {
  const Tensor small = conv2d(ones({1, 1, 5, 5}), ones({1, 1, 3, 3}));
  EXPECT_EQ(small.sum().item<float>(), 81);
  const Tensor large = conv2d(ones({1, 1, 40, 40}), ones({1, 1, 33, 33}));
  EXPECT_EQ(large.sizes(), (Shape{1, 1, 8, 8}));
  EXPECT_EQ(large.sum().item<float>(), 8 * 8 * 33 * 33);
}

TEST(Dispatch, AnEmptyBatchComputesNothing) {
  EXPECT_EQ(conv2d(ones({0, 1, 5, 5}), ones({2, 1, 3, 3})).sizes(), (Shape{0, 2, 3, 3}));
  EXPECT_EQ(sum(ones({0, 3})).item<float>(), 0);
  EXPECT_EQ(matmul(ones({2, 0}), ones({0, 3})).sum().item<float>(), 0);
}

// In a child of fork() the threads of an asynchronous device are gone, and launches fail.
TEST(Dispatch, AWriteCountsWhetherOrNotItsKernelFails) {
  Tensor x = ones({4});
  x.mul_(2);
  const uint32_t before = x.version();
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    try {
      x.mul_(2);
    } catch (const Error&) {
    }
    ::_exit(static_cast<int>(x.version() - before));
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 1);
}

TEST(Dispatch, AWriteThatIsRefusedDoesNotCount) {
  Tensor x = ones({4}, kInt32);
  const uint32_t before = x.version();
  EXPECT_THROW(x.mul_(ones({3}, kInt32)), Error);
  EXPECT_THROW(x.mul_(1.5), Error);
  EXPECT_EQ(x.version(), before);
}

TEST(Dispatch, EveryOpIsFoundByName) {
  for (const Op* op : all_ops()) EXPECT_EQ(find_op(op->name()), op);
  EXPECT_EQ(find_op("no_such_op"), nullptr);
  EXPECT_GE(all_ops().size(), 80u);
}

TEST(Dispatch, BoxedCallsEqualTypedOnes) {
  const Tensor x = rand({3});
  const std::vector<Value> arguments{x, Scalar(2.0)};
  const auto results = find_op("mul")->spec().boxed(arguments);
  EXPECT_EQ(std::get<Tensor>(results.at(0)).to_vector<float>(), (x * 2.0).to_vector<float>());
  const std::vector<Value> wrong{Scalar(1)};
  EXPECT_THROW((void)find_op("exp")->spec().boxed(wrong), Error);
}

TEST(Dispatch, BoxedChoicesAreNotCutToTheirType) {
  const auto call = [](const Scalar& reduction) {
    const std::vector<Value> arguments{ones({2}), zeros({2}), reduction};
    return std::get<Tensor>(find_op("mse_loss")->spec().boxed(arguments).at(0));
  };
  EXPECT_EQ(call(2).item<float>(), 2);
  for (const Scalar& wrong : {Scalar(-1), Scalar(257), Scalar(int64_t{1} << 40), Scalar(1.5),
                              Scalar(NAN), Scalar(INFINITY)})
    EXPECT_THAT(message_of([&] { (void)call(wrong); }),
                testing::HasSubstr("argument 2 must be the number of a choice"));
  EXPECT_THAT(message_of([&] { (void)call(200); }),
              testing::HasSubstr("mse_loss: reduction must be none (0), mean (1) or sum (2)"));
}

// Sixteen operands of eight dimensions, with sizes and strides, are 273 words.
TEST(Dispatch, LongCacheKeysAreComparedToTheEnd) {
  static constinit KernelCache cache;
  const auto fill = [](CacheKey& key, uint64_t last) {
    for (uint64_t i = 0; i < 1000; ++i) key.push(i);
    key.push(last);
  };
  CacheKey one, same, other;
  fill(one, 1), fill(same, 1), fill(other, 2);
  EXPECT_EQ(one.count(), 1001u);
  EXPECT_EQ(one.words()[1000], 1u);
  CacheEntry* entry = cache.insert(one, std::make_unique<CacheEntry>());
  EXPECT_EQ(cache.find(same), entry);
  EXPECT_EQ(cache.find(other), nullptr);
  EXPECT_EQ(one.mix(), same.mix());
}

// Programs longer than a device's limit are cut; the pieces give the same bits as a device that
// takes them whole.
TEST(Dispatch, LongProgramsAreCutToTheDevicesLimits) {
  manual_seed(3);
  const Tensor x = randn({1000});  // Box-Muller: one program of many instructions
  EXPECT_NEAR(x.mean().item<double>(), 0, 0.1);
  EXPECT_NEAR((x * x).mean().item<double>(), 1, 0.2);
}

}  // namespace
}  // namespace tenon
