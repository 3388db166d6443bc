// The entry, the tables and the reader's law, on the bare ABI.
#include <gtest/gtest.h>

#include <cstring>

#include "plugin_host.h"

namespace tenon::plugin_test {
namespace {

constexpr tn_host_version kVersion{
    sizeof(tn_host_version), 0, TN_ABI_MAJOR, TN_ABI_MAJOR, TN_ABI_MINOR, 0};

tn_plugin_descriptor card_of_size(uint32_t size) {
  tn_plugin_descriptor card;
  std::memset(&card, 0xA5, sizeof card);
  card.descriptor_size = size;
  EXPECT_EQ(load_entry(device_under_test())(&kVersion, &card), TN_OK);
  return card;
}

TEST(PluginEntry, IsPureAndMayBeCalledAgain) {
  const tn_plugin_descriptor first = card_of_size(sizeof first),
                             second = card_of_size(sizeof first);
  EXPECT_EQ(std::memcmp(&first, &second, sizeof first), 0);
  EXPECT_EQ(first.magic, TN_MAGIC);
  EXPECT_EQ(std::string(first.name, first.name_size), device_under_test());
  EXPECT_EQ(first.descriptor_flags & TN_DESCRIPTOR_PRERELEASE, TN_DESCRIPTOR_PRERELEASE);
}

TEST(PluginEntry, WritesNoMoreThanTheHostOffers) {
  const tn_plugin_descriptor card = card_of_size(32);
  EXPECT_EQ(card.descriptor_size, 32u);
  EXPECT_EQ(card.magic, TN_MAGIC);
  unsigned char rest[sizeof card - 32];
  std::memcpy(rest, reinterpret_cast<const char*>(&card) + 32, sizeof rest);
  for (unsigned char byte : rest) EXPECT_EQ(byte, 0xA5);
}

TEST(PluginEntry, RefusesLessThanTheFrozenBytes) {
  tn_plugin_descriptor card{};
  card.descriptor_size = 31;
  EXPECT_EQ(load_entry(device_under_test())(&kVersion, &card), TN_INVALID_ARGUMENT);
  EXPECT_EQ(card.magic, 0u);
}

TEST(PluginEntry, TakesALargerHost) {
  struct Later {
    tn_plugin_descriptor card;
    uint64_t appended;
  } later{};
  later.appended = 77;
  later.card.descriptor_size = sizeof later;
  ASSERT_EQ(load_entry(device_under_test())(&kVersion, &later.card), TN_OK);
  EXPECT_EQ(later.card.descriptor_size, sizeof later.card);
  EXPECT_EQ(later.appended, 77u);
}

TEST(PluginTables, AreFetchedByName) {
  PluginHost host(device_under_test());
  EXPECT_GE(host.core->struct_size, TN_MIN_CORE);
  EXPECT_GE(host.ops->struct_size, TN_MIN_OPS);
  const tn_plugin_descriptor card = card_of_size(sizeof card);
  const void* table = nullptr;
  EXPECT_EQ(card.get_interface(host.plugin, "nonsense", 8, &table), TN_UNSUPPORTED);
}

TEST(PluginTables, ReleasingNullIsNoOp) {
  PluginHost host(device_under_test());
  host.core->buffer_free(nullptr);
  host.core->stream_destroy(nullptr);
  host.core->device_close(nullptr);
  host.ops->kernel_release(nullptr);
}

TEST(PluginTables, UnknownDeviceIndexIsAnError) {
  PluginHost host(device_under_test());
  tn_device device = nullptr;
  EXPECT_EQ(host.core->device_open(host.plugin, 99, &device), TN_INVALID_ARGUMENT);
  EXPECT_NE(host.error, "");
}

// ---- the reader's law --------------------------------------------------------------------------

TEST(PluginReader, InfoIsCutToWhatTheHostKnows) {
  PluginHost host(device_under_test());
  tn_device_info info;
  std::memset(&info, 0xA5, sizeof info);
  info.struct_size = 80;  // up to memory_bytes
  ASSERT_EQ(host.core->device_info(host.device, &info), TN_OK);
  EXPECT_EQ(info.struct_size, 80u);
  EXPECT_EQ(info.memory_bytes, host.info.memory_bytes);
  EXPECT_EQ(info.allocation_max, 0xA5A5A5A5A5A5A5A5u);
}

// A fill of four floats whose structs a test may spoil.
struct RawFill {
  explicit RawFill(PluginHost& host_in) : host(host_in) {
    host.must(host.core->buffer_alloc(host.device, 64, &tensor.base.buffer));
    tensor.base.struct_size = sizeof tensor.base;
    tensor.base.dtype = TN_DTYPE_F32;
    tensor.base.rank = 1;
    tensor.base.shape[0] = 4;
    tensor.base.strides[0] = 1;
    signature.struct_size = sizeof signature;
    signature.op = "fill";
    signature.op_size = 4;
    signature.op_version = 1;
    signature.output_count = signature.operand_count = 1;
    signature.classes = &word;
    signature.operands = &operand;
  }
  ~RawFill() {
    uint64_t tag = 0;
    host.core->stream_sync(host.stream, &tag);
    host.ops->kernel_release(kernel);
    host.core->buffer_free(tensor.base.buffer);
  }
  tn_status query() {
    answer.struct_size = sizeof answer;
    return host.ops->query(host.device, &signature, &answer);
  }
  tn_status prepare() { return host.ops->prepare(host.device, &signature, &kernel); }
  tn_status launch() { return host.ops->launch(host.stream, kernel, &operand, &value, nullptr, 1); }

