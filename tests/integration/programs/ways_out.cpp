// Ways to leave a program that still holds tensors, threads and queued work.
// Usage: integration_ways_out <way>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <stdexcept>
#include <thread>

#include <unistd.h>

#include <tenon/tenon.h>

using namespace tenon;

namespace {

Tensor static_tensor;
nn::Linear* volatile leaked_layer = nullptr;  // volatile: kept, so reachable, though nobody reads it
thread_local Tensor thread_tensor;

// A whole step: parameters, graph, optimizer, gradients.
void step() {
  nn::Sequential net(nn::Linear(64, 64), nn::ReLU(), nn::Linear(64, 10));
  optim::SGD sgd(net.parameters(), {.lr = 0.1, .momentum = 0.9});
  const Tensor loss = mse_loss(net(rand({32, 64})), rand({32, 10}));
  loss.backward();
  sgd.step();
}

void hold() {
  static_tensor = ones({100, 100});
  static_tensor.requires_grad_();
  thread_tensor = static_tensor * 2;
  if (leaked_layer == nullptr) leaked_layer = new nn::Linear(10, 10);
}

// Work that nobody waits for.
void queue_work() {
  Tensor x = rand({256, 256});
  for (int i = 0; i < 20; ++i) x = x.matmul(x) * 0.01;
  static_tensor = x;
}

// Lives longer than everything else that is static, and uses tensors then.
struct LateUser {
  bool armed = false;
  ~LateUser() {
    if (!armed) return;
    const float value = (ones({2}) + 1).sum().item<float>();
    std::printf("late %g\n", static_cast<double>(value));
    std::fflush(stdout);
  }
};
LateUser late_user;

const std::map<std::string, std::function<void()>> kWays = {
    {"return", [] {}},
    {"exit", [] { std::exit(0); }},
    {"quick_exit", [] { std::quick_exit(0); }},
    {"_exit", [] { ::_exit(0); }},
    {"exit_in_thread", [] { std::thread([] { hold(), std::exit(0); }).join(); }},
    {"exit_beside_a_busy_thread",
     [] {
       std::thread([] {
         for (;;) step();
       }).detach();
       for (int i = 0; i < 3; ++i) step();
       std::exit(0);
     }},
    {"thread_ends_with_tensors",
     [] {
       std::thread([] { hold(), queue_work(); }).join();
       (void)static_tensor.sum().item();
     }},
    {"exception", [] { throw std::runtime_error("out of main"); }},
    {"tenon_error", [] { (void)(ones({2}) + ones({3})); }},
    {"abort", [] { std::abort(); }},
    {"work_in_flight", [] { queue_work(); }},
    {"work_in_flight_quick", [] { queue_work(), std::quick_exit(0); }},
    {"static_destructor", [] { late_user.armed = true; }},
    {"at_exit",
     [] {
       std::atexit([] {
         std::printf("late %g\n", static_cast<double>((ones({2}) + 1).sum().item<float>()));
         std::fflush(stdout);
       });
     }},
    // Until a signal comes.
    {"run_for_ever",
     [] {
       std::puts("ready");
       std::fflush(stdout);
       for (;;) step();
     }},
};

}  // namespace

int main(int argc, char** argv) {
  const auto way = kWays.find(argc > 1 ? argv[1] : "");
  if (way == kWays.end()) {
    for (const auto& [name, leave] : kWays) std::puts(name.c_str());
    return 2;
  }
  hold();
  step();
  way->second();
}
