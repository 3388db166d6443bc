// tests_golden: Tenon's results next to PyTorch's.
#include <cstdio>

#include "golden/harness.h"
#include "golden/table.h"

namespace tenon::golden {
namespace {

// Says how much ran; a whole run that ran too little fails.
class Counts : public testing::Environment {
 public:
  void TearDown() override {
    const testing::UnitTest& unit = *testing::UnitTest::GetInstance();
    const bool whole = unit.test_to_run_count() == unit.total_test_count();
    for (const char* kind : {"calls", "gradients", "trainings"}) {
      const int64_t floor = floor_of(kind);
      std::printf("[   ran    ] %s: %lld (floor %lld)\n", kind,
                  static_cast<long long>(test::counts()[kind]), static_cast<long long>(floor));
      if (whole) {
        EXPECT_GE(test::counts()[kind], floor) << kind << "; floor.txt holds the least number";
      }
    }
  }
};

}  // namespace

void count(const std::string& kind) { ++test::counts()[kind]; }

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
