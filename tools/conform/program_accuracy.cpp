// The functions of PROGRAM.md 4 over ranges of magnitude, within their units in the last place.
#include <algorithm>
#include <cmath>

#include "opcodes.h"
#include "program_cases.h"

namespace tenon::conform {
namespace {

struct Range {
  const char* name;
  double low, high;  // exponents of two of |x|
};
constexpr Range kRanges[] = {{"tiny", -126, -30}, {"small", -30, -8}, {"below_one", -8, 0},
                             {"one_to_16", 0, 4}, {"to_1024", 4, 10}, {"to_2_20", 10, 20},
                             {"huge", 20, 126}};

void check_range(Context& c, const Opcode& op, uint32_t dtype, const Range& range) {
  constexpr int64_t kCount = 500;
  ProgramText text{.inputs = op.operands};
  text.outputs = {text.add(op.code, dtype, 0, op.operands > 1 ? 1 : 0)};
  Call call{TN_OP_PROGRAM, {dense(dtype, {kCount})}, {}};
  call.program = &text;
  for (uint32_t i = 0; i < op.operands; ++i) {
    Array a = dense(dtype, {kCount});
    for (int64_t k = 0; k < kCount; ++k) {
      // The second operand stays moderate, or every power would overflow.
      const double low = i == 0 ? range.low : -3, high = i == 0 ? range.high : 3;
      const double sign = c.random().below(2) == 0 ? 1 : -1;
      a.set_real(k, sign * std::exp2(c.random().real(low, high)));
    }
    call.inputs.push_back(std::move(a));
  }
  check_call(c, call, bound_of(op, dtype));
}

bool is_periodic(const Opcode& op) {
  return op.code == TN_PROGRAM_SIN || op.code == TN_PROGRAM_COS || op.code == TN_PROGRAM_TAN;
}

}  // namespace

void add_accuracy_cases(Cases& cases) {
  for (const Opcode& op : opcodes()) {
    if (op.ulps == 0) continue;
    for (const uint32_t dtype : {TN_DTYPE_F16, TN_DTYPE_BF16, TN_DTYPE_F32, TN_DTYPE_F64}) {
      for (const Range& range : kRanges) {
        if (is_periodic(op) && range.high > 20) continue;
        if (dtype == TN_DTYPE_F16 && (range.low < -14 || range.high > 15)) continue;
        cases.push_back(
            {program_name("accuracy", op.name, dtype_name(dtype), range.name),
             [row = &op, dtype, r = &range](Context& c) { check_range(c, *row, dtype, *r); }});
      }
    }
  }
}

}  // namespace tenon::conform
