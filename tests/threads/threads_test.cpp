// What may be done by many threads at once, each case by eight: run under ThreadSanitizer by
// tools/test --threads, where any race ends the case. TENON_FULL=1 lengthens the loops.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <queue>
#include <string>
#include <thread>
#include <vector>

#include <tenon/runtime/loader/plugin.h>
#include <tenon/runtime/memory/allocator.h>
#include <tenon/tenon.h>

namespace tenon {
namespace {

constexpr int kThreads = 8;

// Calls of an op by each thread of a case.
int loops(int quick) { return std::getenv("TENON_FULL") != nullptr ? 20 * quick : quick; }

// Runs body(0) … body(7) at once; all begin together.
void together(const std::function<void(int)>& body) {
  std::barrier start(kThreads);
  std::vector<std::string> errors(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      start.arrive_and_wait();
      try {
        body(t);
      } catch (const std::exception& error) {
        errors[static_cast<size_t>(t)] = error.what();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int t = 0; t < kThreads; ++t)
    EXPECT_EQ(errors[static_cast<size_t>(t)], "") << "thread " << t;
}

// Each case is a process of its own, so the first use of everything happens here.
TEST(Threads, MayUseEverythingForTheFirstTimeAtOnce) {
  together([](int t) {
    const Tensor x = full({4, 4}, static_cast<float>(t));
    const Tensor w = ones({4, 4}).requires_grad_();
    matmul(x, w).relu().sum().backward();
    EXPECT_EQ(w.grad().sum().item<float>(), static_cast<float>(64 * t));
  });
}

TEST(Threads, MayLoadTheSamePluginAtOnce) {
  const Plugin* plugins[kThreads] = {};
  together([&](int t) { plugins[t] = &require_plugin(default_device().type()); });
  for (const Plugin* plugin : plugins) EXPECT_EQ(plugin, plugins[0]);
  EXPECT_EQ(device_count(default_device().type()), plugins[0]->device_count);
}

TEST(Threads, MayAllocateAndFreeMemoryOfEachOther) {
  std::mutex mutex;
  std::queue<Tensor> passed;
  together([&](int t) {
    for (int i = 0; i < loops(300); ++i) {
      const int64_t size = 1 + (i * 37 + t * 101) % 5000;
      Tensor x = full({size}, static_cast<float>(t));
      Tensor other;
      {
        const std::scoped_lock lock(mutex);
        passed.push(x);
        if (passed.size() > 16) {
          other = passed.front();
          passed.pop();
        }
      }
      if (!other.defined()) continue;
      const float value = other.index({-1}).item<float>();
      EXPECT_TRUE(value >= 0 && value < kThreads && value == std::floor(value));
    }
  });
  passed = {};
  EXPECT_EQ(memory_stats(default_device()).allocated, 0u);
}

TEST(Threads, MayReadOneTensor) {
  const Tensor x = arange(1000).to(kFloat32).view({10, 100});
  together([&](int t) {
    for (int i = 0; i < loops(200); ++i) {
      EXPECT_EQ(x.index({Slice(), t}).sum().item<float>(), static_cast<float>(4500 + 10 * t));
      EXPECT_EQ(x.t().add(1).mean().item<float>(), 500.5f);
    }
  });
}

TEST(Threads, MayWalkGraphsThatShareALeaf) {
  Tensor leaf = ones({16}).requires_grad_();
  const int count = loops(100);
  together([&](int) {
    for (int i = 0; i < count; ++i) (leaf * 2).sum().backward();
  });
  EXPECT_EQ(leaf.grad().index({3}).item<float>(), static_cast<float>(2 * kThreads * count));
}

// Whoever uses such a view first gives it its new history.
TEST(Threads, MayUseViewsOfATensorThatWasWrittenTo) {
  const Tensor leaf = ones({16}).requires_grad_();
  const int count = loops(50);
  for (int i = 0; i < count; ++i) {
    Tensor x = zeros({16});
    const Tensor before = x.slice(0, 0, 8);
    x.add_(leaf);
    const Tensor after = x.slice(0, 8, 16);
    x.mul_(3);
    together([&](int) { EXPECT_NE((before + after).grad_fn(), nullptr); });
    (before * after).sum().backward();
  }
  EXPECT_EQ(leaf.grad().index({3}).item<float>(), static_cast<float>(9 * count));
}

// A trainer writes under a lock while the others copy the weights and compute with the copies: the
// way to serve a network that learns.
TEST(Threads, MayInferWithCopiesWhileAnOptimizerSteps) {
  nn::Sequential net{nn::Linear(8, 16), nn::Tanh(), nn::Linear(16, 1)};
  optim::Adam adam(net.parameters(), {.lr = 0.01});
  std::mutex mutex;
  together([&](int t) {
    for (int i = 0; i < loops(30); ++i) {
      if (t == 0) {
        const std::scoped_lock lock(mutex);
        const Tensor loss = mse_loss(net(ones({4, 8})), zeros({4, 1}));
        adam.zero_grad(), loss.backward(), adam.step();
      } else {
        std::shared_ptr<nn::Sequential> copy;
        {
          const std::scoped_lock lock(mutex);
          copy = std::static_pointer_cast<nn::Sequential>(net.clone());
        }
        const NoGradGuard no_grad;
        EXPECT_TRUE(std::isfinite((*copy)(ones({2, 8})).sum().item<float>()));
      }
    }
  });
}

// Work of one thread is used by the next without waiting in between: the order of streams holds.
TEST(Threads, MayHandWorkOnToAnother) {
  std::mutex mutex;
  std::queue<std::pair<Tensor, float>> queue;
  std::atomic<int> makers{kThreads / 2}, taken{0};
  const int count = loops(150);
  const auto make = [&](int t) {
    for (int i = 0; i < count; ++i) {
      Tensor x = full({64}, static_cast<float>(i));
      x.add_(t);
      const std::scoped_lock lock(mutex);
      queue.emplace(x, static_cast<float>(64 * (i + t + 1)));
    }
    --makers;
  };
  const auto take = [&] {
    for (;;) {
      const bool last = makers == 0;
      std::pair<Tensor, float> work;
      {
        const std::scoped_lock lock(mutex);
        if (!queue.empty()) {
          work = queue.front();
          queue.pop();
        }
      }
      if (work.first.defined()) {
        work.first.add_(1);
        EXPECT_EQ(work.first.sum().item<float>(), work.second);
        ++taken;
      } else if (last) {
        return;
      } else {
        std::this_thread::yield();
      }
    }
  };
  together([&](int t) { t % 2 == 0 ? make(t) : take(); });
  EXPECT_EQ(taken.load(), kThreads / 2 * count);
}

TEST(Threads, MayChangeTheDefaultDevice) {
  const Device own = default_device();
  together([&](int t) {
    for (int i = 0; i < loops(100); ++i) {
      if (t == 0) set_default_device(i % 2 == 0 ? Device() : own);
      const Tensor x = ones({4});
      EXPECT_TRUE(x.device() == own || x.device().is_cpu());
      EXPECT_EQ((x + 1).sum().item<float>(), 8.0f);
    }
  });
  set_default_device(own);
}

TEST(Threads, AnErrorOfOneStaysItsOwn) {
  together([](int t) {
    for (int i = 0; i < loops(100); ++i) {
      const Tensor x = ones({3, 2 + t});
      if (t % 2 == 0) {
        EXPECT_EQ(x.sum().item<float>(), static_cast<float>(3 * (2 + t)));
        continue;
      }
      try {
        (void)x.add(ones({3, 40}));
        ADD_FAILURE() << "nothing was thrown";
      } catch (const Error& error) {
        EXPECT_THAT(error.what(), testing::HasSubstr(join_text("(3, ", 2 + t, ")")));
      }
    }
  });
}

TEST(Threads, MayDrawRandomNumbersAndLoadDataAtOnce) {
  together([](int t) {
    const Tensor x = rand({500});
    const data::TensorDataset dataset(arange(40).to(kFloat32).cpu().view({20, 2}),
                                      arange(20).cpu());
    data::DataLoader loader(dataset, {.batch_size = 5, .shuffle = true, .workers = 2, .seed = t});
    int64_t seen = 0;
    for (auto& [input, target] : loader) seen += target.numel();
    EXPECT_EQ(seen, 20);
    EXPECT_LT(x.max().item<float>(), 1.0f);
  });
}

// Statistics, trims and reports are taken while others compute.
TEST(Threads, MayWatchAndTrimWhileOthersCompute) {
  together([](int t) {
    for (int i = 0; i < loops(60); ++i) {
      switch (t) {
        case 0:
          empty_cache(default_device());
          break;
        case 1:
          EXPECT_FALSE(load_report().empty());
          break;
        case 2:
          EXPECT_LE(memory_stats(default_device()).allocated, uint64_t{1} << 30);
          break;
        case 3:
          synchronize(default_device());
          break;
        default:
          EXPECT_EQ(ones({100 + t}).mul(2).sum().item<float>(), static_cast<float>(200 + 2 * t));
      }
    }
  });
}

}  // namespace
}  // namespace tenon
