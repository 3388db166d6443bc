// What a conformance case is, and what it may ask for while it runs.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "array.h"
#include "host.h"

namespace tenon::conform {

// A case that went wrong; the text says what was promised and what came.
class Failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A case that the plugin does not claim; the text is the reason, in few words that many share.
class Skip : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

void require(bool condition, const std::string& what);

struct Target {
  std::string plugin;  // the file under test
  std::string oracle;  // the reference plugin's file
  uint32_t device_index = 0;
};

// Opens the plugin and the oracle on first use and keeps them until a case has failed.
class Context {
 public:
  explicit Context(Target target) : target_(std::move(target)) {}

  [[nodiscard]] const Target& target() const { return target_; }
  [[nodiscard]] tn_plugin_entry_fn entry();
  [[nodiscard]] PluginHost& subject();
  [[nodiscard]] PluginHost& oracle();
  // Seeded with the case's name.
  [[nodiscard]] Random& random() { return random_; }

  void begin(const std::string& case_name) { random_ = Random(case_name); }
  // After a failure: whatever state the devices are in, the next case opens them anew.
  void forget();

 private:
  Target target_;
  Random random_{""};
  tn_plugin_entry_fn entry_ = nullptr;
  std::unique_ptr<PluginHost> subject_, oracle_;
};

struct Case {
  std::string name;  // "level/family/…"
  std::function<void(Context&)> run;
};
using Cases = std::vector<Case>;

inline constexpr const char* kLevels[] = {"load", "core", "train", "async", "program"};

void add_load_cases(Cases& cases);
void add_core_cases(Cases& cases);
void add_train_cases(Cases& cases);
void add_async_cases(Cases& cases);
void add_program_cases(Cases& cases);

// Every case of every level, in order.
[[nodiscard]] Cases all_cases();

}  // namespace tenon::conform