  PluginHost& host;
  struct {
    tn_tensor base;
    uint64_t appended;
  } tensor{};
  const tn_tensor* operand = &tensor.base;
  uint64_t word = TN_CLASS(TN_DTYPE_F32, 1, TN_LAYOUT_CONTIGUOUS, 6);
  uint64_t value = slot(1.0);
  tn_signature signature{};
  tn_answer answer{};
  tn_kernel kernel = nullptr;
};

TEST(PluginReader, ALongerTailIsIgnored) {
  PluginHost host(device_under_test());
  RawFill fill(host);
  fill.tensor.base.struct_size = sizeof fill.tensor;
  ASSERT_EQ(fill.prepare(), TN_OK) << host.error;
  EXPECT_EQ(fill.launch(), TN_OK) << host.error;
}

TEST(PluginReader, SignaturesBelowTheMinimumAreRefused) {
  PluginHost host(device_under_test());
  RawFill fill(host);
  fill.signature.struct_size = TN_MIN_SIGNATURE - 8;
  EXPECT_EQ(fill.query(), TN_INVALID_ARGUMENT);
}

TEST(PluginReader, SignaturesWithUnknownFlagsAreRefused) {
  PluginHost host(device_under_test());
  RawFill fill(host);
  fill.signature.flags = 0x80000000;
  const tn_status status = fill.query();
  EXPECT_TRUE(status != TN_OK || fill.answer.support == TN_ANSWER_NO);
}

TEST(PluginReader, TensorsAreCheckedAtLaunch) {
  PluginHost host(device_under_test());
  if (device_under_test() == "cpu") GTEST_SKIP() << "trusts the tensors of a launch, for speed";
  RawFill fill(host);
  ASSERT_EQ(fill.prepare(), TN_OK);
  fill.tensor.base.struct_size = TN_MIN_TENSOR - 8;
  EXPECT_EQ(fill.launch(), TN_INVALID_ARGUMENT);
  fill.tensor.base.struct_size = sizeof(tn_tensor);
  fill.tensor.base.flags = 0x10000;
  EXPECT_EQ(fill.launch(), TN_UNSUPPORTED);
  EXPECT_NE(host.error, "");
}

TEST(PluginReader, AdviceMayBeIgnored) {
  PluginHost host(device_under_test());
  RawFill fill(host);
  fill.signature.flags = TN_SIGNATURE_DENSE | TN_SIGNATURE_DETERMINISTIC | 0x4000;
  ASSERT_EQ(fill.query(), TN_OK);
  EXPECT_EQ(fill.answer.support, TN_ANSWER_NATIVE) << fill.answer.reason;
}

TEST(PluginReader, AnUnknownDtypeIsRefused) {
  PluginHost host(device_under_test());
  RawFill fill(host);
  fill.word = TN_CLASS(TN_DTYPE_COUNT, 1, TN_LAYOUT_CONTIGUOUS, 0);
  ASSERT_EQ(fill.query(), TN_OK);
  EXPECT_EQ(fill.answer.support, TN_ANSWER_NO);
  EXPECT_NE(std::string(fill.answer.reason), "");
}

// ---- streams -----------------------------------------------------------------------------------

TEST(PluginStream, EventsIncreaseAndAreReached) {
  PluginHost host(device_under_test());
  uint64_t first = 0, second = 0;
  ASSERT_EQ(host.core->event_record(host.stream, &first), TN_OK);
  ASSERT_EQ(host.core->event_record(host.stream, &second), TN_OK);
  EXPECT_LT(first, second);
  EXPECT_EQ(host.core->event_wait(host.stream, second, UINT64_MAX), TN_OK);
  uint32_t state = TN_EVENT_PENDING;
  tn_status failure = TN_INTERNAL;
  ASSERT_EQ(host.core->event_query(host.stream, first, &state, &failure), TN_OK);
  EXPECT_EQ(state, TN_EVENT_DONE);
  EXPECT_EQ(failure, TN_OK);
}

TEST(PluginStream, TransfersBeyondTheEndAreRefused) {
  PluginHost host(device_under_test());
  tn_buffer buffer = nullptr;
  ASSERT_EQ(host.core->buffer_alloc(host.device, 16, &buffer), TN_OK);
  char bytes[32] = {};
  if (device_under_test() != "cpu") {  // the host proves ranges; these two also check them
    EXPECT_EQ(host.core->upload(host.stream, buffer, 8, bytes, 16, 0), TN_INVALID_ARGUMENT);
    EXPECT_EQ(host.core->download(host.stream, buffer, UINT64_MAX, bytes, 16), TN_INVALID_ARGUMENT);
  }
  EXPECT_EQ(host.core->upload(host.stream, buffer, 0, bytes, 16, 0), TN_OK);
  uint64_t tag = 0;
  EXPECT_EQ(host.core->stream_sync(host.stream, &tag), TN_OK);
  host.core->buffer_free(buffer);
}

}  // namespace
}  // namespace tenon::plugin_test
