// Layers are put around a plugin when it is loaded, so each test loads it in a process of its own.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>

namespace tenon::layers_test {

// TENON_DEVICE when it is one plain name, else reference.
inline std::string device_under_test() {
  const char* device = std::getenv("TENON_DEVICE");
  const std::string name = device != nullptr ? device : "";
  return name.empty() || name.find_first_of(",:?") != std::string::npos ? "reference" : name;
}

// Runs the body in a fork with TENON_LAYERS set. 0 when every expectation in it held; 128 + the
// signal that ended it. The caller must not have used a device.
inline int run_with_layers(const std::string& layers, const std::function<void()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::setenv("TENON_LAYERS", layers.c_str(), 1);
    try {
      body();
    } catch (const std::exception& e) {
      ADD_FAILURE() << "TENON_LAYERS=" << layers << ": " << e.what();
    }
    std::fflush(nullptr);
    ::_exit(testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace tenon::layers_test
