// tenon::Error and the one lazy check that writes every message:
// `op: what was expected, what came, what to do`.
#pragma once

#include <concepts>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

#include <tenon/runtime/export.h>

namespace tenon {

enum class ErrorCode : uint8_t {
  kInvalidArgument,  // a value, shape or option that can't be
  kIndex,            // an index or dimension out of range
  kDType,            // data types that do not go together
  kDevice,           // unknown, unusable or mixed devices
  kUnsupported,      // known, but not offered for this dtype or device
  kOutOfMemory,
  kDeviceLost,  // sticky per device; other devices live on
  kIo,          // files: missing, truncated, malformed
  kAutograd,    // misuse of the graph
  kInternal,    // a broken promise of ours or of a plugin
};

// Short name of a code, e.g. "index".
[[nodiscard]] TENON_API std::string_view error_code_name(ErrorCode code) noexcept;

// What every public call throws on misuse. Strong guarantee: no tensor was changed unless the
// message says so.
class TENON_API Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  [[nodiscard]] ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

// append_text(std::string&, value) turns a value into message text; types that appear in messages
// (Shape, DType, Device) bring their own overload.
inline void append_text(std::string& text, std::string_view value) { text += value; }
inline void append_text(std::string& text, const char* value) { text += value; }
inline void append_text(std::string& text, char value) { text += value; }
inline void append_text(std::string& text, bool value) { text += value ? "true" : "false"; }
TENON_API void append_text(std::string& text, double value);
template <std::integral T>
void append_text(std::string& text, T value) {
  text += std::to_string(value);
}

// Joins the parts into one text.
template <class... Parts>
[[nodiscard]] std::string join_text(const Parts&... parts) {
  std::string text;
  (append_text(text, parts), ...);
  return text;
}

[[noreturn]] TENON_API void throw_error(ErrorCode code, std::string_view op, std::string_view text);

// Throws Error(code, "op: parts…").
template <class... Parts>
[[noreturn]] __attribute__((noinline, cold)) void fail(ErrorCode code, std::string_view op,
                                                       const Parts&... parts) {
  throw_error(code, op, join_text(parts...));
}

// Throws Error(code, "op: parts…") unless ok; the text is only made on failure.
template <class... Parts>
inline void check(bool ok, ErrorCode code, std::string_view op, const Parts&... parts) {
  if (!ok) [[unlikely]]
    fail(code, op, parts...);
}

}  // namespace tenon
