// Overflow-checked size arithmetic. All arithmetic on extents, strides and byte counts goes
// through these; kernels then only see sizes that were proved.
#pragma once

#include <cstdint>

#include <tenon/runtime/error.h>

namespace tenon {

// a * b; Errors: InvalidArgument when it leaves int64.
[[nodiscard]] inline int64_t checked_mul(int64_t a, int64_t b, std::string_view op = "size") {
  int64_t result = 0;
  check(!__builtin_mul_overflow(a, b, &result), ErrorCode::kInvalidArgument, op, "the product ", a,
        " x ", b, " does not fit in 64 bits; use smaller sizes");
  return result;
}

// a + b; Errors: InvalidArgument when it leaves int64.
[[nodiscard]] inline int64_t checked_add(int64_t a, int64_t b, std::string_view op = "size") {
  int64_t result = 0;
  check(!__builtin_add_overflow(a, b, &result), ErrorCode::kInvalidArgument, op, "the sum ", a,
        " + ", b, " does not fit in 64 bits; use smaller sizes");
  return result;
}

// a - b; Errors: InvalidArgument when it leaves int64.
[[nodiscard]] inline int64_t checked_sub(int64_t a, int64_t b, std::string_view op = "size") {
  int64_t result = 0;
  check(!__builtin_sub_overflow(a, b, &result), ErrorCode::kInvalidArgument, op, "the difference ",
        a, " - ", b, " does not fit in 64 bits; use smaller sizes");
  return result;
}

}  // namespace tenon
