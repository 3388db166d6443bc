// What a call throws.
#pragma once

#include <string>

#include <tenon/runtime/error.h>

namespace tenon {

// The text of the tenon::Error that f throws.
template <class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace tenon
