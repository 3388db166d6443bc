// tests_golden: Tenon's results next to PyTorch's.
#include <cstdio>
#include <map>

#include "golden/harness.h"
#include "golden/table.h"

namespace tenon::golden {
namespace {

std::map<std::string, int64_t>& counts() {
  static auto& map = *new std::map<std::string, int64_t>;
  return map;
}

class DynamicTest : public testing::Test {
 public:
  explicit DynamicTest(std::function<void()> body) : body_(std::move(body)) {}
  void TestBody() override { body_(); }

 private:
  std::function<void()> body_;
};

// Says how much ran; a whole run that ran too little fails.
class Counts : public testing::Environment {
 public:
  void TearDown() override {
    const testing::UnitTest& unit = *testing::UnitTest::GetInstance();
    const bool whole = unit.test_to_run_count() == unit.total_test_count();
    for (const char* kind : {"calls", "gradients", "trainings"}) {
      const int64_t floor = floor_of(kind);
      std::printf("[   ran    ] %s: %lld (floor %lld)\n", kind,
                  static_cast<long long>(counts()[kind]), static_cast<long long>(floor));
      if (whole) {
        EXPECT_GE(counts()[kind], floor) << kind << "; floor.txt holds the least number";
      }
    }
  }
};

}  // namespace

void add_test(const std::string& suite, const std::string& name, std::function<void()> body) {
  testing::RegisterTest(
      suite.c_str(), name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
      [body = std::move(body)]() -> testing::Test* { return new DynamicTest(body); });
}

void count(const std::string& kind) { ++counts()[kind]; }

}  // namespace tenon::golden

int main(int argc, char** argv) {
  using namespace tenon::golden;
  testing::InitGoogleTest(&argc, argv);
  testing::AddGlobalTestEnvironment(new Counts);
  register_formula_tests();
  register_call_tests();
  register_training_tests();
  register_completeness_tests();
  return RUN_ALL_TESTS();
}
