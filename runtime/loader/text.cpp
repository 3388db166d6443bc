#include <tenon/runtime/loader/text_internal.h>

#include <algorithm>
#include <cstdint>

#include <tenon/api/device_plugin.h>

namespace tenon::loader {
namespace {

// Least code point of a sequence of that many bytes.
constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
constexpr std::string_view kHead = "tenon_", kTail = ".so";

// Length of the UTF-8 sequence at the head of `text` and its code point; 0 when it is malformed.
size_t decode(std::string_view text, uint32_t* code) {
  const auto byte = [text](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(0);
  *code = first;
  if (first < 0x80) return 1;
  const size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
  if (size == 0 || first > 0xf4 || text.size() < size) return 0;
  *code = first & (0x7fu >> size);
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    *code = *code << 6 | (byte(i) & 0x3fu);
  }
  const bool surrogate = *code >= 0xd800 && *code <= 0xdfff;
  return *code < kLeast[size] || *code > 0x10ffff || surrogate ? 0 : size;
}

}  // namespace

std::string clean_text(std::string_view text, size_t limit) {
  std::string out;
  while (!text.empty()) {
    uint32_t code = 0;
    const size_t size = decode(text, &code);
    const bool space = code == '\n' || code == '\t';
    const bool control = code < 0x20 || (code >= 0x7f && code < 0xa0);
    std::string_view piece = text.substr(0, std::max<size_t>(size, 1));
    text.remove_prefix(piece.size());
    if (size == 0) {
      piece = "?";
    } else if (space) {
      piece = " ";
    } else if (control) {
      continue;
    }
    if (out.size() + piece.size() > limit) break;
    out += piece;
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

bool is_device_type(std::string_view name) {
  return !name.empty() && name.size() <= TN_MAX_NAME &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string_view::npos;
}

std::string_view plugin_name_of_file(std::string_view file_name) {
  if (!file_name.starts_with(kHead) || !file_name.ends_with(kTail) ||
      file_name.size() < kHead.size() + kTail.size()) {
    return {};
  }
  file_name.remove_prefix(kHead.size());
  file_name.remove_suffix(kTail.size());
  return file_name;
}

}  // namespace tenon::loader
