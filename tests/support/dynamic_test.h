// Tests whose names are known when the program runs.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

namespace tenon::test {

class DynamicTest : public testing::Test {
 public:
  explicit DynamicTest(std::function<void()> body) : body_(std::move(body)) {}
  void TestBody() override { body_(); }

 private:
  std::function<void()> body_;
};

// The case suite.name; call it before RUN_ALL_TESTS().
inline void add_test(const std::string& suite, const std::string& name,
                     std::function<void()> body) {
  testing::RegisterTest(
      suite.c_str(), name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
      [body = std::move(body)]() -> testing::Test* { return new DynamicTest(body); });
}

// What ran, by kind.
inline std::map<std::string, int64_t>& counts() {
  static auto& map = *new std::map<std::string, int64_t>;
  return map;
}

}  // namespace tenon::test
