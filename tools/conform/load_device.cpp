// Devices and their facts, memory, and the reader's law on structs that the host hands over.
#include <bit>
#include <cstring>

#include "call.h"
#include "load_cases.h"

namespace tenon::conform {
namespace {

// ---- devices -----------------------------------------------------------------------------------

void check_count(Context& c) {
  const PluginHost& host = c.subject();
  uint32_t count = 0;
  host.must(host.core->device_count(host.plugin, &count));
  require(count >= 1, "no device here: " + host.error());
  require(c.target().device_index < count, "no device of that index");
}

void check_unknown_index(Context& c) {
  const PluginHost& host = c.subject();
  for (const uint32_t index : {99u, UINT32_MAX}) {
    tn_device device = nullptr;
    const uint64_t before = host.error_count();
    const tn_status status = host.core->device_open(host.plugin, index, &device);
    require(status == TN_INVALID_ARGUMENT,
            "device_open(" + std::to_string(index) + ") answered " + status_name(status));
    require(host.error_count() > before, "device_open failed without a text");
  }
}

void check_every_device(Context& c) {
  const PluginHost& host = c.subject();
  uint32_t count = 0;
  host.must(host.core->device_count(host.plugin, &count));
  for (uint32_t i = 0; i < count; ++i) {
    tn_device device = nullptr;
    host.must(host.core->device_open(host.plugin, i, &device));
    require(device != nullptr, "device_open answered OK with a NULL handle");
    tn_device_info info{};
    info.struct_size = sizeof info;
    host.must(host.core->device_info(device, &info));
    host.core->device_close(device);
  }
}

void check_release_of_null(Context& c) {
  const PluginHost& host = c.subject();
  host.core->buffer_free(nullptr);
  host.core->stream_destroy(nullptr);
  host.core->device_close(nullptr);
  host.core->close(nullptr);
  host.ops->kernel_release(nullptr);
}

// ---- facts -------------------------------------------------------------------------------------

void check_info(Context& c) {
  const tn_device_info& info = c.subject().info;
  require(info.struct_size == sizeof info, "struct_size was not set to what was written");
  require(strnlen(info.name, sizeof info.name) < sizeof info.name, "the name has no end");
  require(info.name[0] != 0, "the name is empty");
  require(std::has_single_bit(info.offset_alignment),
          "offset_alignment " + std::to_string(info.offset_alignment) + " is no power of two");
  const uint64_t known = (uint64_t{1} << TN_DTYPE_COUNT) - 2;
  require((info.compute_dtypes & ~known) == 0, "compute_dtypes has bits that name no dtype");
  for (const uint32_t dtype : {TN_DTYPE_F32, TN_DTYPE_I64, TN_DTYPE_BOOL}) {
    require((info.compute_dtypes >> dtype & 1) != 0,
            std::string("compute_dtypes lacks ") + dtype_name(dtype) + ", which is required");
  }
  require(info.program_instructions >= 1 && info.program_inputs >= 1 && info.program_scalars >= 1 &&
              info.program_outputs >= 1,
          "a limit of programs is 0, the least is 1");
  require(info.program_tail <= 1, "program_tail is neither 0 nor 1");
}

void check_cut_info(Context& c, uint32_t size) {
  const PluginHost& host = c.subject();
  tn_device_info info;
  std::memset(&info, 0xA5, sizeof info);
  info.struct_size = size;
  host.must(host.core->device_info(host.device, &info));
  require(info.struct_size == size, "struct_size became " + std::to_string(info.struct_size));
  const auto* bytes = reinterpret_cast<const unsigned char*>(&info);
  const auto* whole = reinterpret_cast<const unsigned char*>(&host.info);
  for (uint32_t i = 4; i < sizeof info; ++i) {
    if (i < size) require(bytes[i] == whole[i], "byte " + std::to_string(i) + " is another one");
    if (i >= size) require(bytes[i] == 0xA5, "wrote byte " + std::to_string(i));
  }
}

void check_longer_info(Context& c) {
  const PluginHost& host = c.subject();
  struct Later {
    tn_device_info info;
    uint64_t appended;
  } later{};
  later.appended = 77;
  later.info.struct_size = sizeof later;
  host.must(host.core->device_info(host.device, &later.info));
  require(later.info.struct_size == sizeof later.info && later.appended == 77,
          "wrote more than it knows, or says so");
}

void check_budget(Context& c) {
  const PluginHost& host = c.subject();
  if (host.core->device_budget == nullptr) throw Skip("device_budget is optional and not offered");
  uint64_t free_bytes = 0, budget_bytes = 0;
  host.must(host.core->device_budget(host.device, &free_bytes, &budget_bytes));
  require(free_bytes <= budget_bytes, "more bytes are free than there are");
}

// ---- memory ------------------------------------------------------------------------------------

void check_sizes(Context& c) {
  const PluginHost& host = c.subject();
  for (const uint64_t size : {1ull, 3ull, 63ull, 64ull, 65ull, 4096ull, 1000003ull}) {
    tn_buffer buffer = nullptr;
    host.must(host.core->buffer_alloc(host.device, size, &buffer));
    require(buffer != nullptr, "buffer_alloc answered OK with a NULL handle");
    std::vector<unsigned char> out(size, 7), in(size, 0);
    uint64_t tag = 0;
    host.must(host.core->upload(host.stream, buffer, 0, out.data(), size, 0));
    host.must(host.core->download(host.stream, buffer, 0, in.data(), size));
    host.must(host.core->stream_sync(host.stream, &tag));
    host.core->buffer_free(buffer);
    require(in == out, "a buffer of " + std::to_string(size) + " bytes lost some");
  }
}

// Beyond what there can be: OUT_OF_MEMORY and a text, and then work goes on.
void check_too_much(Context& c, uint64_t size) {
  const PluginHost& host = c.subject();
  tn_buffer buffer = nullptr;
  const uint64_t before = host.error_count();
  const tn_status status = host.core->buffer_alloc(host.device, size, &buffer);
  if (status == TN_OK) host.core->buffer_free(buffer);
  require(status == TN_OUT_OF_MEMORY, "buffer_alloc of " + std::to_string(size) +
                                          " bytes answered " + status_name(status) +
                                          ", expected OUT_OF_MEMORY");
  require(host.error_count() > before, "OUT_OF_MEMORY came without a text");
  host.must(host.core->buffer_alloc(host.device, 64, &buffer));
  host.core->buffer_free(buffer);
}

void check_allocation_max(Context& c) {
  const uint64_t max = c.subject().info.allocation_max;
  if (max == 0 || max == UINT64_MAX) throw Skip("no limit of one allocation");
  check_too_much(c, max + 1);
}

// Transfers to and from the middle of a buffer.
void check_transfers(Context& c, uint64_t offset, uint64_t size) {
  const PluginHost& host = c.subject();
  constexpr uint64_t kSize = 300;
  std::vector<unsigned char> all(kSize), part(size), back(kSize), back_part(size);
  for (auto& byte : all) byte = static_cast<unsigned char>(c.random().word());
  for (auto& byte : part) byte = static_cast<unsigned char>(c.random().word());
  tn_buffer buffer = nullptr;
  host.must(host.core->buffer_alloc(host.device, kSize, &buffer));
  uint64_t tag = 0;
  host.must(host.core->upload(host.stream, buffer, 0, all.data(), kSize, 0));
  host.must(host.core->upload(host.stream, buffer, offset, part.data(), size, 0));
  host.must(host.core->download(host.stream, buffer, 0, back.data(), kSize));
  host.must(host.core->download(host.stream, buffer, offset, back_part.data(), size));
  host.must(host.core->stream_sync(host.stream, &tag));
  host.core->buffer_free(buffer);
  std::copy(part.begin(), part.end(), all.begin() + static_cast<std::ptrdiff_t>(offset));
  require(back == all, "an upload to the middle of a buffer went wrong");
  require(back_part == part, "a download from the middle of a buffer went wrong");
}

void check_host_memory(Context& c) {
  const PluginHost& host = c.subject();
  const bool claimed = (host.info.flags & TN_DEVICE_HOST_MEMORY) != 0;
  if (!claimed) {  // then nothing may give a pointer out
    if (host.core->buffer_host == nullptr) throw Skip("gives out no host pointers");
    tn_buffer buffer = nullptr;
    host.must(host.core->buffer_alloc(host.device, 64, &buffer));
    void* address = nullptr;
    const tn_status status = host.core->buffer_host(buffer, &address);
    host.core->buffer_free(buffer);
    require(status != TN_OK, "gives out host pointers, but does not say HOST_MEMORY");
    return;
  }
  alignas(64) unsigned char ours[128] = {};
  tn_buffer buffer = nullptr;
  host.must(host.core->buffer_from_host(host.device, ours, sizeof ours, &buffer));
  void* address = nullptr;
  host.must(host.core->buffer_host(buffer, &address));
  require(address == ours, "buffer_host of wrapped memory is another address");
  const unsigned char value = 9;
  uint64_t tag = 0;
  host.must(host.core->upload(host.stream, buffer, 100, &value, 1, 0));
  host.must(host.core->stream_sync(host.stream, &tag));
  host.core->buffer_free(buffer);
  require(ours[100] == 9, "an upload did not reach the wrapped memory");
}

void check_alignment(Context& c) {
  const PluginHost& host = c.subject();
  if ((host.info.flags & TN_DEVICE_HOST_MEMORY) == 0) throw Skip("gives out no host pointers");
  for (const uint64_t size : {1, 100, 5000}) {
    tn_buffer buffer = nullptr;
    void* address = nullptr;
    host.must(host.core->buffer_alloc(host.device, size, &buffer));
    host.must(host.core->buffer_host(buffer, &address));
    host.core->buffer_free(buffer);
    require(reinterpret_cast<uintptr_t>(address) % 64 == 0,
            "a segment does not begin at a multiple of 64 bytes, as the classes of operands take "
            "for granted");
  }
}

}  // namespace

void add_device_cases(Cases& cases) {
  cases.push_back({"load/device/count", check_count});
  cases.push_back({"load/device/unknown_index", check_unknown_index});
  cases.push_back({"load/device/every_one_opens", check_every_device});
  cases.push_back({"load/device/release_of_null", check_release_of_null});
  cases.push_back({"load/device/info", check_info});
  for (uint32_t size = 8; size < sizeof(tn_device_info); size += 8) {
    cases.push_back({"load/device/info_cut_to/" + std::to_string(size),
                     [=](Context& c) { check_cut_info(c, size); }});
  }
  cases.push_back({"load/device/longer_info", check_longer_info});
  cases.push_back({"load/device/budget", check_budget});
  cases.push_back({"load/memory/sizes", check_sizes});
  for (const int bit : {48, 50, 60, 63}) {
    cases.push_back({"load/memory/too_much/2_to_" + std::to_string(bit),
                     [=](Context& c) { check_too_much(c, uint64_t{1} << bit); }});
  }
  cases.push_back(
      {"load/memory/too_much/all_bits", [](Context& c) { check_too_much(c, UINT64_MAX); }});
  cases.push_back({"load/memory/allocation_max", check_allocation_max});
  for (const auto& [offset, size] : {std::pair<uint64_t, uint64_t>{0, 300},
                                     {0, 1},
                                     {299, 1},
                                     {1, 63},
                                     {64, 64},
                                     {13, 200},
                                     {300, 0},
                                     {0, 0}}) {
    cases.push_back(
        {"load/memory/transfer/" + std::to_string(offset) + "_" + std::to_string(size),
         [offset = offset, size = size](Context& c) { check_transfers(c, offset, size); }});
  }
  cases.push_back({"load/memory/host_pointers", check_host_memory});
  cases.push_back({"load/memory/alignment", check_alignment});
}

}  // namespace tenon::conform
