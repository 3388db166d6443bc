// The families of the level "program".
#pragma once

#include "case.h"

namespace tenon::conform {

void add_known_answers(Cases& cases);    // PROGRAM.md 2 and 3, values that stand there
void add_accuracy_cases(Cases& cases);   // section 4, by ranges of magnitude
void add_random_programs(Cases& cases);  // section 4, last line: split anywhere, same bits
void add_limit_cases(Cases& cases);      // section 1: limits, scalars, shapes, refusals
void add_tail_cases(Cases& cases);       // section 5
void add_alias_cases(Cases& cases);      // section 6

template <class... Parts>
std::string program_name(const Parts&... parts) {
  std::string name = "program";
  ((name += '/', name += parts), ...);
  return name;
}

}  // namespace tenon::conform
