#include <tenon/runtime/device.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <set>

#include <tenon/runtime/fork_internal.h>
#include <tenon/runtime/loader/plugin.h>
#include <tenon/runtime/loader/text_internal.h>

namespace tenon {
namespace {

constexpr int64_t kMaxIndex = 1'000'000;

// Names are never destroyed.
const std::string* cpu_name() {
  static const std::string* const name = new std::string("cpu");
  return name;
}

const std::string* intern(std::string_view type) {
  if (type == "cpu") return cpu_name();
  const ForkLock lock(ForkLockId::kDeviceNames);  // also around the first use
  static auto& names = *new std::set<std::string, std::less<>>;
  auto at = names.find(type);
  if (at == names.end()) at = names.emplace(type).first;
  return &*at;
}

[[noreturn]] void fail_spec(std::string_view spec) {
  fail(ErrorCode::kInvalidArgument, "device",
       "expected a type [a-z0-9_]{1,32} with an index or none, such as cpu or cuda:1, got \"",
       loader::clean_text(spec, 100), "\"");
}

struct Spec {
  std::string_view type;
  int64_t index = 0;
};

Spec parse_spec(std::string_view text) {
  Spec spec;
  const size_t colon = text.find(':');
  spec.type = text.substr(0, colon);
  if (!loader::is_device_type(spec.type)) fail_spec(text);
  if (colon == std::string_view::npos) return spec;
  const std::string_view digits = text.substr(colon + 1);
  const char* end = digits.data() + digits.size();
  const auto [rest, failure] = std::from_chars(digits.data(), end, spec.index);
  if (failure != std::errc() || rest != end || spec.index < 0 || spec.index > kMaxIndex) {
    fail_spec(text);
  }
  return spec;
}

}  // namespace

const std::string* const Device::cpu_type_ = cpu_name();

Device::Device() noexcept : type_(cpu_type_) {}

Device::Device(std::string_view spec) {
  const Spec parsed = parse_spec(spec);
  type_ = intern(parsed.type);
  index_ = parsed.index;
}

Device::Device(std::string_view type, int64_t index) : index_(index) {
  if (!loader::is_device_type(type)) fail_spec(type);
  check(index >= 0 && index <= kMaxIndex, ErrorCode::kInvalidArgument, "device",
        "expected an index from 0 to ", kMaxIndex, ", got ", index);
  type_ = intern(type);
}

std::string Device::str() const {
  return is_cpu() && index_ == 0 ? *type_ : join_text(*type_, ":", index_);
}

int64_t device_count(std::string_view type) noexcept {
  if (type == "cpu") return 1;  // host memory
  const Plugin* plugin = find_plugin(type);
  return plugin == nullptr ? 0 : plugin->device_count;
}

std::vector<Device> all_devices() {
  std::vector<Device> devices = {Device()};
  for (const std::string& type : known_plugin_types()) {
    if (type == "cpu") continue;
    for (int64_t i = 0; i < device_count(type); ++i) devices.emplace_back(type, i);
  }
  return devices;
}

}  // namespace tenon
