// The honest fake device: what a host must not assume fails here, late and in order.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "plugin_host.h"

namespace tenon::plugin_test {
namespace {

Call fill_call(double value = 1.0) {
  return {TN_OP_FILL, {dense(TN_DTYPE_F32, {8})}, {}, {}, {slot(value)}, nullptr};
}

TEST(Opaque, HandlesFaultWhenFollowed) {
  PluginHost host("opaque");
  tn_buffer buffer = nullptr;
  ASSERT_EQ(host.core->buffer_alloc(host.device, 4096, &buffer), TN_OK);
  void* address = nullptr;
  EXPECT_EQ(host.core->buffer_host(buffer, &address), TN_UNIMPLEMENTED);
  EXPECT_EQ(host.info.flags & TN_DEVICE_HOST_MEMORY, 0u);
  EXPECT_DEATH(std::memset(reinterpret_cast<void*>(buffer), 0, 1), "");
  host.core->buffer_free(buffer);
}

TEST(Opaque, StaleHandlesAreKnown) {
  PluginHost host("opaque");
  tn_buffer buffer = nullptr;
  ASSERT_EQ(host.core->buffer_alloc(host.device, 64, &buffer), TN_OK);
  host.core->buffer_free(buffer);
  char byte = 0;
  EXPECT_EQ(host.core->upload(host.stream, buffer, 0, &byte, 1, 0), TN_INVALID_ARGUMENT);
}

TEST(Opaque, WorkIsDoneLater) {
  PluginHost host("opaque", {{"delay_us", "100000"}});
  tn_buffer buffer = nullptr;
  ASSERT_EQ(host.core->buffer_alloc(host.device, 64, &buffer), TN_OK);
  char source = 5, target = 0;
  ASSERT_EQ(host.core->upload(host.stream, buffer, 0, &source, 1, 0), TN_OK);
  source = 6;  // consumed already
  ASSERT_EQ(host.core->download(host.stream, buffer, 0, &target, 1), TN_OK);
  uint64_t value = 0;
  ASSERT_EQ(host.core->event_record(host.stream, &value), TN_OK);
  EXPECT_EQ(host.core->event_wait(host.stream, value, 1), TN_TIMEOUT);
  EXPECT_EQ(host.core->event_wait(host.stream, value, UINT64_MAX), TN_OK);
  EXPECT_EQ(target, 5);
  host.core->buffer_free(buffer);
}

TEST(Opaque, PinnedSourcesAreReadLater) {
  PluginHost host("opaque", {{"delay_us", "100000"}});
  tn_buffer buffer = nullptr;
  ASSERT_EQ(host.core->buffer_alloc(host.device, 64, &buffer), TN_OK);
  char source = 5, target = 0;
  ASSERT_EQ(host.core->upload(host.stream, buffer, 0, &source, 1, TN_UPLOAD_PINNED), TN_OK);
  source = 6;
  ASSERT_EQ(host.core->download(host.stream, buffer, 0, &target, 1), TN_OK);
  uint64_t tag = 0;
  ASSERT_EQ(host.core->stream_sync(host.stream, &tag), TN_OK);
  EXPECT_EQ(target, 6);
  host.core->buffer_free(buffer);
}

TEST(Opaque, BudgetIsKeptAndGivenBack) {
  PluginHost host("opaque", {{"memory_bytes", "10000"}});
  tn_buffer first = nullptr, second = nullptr;
  ASSERT_EQ(host.core->buffer_alloc(host.device, 6000, &first), TN_OK);
  EXPECT_EQ(host.core->buffer_alloc(host.device, 6000, &second), TN_OUT_OF_MEMORY);
  EXPECT_NE(host.error.find("4000 of 10000 are free"), std::string::npos) << host.error;
  uint64_t free_bytes = 0, budget = 0;
  ASSERT_EQ(host.core->device_budget(host.device, &free_bytes, &budget), TN_OK);
  EXPECT_EQ(free_bytes, 4000u);
  EXPECT_EQ(budget, 10000u);
  host.core->buffer_free(first);
  EXPECT_EQ(host.core->buffer_alloc(host.device, 6000, &second), TN_OK);
  host.core->buffer_free(second);
}

TEST(Opaque, BadConfigurationIsRefusedWithItsText) {
  try {
    PluginHost host("opaque", {{"memory_bytes", "lots"}});
    FAIL() << "opened";
  } catch (const std::runtime_error& e) {
    EXPECT_NE(std::string(e.what()).find("memory_bytes"), std::string::npos) << e.what();
  }
}

TEST(Opaque, TheNthLaunchFailsAtSyncAndIsCleared) {
  PluginHost host("opaque", {{"fail_nth", "2"}});
  EXPECT_EQ(run(host, fill_call()).status, TN_OK);
  const Outcome out = run(host, fill_call());
  EXPECT_EQ(out.status, TN_INTERNAL);
  EXPECT_EQ(out.failed_tag, 7u);
  EXPECT_NE(out.text.find("fail_nth"), std::string::npos) << out.text;
  EXPECT_EQ(run(host, fill_call()).status, TN_OK);
}

// One launch whose index is bad, queued behind nothing.
void queue_bad_gather(PluginHost& host, tn_buffer buffer, uint64_t tag, tn_kernel* kernel) {
  tn_tensor t{};
  t.struct_size = sizeof t;
  t.buffer = buffer;
  t.rank = 1;
  t.shape[0] = 1;
  t.strides[0] = 1;
  t.dtype = TN_DTYPE_I64;  // fresh memory is -1: no valid index
  tn_tensor out = t;
  out.offset_bytes = 64;
  const tn_tensor* operands[] = {&out, &t, &t};
  const uint64_t word = TN_CLASS(TN_DTYPE_I64, 1, TN_LAYOUT_CONTIGUOUS, 6);
  const uint64_t classes[] = {word, word, word};
  const int64_t dim = 0;
  tn_signature s{};
  s.struct_size = sizeof s;
  s.op = "gather";
  s.op_size = 6;
  s.op_version = 1;
  s.output_count = 1;
  s.operand_count = 3;
  s.attribute_count = 1;
  s.classes = classes;
  s.operands = operands;
  s.attributes = &dim;
  if (*kernel == nullptr) host.must(host.ops->prepare(host.device, &s, kernel));
  host.must(host.ops->launch(host.stream, *kernel, operands, nullptr, nullptr, tag));
}

TEST(Opaque, TheFirstBadTagIsReportedOnce) {
  PluginHost host("opaque");
  tn_buffer buffer = nullptr;
  host.must(host.core->buffer_alloc(host.device, 128, &buffer));
  tn_kernel kernel = nullptr;
  queue_bad_gather(host, buffer, 11, &kernel);
  queue_bad_gather(host, buffer, 12, &kernel);
  uint64_t tag = 0;
  EXPECT_EQ(host.core->stream_sync(host.stream, &tag), TN_INDEX_ERROR);
  EXPECT_EQ(tag, 11u);
  EXPECT_EQ(host.core->stream_sync(host.stream, &tag), TN_OK);
  EXPECT_EQ(tag, 0u);
  host.ops->kernel_release(kernel);
  host.core->buffer_free(buffer);
}

TEST(Opaque, EventsCarryAFailureToOtherStreams) {
  PluginHost host("opaque");
  tn_buffer buffer = nullptr;
  host.must(host.core->buffer_alloc(host.device, 128, &buffer));
  tn_stream other = nullptr;
  host.must(host.core->stream_create(host.device, &other));
  uint64_t good = 0, bad = 0, tag = 0;
  host.must(host.core->event_record(host.stream, &good));
  tn_kernel kernel = nullptr;
  queue_bad_gather(host, buffer, 21, &kernel);
  host.must(host.core->event_record(host.stream, &bad));
  EXPECT_EQ(host.core->event_wait(host.stream, bad, UINT64_MAX), TN_INDEX_ERROR);
  EXPECT_EQ(host.core->event_wait(host.stream, good, UINT64_MAX), TN_OK);
  uint32_t state = 0;
  tn_status failure = TN_OK;
  host.must(host.core->event_query(host.stream, bad, &state, &failure));
  EXPECT_EQ(state, TN_EVENT_FAILED);
  EXPECT_EQ(failure, TN_INDEX_ERROR);
  host.must(host.core->stream_wait(other, host.stream, bad));
  EXPECT_EQ(host.core->stream_sync(other, &tag), TN_INDEX_ERROR);
  EXPECT_EQ(tag, 21u);
  EXPECT_EQ(host.core->stream_sync(host.stream, &tag), TN_INDEX_ERROR) << "waiting cleared it";
  host.core->stream_destroy(other);
  host.ops->kernel_release(kernel);
  host.core->buffer_free(buffer);
}

TEST(Opaque, ALostDeviceStaysLostAndOthersLive) {
  PluginHost first("opaque", {{"lose_nth", "1"}}, 0), second("opaque", {}, 1);
  EXPECT_EQ(run(first, fill_call()).status, TN_DEVICE_LOST);
  uint64_t tag = 0, value = 0;
  tn_buffer buffer = nullptr;
  EXPECT_EQ(first.core->stream_sync(first.stream, &tag), TN_DEVICE_LOST);
  EXPECT_EQ(first.core->event_record(first.stream, &value), TN_DEVICE_LOST);
  EXPECT_EQ(first.core->buffer_alloc(first.device, 64, &buffer), TN_DEVICE_LOST);
  EXPECT_EQ(run(second, fill_call()).status, TN_OK);
}

TEST(Opaque, LargeProgramsAreRefusedWithTheirLimit) {
  PluginHost host("opaque");
  ProgramText text{.inputs = 1};
  uint32_t last = 0;
  for (int i = 0; i < 4; ++i) last = text.add(TN_PROGRAM_NEG, TN_DTYPE_F32, last);
  text.outputs = {last};
  const Array x = of_reals(TN_DTYPE_F32, {2}, {1, 2});
  Outcome out = run(host, {TN_OP_PROGRAM, {x}, {x}, {}, {}, &text});
  EXPECT_EQ(out.status, TN_UNSUPPORTED);
  EXPECT_NE(out.text.find("beyond the limits"), std::string::npos) << out.text;
}

TEST(Opaque, OperandsOutsideTheirBufferAreRefused) {
  PluginHost host("opaque");
  Call call = fill_call();
  call.outputs[0].shape = {800};
  EXPECT_EQ(run(host, call).status, TN_INVALID_ARGUMENT);
}

TEST(Opaque, AForkedChildGetsAnErrorNotAHang) {
  PluginHost host("opaque");
  const pid_t child = fork();
  if (child == 0) {
    uint64_t value = 0, tag = 0;
    const bool refused = host.core->event_record(host.stream, &value) == TN_DEVICE_LOST &&
                         host.core->stream_sync(host.stream, &tag) == TN_DEVICE_LOST;
    _exit(refused ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

}  // namespace
}  // namespace tenon::plugin_test
