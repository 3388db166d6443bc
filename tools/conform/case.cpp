#include "case.h"

namespace tenon::conform {

void require(bool condition, const std::string& what) {
  if (!condition) throw Failure(what);
}

tn_plugin_entry_fn Context::entry() {
  if (entry_ == nullptr) entry_ = load_entry(target_.plugin);
  return entry_;
}

PluginHost& Context::subject() {
  if (subject_ == nullptr) {
    subject_ = std::make_unique<PluginHost>(entry(), PluginHost::Config{}, target_.device_index);
  }
  return *subject_;
}

PluginHost& Context::oracle() {
  if (oracle_ == nullptr) oracle_ = std::make_unique<PluginHost>(load_entry(target_.oracle));
  return *oracle_;
}

void Context::forget() {
  subject_.reset();
  oracle_.reset();
}

Cases all_cases() {
  Cases cases;
  add_load_cases(cases);
  add_core_cases(cases);
  add_train_cases(cases);
  add_async_cases(cases);
  add_program_cases(cases);
  return cases;
}

}  // namespace tenon::conform
