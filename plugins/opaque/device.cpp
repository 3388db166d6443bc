#include "device.h"

#include <unistd.h>

#include <charconv>
#include <string>
#include <string_view>

#include "stream.h"

namespace tenon::opaque {

using plugin::Status;

namespace {

constexpr uint64_t kAllocationMax = uint64_t{512} << 20;

void read_number(const plugin::Host& host, std::string_view key, uint64_t& value) {
  const auto text = host.config(key);
  if (!text) return;
  const char* end = text->data() + text->size();
  const auto parsed = std::from_chars(text->data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end) {
    throw Status(TN_INVALID_ARGUMENT, "configuration " + std::string(key) +
                                          ": expected a whole number, got \"" + *text + "\"");
  }
}

}  // namespace

Settings Settings::read(const plugin::Host& host) {
  Settings s;
  read_number(host, "memory_bytes", s.memory_bytes);
  read_number(host, "delay_us", s.delay_us);
  read_number(host, "fail_nth", s.fail_nth);
  read_number(host, "lose_nth", s.lose_nth);
  read_number(host, "refuse_nth", s.refuse_nth);
  return s;
}

Device::Shared::Shared(const plugin::Host& host)
    : settings(Settings::read(host)),
      memory(std::make_shared<Budget>(settings.memory_bytes)),
      process(getpid()) {}

void Device::Shared::check_alive() const {
  if (lost) throw Status(TN_DEVICE_LOST, "the device was lost (lose_nth)");
  if (process != getpid()) {
    throw Status(TN_DEVICE_LOST, "a forked process cannot use the device; open it there anew");
  }
}

Device::Device(const plugin::Host& host) : shared_(std::make_shared<Shared>(host)) {}

// Every limit is small and unlike the host's, so that whatever ignores one fails here first.
tn_device_info Device::info() const {
  tn_device_info info{};
  info.flags = TN_DEVICE_ASYNC | TN_DEVICE_CONCURRENT;
  std::string_view("memory behind handles, work on another thread")
      .copy(info.name, sizeof info.name - 1);
  info.memory_bytes = shared_->settings.memory_bytes;
  info.allocation_max = std::min(kAllocationMax, shared_->settings.memory_bytes);
  info.offset_alignment = 512;
  info.compute_dtypes = (1u << TN_DTYPE_COUNT) - (1u << TN_DTYPE_BOOL);
  info.program_instructions = 3;
  info.program_inputs = 3;
  info.program_scalars = 2;
  info.program_outputs = 1;
  info.program_tail = 0;
  info.compute_units = 1;
  return info;
}

plugin::Budget Device::budget() const {
  const Budget& memory = *shared_->memory;
  return {memory.total - memory.used, memory.total};
}

std::unique_ptr<Buffer> Device::allocate(uint64_t size_bytes) const {
  shared_->check_alive();
  if (size_bytes > kAllocationMax) {
    throw Status(TN_OUT_OF_MEMORY, "buffer_alloc: " + std::to_string(size_bytes) +
                                       " bytes are more than one buffer can have (" +
                                       std::to_string(kAllocationMax) + ")");
  }
  if (++shared_->allocations == shared_->settings.refuse_nth) {
    throw Status(TN_OUT_OF_MEMORY, "buffer_alloc: refused (refuse_nth)");
  }
  return std::make_unique<Buffer>(shared_->memory, size_bytes);
}

std::unique_ptr<Stream> Device::make_stream() const {
  shared_->check_alive();
  return std::make_unique<Stream>(shared_);
}

tn_answer Device::query(const plugin::Signature& signature) const {
  tn_answer answer{};
  const tn_device_info limits = info();
  tnr_query(&limits, &signature.raw(), &answer);
  return answer;
}

std::unique_ptr<Kernel> Device::prepare(const plugin::Signature& signature) const {
  shared_->check_alive();
  auto kernel = std::make_unique<Kernel>();
  const tn_device_info limits = info();
  tnr_report report;
  if (tnr_prepare(&limits, &signature.raw(), &kernel->prepared, &report) != TN_OK) {
    throw Status(TN_UNSUPPORTED, report.text);
  }
  return kernel;
}

}  // namespace tenon::opaque
