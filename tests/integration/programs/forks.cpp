// Forked children: host memory computes in them, every other device answers an error.
// Usage: integration_forks <way>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

#include <tenon/tenon.h>

using namespace tenon;

namespace {

// Large enough for the pool.
float compute(const Device& device) {
  const Tensor x = ones({512, 512}, TensorOptions(device));
  return (x.matmul(x) + 1).sum().item<float>();
}
constexpr float kExpected = 512.0f * 512.0f * 513.0f;

// The exit status of a child that calls `work`; 9 when it threw something else than an Error.
int in_child(const std::function<int()>& work) {
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    int status = 9;
    try {
      status = work();
    } catch (const Error& error) {
      std::printf("error: %s\n", error.what());
      status = 3;
    }
    std::fflush(nullptr);
    ::_exit(status);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

int ok(float value) { return value == kExpected ? 0 : 1; }

const std::map<std::string, std::function<int(char**)>> kWays = {
    {"before_init", [](char**) { return in_child([] { return ok(compute(Device())); }); }},
    {"after_init",
     [](char**) {
       const int parent = ok(compute(Device()));
       const int child = in_child([] { return ok(compute(Device())); });
       return parent + child + ok(compute(Device()));
     }},
    {"grandchild",
     [](char**) {
       (void)compute(Device());
       return in_child([] {
         (void)compute(Device());
         return in_child([] { return ok(compute(Device())); });
       });
     }},
    {"child_trains",
     [](char**) {
       (void)compute(Device());
       return in_child([] {
         Tensor w = ones({100, 100}, TensorOptions(Device()));
         w.requires_grad_();
         (w * w).sum().backward();
         return w.grad().sum().item<float>() == 20000 ? 0 : 1;
       });
     }},
    // A device that lives behind threads: the child gets an Error (3), the parent goes on.
    {"device_in_child",
     [](char** arguments) {
       const Device device(arguments[2]);
       const int before = ok(compute(device));
       const int child = in_child([&] { return ok(compute(device)); });
       const int after = ok(compute(device));
       return before + after != 0 ? 1 : child;
     }},
    {"tensor_of_device_in_child",
     [](char** arguments) {
       const Tensor x = ones({4}, TensorOptions(Device(arguments[2])));
       return in_child([&] { return x.sum().item<float>() == 4 ? 0 : 1; });
     }},
    {"host_memory_beside_device",
     [](char** arguments) {
       (void)compute(Device(arguments[2]));
       return in_child([] { return ok(compute(Device())); });
     }},
    {"exec",
     [](char** arguments) {
       (void)compute(default_device());
       return in_child([&] {
         ::execl(arguments[0], arguments[0], "after_init", nullptr);
         return 8;
       });
     }},
    {"exit_in_child",
     [](char**) {
       static Tensor held = ones({100});
       (void)compute(default_device());
       std::fflush(nullptr);
       const pid_t child = ::fork();
       if (child == 0) std::exit(0);  // runs the handlers and static destructors
       int status = 0;
       ::waitpid(child, &status, 0);
       return status == 0 ? ok(compute(default_device())) : 1;
     }},
};

}  // namespace

int main(int argc, char** argv) {
  const auto way = kWays.find(argc > 1 ? argv[1] : "");
  if (way == kWays.end()) return 2;
  return way->second(argv);
}
