#include <tenon/autograd/anomaly.h>

#include <atomic>
#include <cstdlib>
#include <memory>

#if __has_include(<execinfo.h>)
#include <execinfo.h>
#endif

namespace tenon::autograd {
namespace {

constexpr int kFrames = 24;  // of a call stack,
constexpr int kOwn = 3;      // without our own

std::atomic<bool> enabled{false};

// The native call stack, innermost first, without our own frames.
std::string call_stack() {
#if __has_include(<execinfo.h>)
  void* frames[kFrames];
  const int count = backtrace(frames, kFrames);
  const std::unique_ptr<char*, decltype(&std::free)> lines(backtrace_symbols(frames, count),
                                                           &std::free);
  std::string text;
  for (int i = kOwn; i < count && lines; ++i) text += std::string("\n    ") + lines.get()[i];
  return text;
#else
  return {};
#endif
}

}  // namespace

void set_anomaly_mode(bool value) noexcept { enabled.store(value, std::memory_order_relaxed); }

bool anomaly_mode() noexcept { return enabled.load(std::memory_order_relaxed); }

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
  return text + ")" + call_stack();
}

}  // namespace tenon::autograd
