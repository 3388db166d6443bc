// The families of the level "core".
#pragma once

#include "case.h"

namespace tenon::conform {

void add_movement_cases(Cases& cases);   // fill, copy
void add_indexing_cases(Cases& cases);   // gather, scatter, nonzero, random
void add_opcode_cases(Cases& cases);     // program, one instruction each
void add_reduction_cases(Cases& cases);  // reduce, scan, sort
void add_matmul_cases(Cases& cases);
void add_condition_cases(Cases& cases);  // what holds for every operator

using Shape = std::vector<int64_t>;
// Empty ones, one element, odd sizes, the greatest rank.
[[nodiscard]] const std::vector<Shape>& sample_shapes();

// "core/family/…" of parts joined by slashes.
template <class... Parts>
std::string core_name(const Parts&... parts) {
  std::string name = "core";
  ((name += '/', name += parts), ...);
  return name;
}

}  // namespace tenon::conform
