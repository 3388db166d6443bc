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

// Convolution, pooling, statistics, clipping.
void train_images() {
  manual_seed(3);
  const Device device(device_under_test());
  const Tensor x = rand({2, 1, 8, 8}).to(device), y = randint(0, 3, {2}).to(device);
  nn::Sequential net{nn::Conv2d(1, 2, 3), nn::BatchNorm2d(2), nn::ReLU(),
                     nn::MaxPool2d(2),    nn::Flatten(),      nn::Linear(18, 3)};
  net.to(device);
  optim::SGD sgd(net.parameters(), {.lr = 0.1, .momentum = 0.9});
  for (int step = 0; step < 2; ++step) {
    const Tensor loss = cross_entropy(net(x), y);
    sgd.zero_grad();
    loss.backward();
    static_cast<void>(optim::clip_grad_norm_(net.parameters(), 1.0));
    sgd.step();
    check(std::isfinite(loss.item<float>()), ErrorCode::kInternal, "images", "not finite");
  }
}

// Rows of a table, a recurrent layer, sorting, sums along, picking and scattering.
void train_sequences() {
  manual_seed(4);
  const Device device(device_under_test());
  const Tensor tokens = randint(0, 7, {2, 3}).to(device), y = randint(0, 3, {2}).to(device);
  nn::Embedding table(7, 4);
  nn::Linear gate(8, 4), head(4, 3);
  for (nn::Module* part : {static_cast<nn::Module*>(&table), static_cast<nn::Module*>(&gate),
                           static_cast<nn::Module*>(&head)})
    part->to(device);
  const Tensor rows = table(tokens);
  Tensor state = zeros({2, 4}, TensorOptions().device(device));
  for (int64_t t = 0; t < 3; ++t) {
    const Tensor both[] = {state, rows.select(1, t)};
    state = tanh(gate(cat(both, 1))) + dropout(state, 0.5, true);
  }
  const Tensor sorted = std::get<0>(sort(cumsum(state, 1), 1));
  const Tensor picked = index_select(sorted, 1, arange(4, TensorOptions().device(device)));
  const Tensor loss = cross_entropy(head(picked), y) + var(state, {1}).mean();
  loss.backward();
  check(std::isfinite(loss.item<float>()), ErrorCode::kInternal, "sequences", "not finite");
}

struct Workload {
  const char* name;
  void (*run)();
};
constexpr Workload kWorkloads[] = {{"load", load_device},          {"forward", run_forward},
                                   {"train", train_step},          {"images", train_images},
                                   {"sequences", train_sequences}, {"save", save_and_load}};

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

// What the device has given out after a workload.
layers::FaultCounts counts_after(const Injection& run) {
  run.workload->run();
  const Device device(device_under_test());
  synchronize(device);
  empty_cache(device);
  if (memory_stats(device).allocated != 0)
    bad(run, std::to_string(memory_stats(device).allocated) + " bytes are left");
  return layers::fault_counts(device_under_test());
}

// Nothing is out but what stays for the next call: the device, the stream of this thread and the
// kernels in the ops' caches, which soon finds all of them there: memory that comes from malloc may
// be aligned in another way from run to run, which is a kernel of its own. (Events are numbers.)
void expect_handles(const Injection& run) {
  layers::FaultCounts before = counts_after(run), now = counts_after(run);
  for (int more = 0; more < 6 && now.kernels != before.kernels; ++more) {
    before = now;
    now = counts_after(run);
  }
  const bool host = device_under_test() == "cpu";  // its segments stay with the runtime
  if (!host && now.buffers != 0) bad(run, std::to_string(now.buffers) + " buffers are left");
  if (now.devices != 1) bad(run, std::to_string(now.devices) + " devices are open");
  if (now.streams != 1) bad(run, std::to_string(now.streams) + " streams are there");
  if (now.kernels != before.kernels || now.buffers != before.buffers)
    bad(run, join_text("from run to run ", before.kernels, " kernels and ", before.buffers,
                       " buffers become ", now.kernels, " and ", now.buffers));
}

void expect_whole(const Injection& run, bool is_lost) {
  try {
    if (!is_lost) expect_handles(run);
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

struct Sweep {
  const Workload* workload;
  Fault fault;
};

std::vector<Injection> runs_of(const Sweep& sweep) {
  std::vector<Injection> runs;
  const std::vector<uint64_t> calls = calls_of(*sweep.workload);
  for (size_t slot = 0; slot < layers::fault_slots().size(); ++slot) {
    if (!layers::fault_applies(layers::fault_slots()[slot], sweep.fault)) continue;
    for (uint64_t call = 1; call <= calls[slot]; ++call)
      runs.push_back({sweep.workload, std::string(layers::fault_slots()[slot]), sweep.fault, call});
  }
  return runs;
}

std::vector<Sweep> all_sweeps() {
  std::vector<Sweep> sweeps;
  for (const Workload& workload : kWorkloads) {
    for (size_t fault = 0; fault < layers::kFaultCount; ++fault)
      sweeps.push_back({&workload, static_cast<Fault>(fault)});
  }
  return sweeps;
}

class FaultSweep : public testing::TestWithParam<Sweep> {};

// Runs of each sweep when there is no time for all of them: spread over the whole.
constexpr size_t kSample = 10;

TEST_P(FaultSweep, EndsInANamedErrorOrInRecovery) {
  const std::vector<Injection> runs = runs_of(GetParam());
  const size_t wanted =
      std::getenv("TENON_FULL") != nullptr ? runs.size() : std::min(kSample, runs.size());
  size_t count = 0, named = 0, failures = 0;
  for (; count < wanted; ++count) {
    const int outcome = outcome_of(runs[count * runs.size() / wanted]);
    named += outcome == kNamedError ? 1 : 0;
    failures += outcome == kNamedError || outcome == kRecovered ? 0 : 1;
  }
  std::printf("fault sweep on %s, %s as %s: %zu of %zu runs, %zu named errors, %zu recovered\n",
              device_under_test().c_str(), GetParam().workload->name,
              kFaults[static_cast<size_t>(GetParam().fault)], count, runs.size(), named,
              count - named - failures);
  std::fflush(stdout);  // a fork would print it again
  EXPECT_EQ(failures, 0u) << "each with its line above";
  EXPECT_GT(count, 0u);
  // Who is late is no failure; one refused allocation is asked for again.
  const bool may_recover =
      GetParam().fault == Fault::kDelay || GetParam().fault == Fault::kOutOfMemory;
  EXPECT_TRUE(may_recover || named > 0);
  EXPECT_TRUE(GetParam().fault != Fault::kDelay || named == 0);
}

INSTANTIATE_TEST_SUITE_P(Workloads, FaultSweep, testing::ValuesIn(all_sweeps()),
                         [](const auto& item) {
                           return join_text(item.param.workload->name, "_",
                                            kFaults[static_cast<size_t>(item.param.fault)]);
                         });

// On cpu, reference and opaque together: 20,000 runs of the whole, 1,000 of the samples.
TEST(FaultSweepSize, ReachesItsFloor) {
  size_t all = 0, sampled = 0;
  for (const Sweep& sweep : all_sweeps()) {
    const size_t count = runs_of(sweep).size();
    all += count;
    sampled += std::min(kSample, count);
  }
  std::printf("fault sweep on %s: %zu runs, %zu in a sample\n", device_under_test().c_str(), all,
              sampled);
  std::fflush(stdout);
  EXPECT_GE(all, 6'800u);
  EXPECT_GE(sampled, 340u);
}

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
