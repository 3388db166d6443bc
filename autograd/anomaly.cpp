#include <tenon/autograd/anomaly.h>

#include <cxxabi.h>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <utility>

#if __has_include(<execinfo.h>)
#include <execinfo.h>
#endif

namespace tenon::autograd {
namespace {

constexpr int kFrames = 48;  // of a call stack …
constexpr int kShown = 16;   // … and how many of them are told

std::atomic<bool> enabled{false};
std::atomic<AnomalyCheck> wanted_check{AnomalyCheck::kNonFinite};

constinit thread_local const ScopeLabel* innermost = nullptr;

#if __has_include(<execinfo.h>)
// "program(_ZN3Net7forwardE+0x1a) [0x5581]" → "Net::forward (program)".
std::string readable(const std::string& line) {
  const size_t open = line.find('('), plus = line.find('+', open), close = line.find(')', open);
  if (open == std::string::npos || close == std::string::npos) return line;
  const std::string file = line.substr(line.rfind('/', open) + 1, open - line.rfind('/', open) - 1);
  if (plus == std::string::npos || plus == open + 1)
    return file + line.substr(open, close + 1 - open);
  const std::string symbol = line.substr(open + 1, plus - open - 1);
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(
      abi::__cxa_demangle(symbol.c_str(), nullptr, nullptr, &status), &std::free);
  return (status == 0 ? text.get() : symbol) + " (" + file + ")";
}
#endif

// The native call stack from the program's own frames on.
std::string call_stack() {
  std::string text;
#if __has_include(<execinfo.h>)
  void* frames[kFrames];
  const int count = backtrace(frames, kFrames);
  const std::unique_ptr<char*, decltype(&std::free)> lines(backtrace_symbols(frames, count),
                                                           &std::free);
  int shown = 0;
  for (int i = 0; i < count && lines && shown < kShown; ++i) {
    const std::string line = lines.get()[i];
    if (shown == 0 && line.find("libtenon_") != std::string::npos) continue;
    text += "\n    " + readable(line);
    ++shown;
  }
#endif
  return text;
}

std::string where() {
  const std::string path = ScopeLabel::path();
  return (path.empty() ? "" : " in " + path) + call_stack();
}

}  // namespace

void set_detect_anomaly(bool value, AnomalyCheck check) noexcept {
  wanted_check.store(check, std::memory_order_relaxed);
  enabled.store(value, std::memory_order_relaxed);
}

bool is_anomaly_enabled() noexcept { return enabled.load(std::memory_order_relaxed); }

AnomalyCheck anomaly_check() noexcept { return wanted_check.load(std::memory_order_relaxed); }

ScopeLabel::ScopeLabel(std::string_view name)
    : name_(name), outer_(std::exchange(innermost, this)) {}

ScopeLabel::~ScopeLabel() { innermost = outer_; }

std::string ScopeLabel::path() {
  std::string path;
  for (const ScopeLabel* label = innermost; label != nullptr; label = label->outer_)
    path = path.empty() ? label->name_ : label->name_ + " > " + path;
  return path;
}

std::string describe_call(const OpCall& call) {
  std::string text(call.op.name());
  text += '(';
  size_t number = 0;
  for (size_t i = 0; i < call.inputs.size(); ++i) {
    if (i != 0) text += ", ";
    if (call.inputs[i]->defined())
      text += call.inputs[i]->describe();
    else if (number < call.scalars.size())
      append_text(text, call.scalars[number++]);
    else
      text += "none";
  }
  return text + ")" + where();
}

std::string describe_call(const std::string& name, const std::vector<Tensor>& inputs) {
  std::string text = name + "(";
  for (size_t i = 0; i < inputs.size(); ++i)
    text += (i != 0 ? ", " : "") + (inputs[i].defined() ? inputs[i].describe() : "none");
  return text + ")" + where();
}

}  // namespace tenon::autograd
