// The table of PROGRAM.md 2, with the bounds of its section 4.
#pragma once

#include <cstdint>
#include <span>

#include "array.h"
#include "compare.h"

namespace tenon::conform {

struct Opcode {
  const char* name;
  uint32_t code;
  uint32_t operands;
  const char* dtypes;  // F floats, I integers, B bool
  int64_t ulps;        // of f32 and f64
};

// All but WHERE, CAST and INDEX, which take operands of other dtypes.
[[nodiscard]] std::span<const Opcode> opcodes();
[[nodiscard]] bool covers(const Opcode& op, uint32_t dtype);
// Comparisons and ISNAN give bool.
[[nodiscard]] bool gives_bool(const Opcode& op);
[[nodiscard]] Bound bound_of(const Opcode& op, uint32_t dtype);

// Values that opcodes treat in their own way.
[[nodiscard]] std::vector<double> special_reals(uint32_t dtype);
[[nodiscard]] std::vector<int64_t> special_wholes(uint32_t dtype);
// Operand `which` of a test of `op`: all pairs of special values, then random ones of any
// magnitude, within what section 4 bounds.
void fill_operand(Array& a, const Opcode& op, uint32_t which, Random& random);

}  // namespace tenon::conform
