#include <tenon/runtime/error.h>

#include <cstdio>

namespace tenon {

std::string_view error_code_name(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::kInvalidArgument: return "invalid argument";
    case ErrorCode::kIndex: return "index";
    case ErrorCode::kDType: return "dtype";
    case ErrorCode::kDevice: return "device";
    case ErrorCode::kUnsupported: return "unsupported";
    case ErrorCode::kOutOfMemory: return "out of memory";
    case ErrorCode::kDeviceLost: return "device lost";
    case ErrorCode::kIo: return "io";
    case ErrorCode::kAutograd: return "autograd";
    case ErrorCode::kInternal: return "internal";
  }
  return "unknown";
}

void append_text(std::string& text, double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%g", value);
  text += buffer;
}

void throw_error(ErrorCode code, std::string_view op, std::string_view text) {
  std::string message(op);
  message += ": ";
  message += text;
  throw Error(code, message);
}

}  // namespace tenon
