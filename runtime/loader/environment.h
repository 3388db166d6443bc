// The environment variables that act, in one table, and how they are read.
#pragma once

#include <span>
#include <string>

#include <tenon/runtime/export.h>

namespace tenon {

struct EnvironmentVariable {
  const char* name;
  const char* meaning;
  const char* unset;  // what holds without it
};

[[nodiscard]] TENON_API std::span<const EnvironmentVariable> environment_variables();

// Value of a variable, "" when it is unset, or when the process runs with raised privileges
// (AT_SECURE), where its caller must not steer it.
[[nodiscard]] TENON_API std::string trusted_environment(const char* name);
// Whether the process runs with raised privileges.
[[nodiscard]] TENON_API bool has_raised_privileges();

}  // namespace tenon
