// TENON_LAYERS=fault: each kind of failure of each slot, at each call of a workload, ends in a
// named error or in full recovery, and leaves nothing behind.
#include <gmock/gmock.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>

#include <tenon/runtime/device_context.h>
#include <tenon/runtime/interop/safetensors.h>
#include <tenon/runtime/layers/fault.h>
#include <tenon/runtime/loader/plugin.h>
#include <tenon/tenon.h>

#include "layers/child.h"

namespace tenon::layers_test {
namespace {

using layers::Fault;
using testing::HasSubstr;

constexpr const char* kFaults[] = {"oom",     "lost", "internal", "invalid",
                                   "garbage", "null", "delay"};

// ---- what is swept ----

void load_device() {
  const Tensor x = ones({2}, TensorOptions().device(device_under_test()));
  check((x + 1.).sum().item<float>() == 4, ErrorCode::kInternal, "load", "wrong sum");
}

void run_forward() {
  manual_seed(2);
  const Tensor x = rand({4, 6}).to(Device(device_under_test()));
  nn::Sequential net{nn::Linear(6, 8), nn::Tanh(), nn::Linear(8, 3)};
  net.to(x.device());
  const NoGradGuard guard;
  const Tensor y = softmax(net(x), 1).cpu();
  check(std::abs(y.sum().item<float>() - 4) < 1e-4F, ErrorCode::kInternal, "forward", "no softmax");
}

void train_step() {
  manual_seed(2);
  const Device device(device_under_test());
  const Tensor x = rand({4, 6}).to(device), y = randint(0, 3, {4}).to(device);
  nn::Sequential net{nn::Linear(6, 8), nn::ReLU(), nn::Linear(8, 3)};
  net.to(device);
  optim::Adam adam(net.parameters(), {.lr = 0.01});
  for (int step = 0; step < 2; ++step) {
    const Tensor loss = cross_entropy(net(x), y);
    adam.zero_grad();
    loss.backward();
    adam.step();
    check(std::isfinite(loss.item<float>()), ErrorCode::kInternal, "train", "not finite");
  }
}

void save_and_load() {
  const std::string path =
      testing::TempDir() + "tenon_fault." + std::to_string(::getpid()) + ".safetensors";
  const auto remove = [&path] { std::filesystem::remove(path); };
  try {
    const Tensor a = arange(12.).reshape({3, 4}).to(Device(device_under_test()));
    save_safetensors(path, {{"a", a * 2.}});
    const Tensor back = load_safetensors(path).tensors.front().second.to(a.device());
    check(back.sum().item<float>() == 132, ErrorCode::kInternal, "save", "other values");
  } catch (...) {
    remove();
    throw;
  }
  remove();
}

struct Workload {
  const char* name;
  void (*run)();
};
constexpr Workload kWorkloads[] = {{"load", load_device},
                                   {"forward", run_forward},
                                   {"train", train_step},
                                   {"save", save_and_load}};

// ---- one run: a process of its own, since a lost device stays lost ----

struct Injection {
  const Workload* workload;
  std::string slot;
  Fault fault;
  uint64_t call;
  [[nodiscard]] std::string text() const {
    return std::string(workload->name) + " with TENON_LAYERS=fault:slot=" + slot +
           ":plugin=" + device_under_test() + ":call=" + std::to_string(call) +
           ":as=" + kFaults[static_cast<size_t>(fault)];
  }
};

// What happened to a run, told by the exit status of its process.
enum Outcome : int { kRecovered = 0, kNamedError = 10, kBad = 1 };

// An error is named when it says whose it is and what was injected.
bool is_named(const Error& e, const Injection& run) {
  const std::string_view text = e.what();
  if (run.fault == Fault::kNull) return text.find(device_under_test()) != std::string_view::npos;
  return text.find("fault layer: call ") != std::string_view::npos &&
         text.find(device_under_test()) != std::string_view::npos;
}

[[noreturn]] void bad(const Injection& run, const std::string& why) {
  std::fprintf(stderr, "%s: %s\n", run.text().c_str(), why.c_str());
  std::fflush(nullptr);
  ::_exit(kBad);
}

void train_on_cpu() {
  const Tensor w = ones({3, 3}, TensorOptions().device("cpu")).requires_grad_();
  matmul(w, w).sum().backward();
  check(w.grad().sum().item<float>() == 54, ErrorCode::kInternal, "cpu", "wrong gradient");
}

void expect_whole(const Injection& run, bool is_lost) {
  try {
    if (!is_lost) {
      run.workload->run();
      const Device device(device_under_test());
      synchronize(device);
      empty_cache(device);
      const int64_t buffers = layers::fault_counts(device_under_test()).buffers;
      const bool host = device.is_cpu();  // its segments stay with the runtime
      if (!host && buffers != 0) bad(run, std::to_string(buffers) + " buffers are left");
      if (memory_stats(device).allocated != 0)
        bad(run, std::to_string(memory_stats(device).allocated) + " bytes are left");
    }
    if (device_under_test() != "cpu" || !is_lost) train_on_cpu();
  } catch (const std::exception& e) {
    bad(run, std::string("afterwards: ") + e.what());
  }
}

[[noreturn]] void run_in_child(const Injection& run) {
  ::setenv("TENON_LAYERS", run.text().substr(run.text().find("fault:")).c_str(), 1);
  ::alarm(60);  // a hang is a failure; on a busy machine a run may take seconds
  int outcome = kRecovered;
  try {
    run.workload->run();
  } catch (const Error& e) {
    if (!is_named(e, run)) bad(run, std::string("the error does not name it: ") + e.what());
    outcome = kNamedError;
  } catch (const std::exception& e) {
    bad(run, std::string("no Error of ours: ") + e.what());
  }
  // A plugin that could not be loaded is not tried again; what was loaded must be whole.
  const bool is_loaded = find_plugin(device_under_test()) != nullptr;
  if (is_loaded) layers::disarm_fault(device_under_test());
  expect_whole(run, !is_loaded || (run.fault == Fault::kDeviceLost && outcome == kNamedError));
  ::_exit(outcome);
}

int outcome_of(const Injection& run) {
  const pid_t child = ::fork();
  if (child == 0) run_in_child(run);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  std::fprintf(stderr, "%s: ended by signal %d\n", run.text().c_str(), WTERMSIG(status));
  return 128 + WTERMSIG(status);
}

// Calls of each slot in a run without a fault.
std::vector<uint64_t> calls_of(const Workload& workload) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  EXPECT_EQ(run_with_layers("fault",
                            [&] {
                              workload.run();
                              const layers::FaultCounts counts =
                                  layers::fault_counts(device_under_test());
                              EXPECT_EQ(::write(ends[1], counts.calls.data(), sizeof counts.calls),
                                        static_cast<ssize_t>(sizeof counts.calls));
                            }),
            0);
  ::close(ends[1]);  // so that nothing written is an end, not a wait
  decltype(layers::FaultCounts::calls) calls{};
  EXPECT_EQ(::read(ends[0], calls.data(), sizeof calls), static_cast<ssize_t>(sizeof calls));
  ::close(ends[0]);
  return {calls.begin(), calls.end()};
}

std::vector<Injection> runs_of(const Workload& workload) {
  std::vector<Injection> runs;
  const std::vector<uint64_t> calls = calls_of(workload);
  for (size_t slot = 0; slot < layers::fault_slots().size(); ++slot) {
    for (size_t fault = 0; fault < layers::kFaultCount; ++fault) {
      if (!layers::fault_applies(layers::fault_slots()[slot], static_cast<Fault>(fault))) continue;
      for (uint64_t call = 1; call <= calls[slot]; ++call)
        runs.push_back(
            {&workload, std::string(layers::fault_slots()[slot]), static_cast<Fault>(fault), call});
    }
  }
  return runs;
}

class FaultSweep : public testing::TestWithParam<Workload> {};

TEST_P(FaultSweep, EndsInANamedErrorOrInRecovery) {
  const std::vector<Injection> runs = runs_of(GetParam());
  // Spread over the whole when there is no time for all of it.
  const size_t limit = std::getenv("TENON_FULL") != nullptr ? SIZE_MAX : 160;
  const size_t step = std::max<size_t>(1, runs.size() / std::min(limit, runs.size()));
  size_t count = 0, named = 0, failures = 0;
  for (size_t i = 0; i < runs.size(); i += step) {
    const int outcome = outcome_of(runs[i]);
    ++count;
    named += outcome == kNamedError ? 1 : 0;
    failures += outcome == kNamedError || outcome == kRecovered ? 0 : 1;
  }
  std::printf("fault sweep on %s, %s: %zu of %zu runs, %zu named errors, %zu recovered\n",
              device_under_test().c_str(), GetParam().name, count, runs.size(), named,
              count - named - failures);
  std::fflush(stdout);  // a fork would print it again
  EXPECT_EQ(failures, 0u) << "each with its line above";
  EXPECT_GE(count, std::min<size_t>(runs.size(), 40));
  EXPECT_GT(named, 0u);
}

INSTANTIATE_TEST_SUITE_P(Workloads, FaultSweep, testing::ValuesIn(kWorkloads),
                         [](const auto& item) { return std::string(item.param.name); });

// ---- the single kinds ----

struct Kind {
  const char* fault;
  ErrorCode code;
};

TEST(Fault, EachKindIsTheErrorItStandsFor) {
  for (const Kind& row :
       {Kind{"oom:repeat=1", ErrorCode::kOutOfMemory}, Kind{"lost", ErrorCode::kDeviceLost},
        Kind{"internal", ErrorCode::kInternal}, Kind{"invalid", ErrorCode::kInvalidArgument},
        Kind{"garbage", ErrorCode::kInternal}}) {
    const int status = run_with_layers(std::string("fault:slot=launch:as=") + row.fault, [&row] {
      try {
        const Tensor x = ones({4}).to(Device(device_under_test()));
        const Tensor y = x + x;
        synchronize(y.device());
        FAIL() << row.fault << " was not seen";
      } catch (const Error& e) {
        EXPECT_EQ(e.code(), row.code) << e.what();
        EXPECT_THAT(e.what(), HasSubstr("fault layer: call "));
      }
    });
    EXPECT_EQ(status, 0) << row.fault;
  }
}

TEST(Fault, OneOutOfMemoryIsRetried) {
  EXPECT_EQ(run_with_layers("fault:slot=launch:as=oom",
                            [] {
                              const Tensor x = ones({4}).to(Device(device_under_test()));
                              EXPECT_EQ((x + x).sum().item<float>(), 8);
                              EXPECT_EQ(layers::fault_counts(device_under_test()).injected, 1u);
                            }),
            0);
}

TEST(Fault, PlansAreArmedFromInside) {
  EXPECT_EQ(run_with_layers("fault",
                            [] {
                              const std::string plugin = device_under_test();
                              const Tensor x = ones({4}).to(Device(plugin));
                              layers::arm_fault(
                                  plugin, {.slot = "launch", .fault = Fault::kInternal, .call = 2});
                              const Tensor first = x + x;
                              EXPECT_THROW(static_cast<void>(first * x), Error);
                              EXPECT_EQ((first * x).sum().item<float>(), 8);
                              EXPECT_THROW(layers::arm_fault(
                                               plugin, {.slot = "launch", .fault = Fault::kNull}),
                                           Error);
                              EXPECT_THROW(layers::arm_fault("nobody", {.slot = "launch"}), Error);
                            }),
            0);
}

}  // namespace
}  // namespace tenon::layers_test
