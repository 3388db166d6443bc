// The formula against values that tools/goldens/formula.py computed.
#include "golden/formula.h"

#include "golden/harness.h"

namespace tenon::golden {
namespace {

struct Known {
  uint32_t seed, i;
  int lo, hi;
  uint32_t hash;
  double real;
  int64_t integer;
};
// Printed by `python3 tools/goldens/formula.py`.
constexpr Known kKnown[] = {
    {0u, 0u, -2, 2, 0x00000000u, -2.0, -2},
    {1u, 0u, -2, 2, 0x01fce552u, -0.6796875, 0},
    {1u, 1u, -2, 2, 0x9f505634u, 0.20312881469726562, -2},
    {12345u, 678u, 0, 1, 0x1ef4c1a3u, 0.40982627868652344, 0},
    {4294967295u, 1023u, -8, 8, 0x7f23e860u, -6.4843902587890625, -8},
};

void agrees_with_python() {
  for (const Known& row : kKnown) {
    EXPECT_EQ(hash_of(row.seed, row.i), row.hash);
    EXPECT_EQ(real(row.seed, row.i, row.lo, row.hi), row.real);
    EXPECT_EQ(integer(row.seed, row.i, row.lo, row.hi), row.integer);
  }
  EXPECT_EQ(seed_of("add/0/1"), 0xd0826641u);
}

void tensors_hold_the_sequence() {
  const std::vector<double> reals = tensor_of(7, {2, 2}, kFloat32, -2, 2).to_vector<double>();
  const std::vector<int64_t> integers = tensor_of(7, {4}, kInt64, -5, 6).to_vector<int64_t>();
  for (uint32_t i = 0; i < 4; ++i) {
    EXPECT_EQ(reals[i], real(7, i, -2, 2));
    EXPECT_EQ(integers[i], integer(7, i, -5, 6));
  }
}

}  // namespace

void register_formula_tests() {
  add_test("Formula", "AgreesWithPython", agrees_with_python);
  add_test("Formula", "TensorsHoldTheSequence", tensors_hold_the_sequence);
}

}  // namespace tenon::golden
