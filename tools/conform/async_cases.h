// The families of the level "async".
#pragma once

#include "case.h"

namespace tenon::conform {

void add_order_cases(Cases& cases);    // streams, threads
void add_event_cases(Cases& cases);    // events, transfers
void add_failure_cases(Cases& cases);  // failures carried by events, tags

template <class... Parts>
std::string async_name(const Parts&... parts) {
  std::string name = "async";
  ((name += '/', name += parts), ...);
  return name;
}

}  // namespace tenon::conform
