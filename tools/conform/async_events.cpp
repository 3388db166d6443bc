// Events, transfers, failures. An inline device reports a failure by the launch itself; an ASYNC
// one at sync, with its tag, and events carry it.
#include <algorithm>

#include "async_cases.h"
#include "workbench.h"

namespace tenon::conform {

void add_async_cases(Cases& cases) {
  add_order_cases(cases);
  add_event_cases(cases);
  add_failure_cases(cases);
}

namespace {

constexpr uint64_t kSecond = 1'000'000'000;

// ---- events ------------------------------------------------------------------------------------

void check_values(Context& c) {
  PluginHost& host = c.subject();
  Workbench bench(host, 2);
  uint64_t last = 0;
  for (int i = 0; i < 200; ++i) {
    if (i % 3 == 0) bench.fill(host.stream, 0, 1.0F);
    uint64_t value = 0;
    host.must(host.core->event_record(host.stream, &value));
    require(value > last, "event values do not increase: " + std::to_string(value) + " after " +
                              std::to_string(last));
    last = value;
  }
}

void check_wait_is_enough(Context& c) {  // for a download, without a sync
  PluginHost& host = c.subject();
  tn_buffer buffer = nullptr;
  host.must(host.core->buffer_alloc(host.device, 64, &buffer));
  for (int i = 0; i < 50; ++i) {
    const auto sent = static_cast<unsigned char>(i + 1);
    unsigned char got = 0;
    uint64_t value = 0;
    host.must(host.core->upload(host.stream, buffer, 13, &sent, 1, 0));
    host.must(host.core->download(host.stream, buffer, 13, &got, 1));
    host.must(host.core->event_record(host.stream, &value));
    host.must(host.core->event_wait(host.stream, value, 10 * kSecond));
    require(got == sent, "event_wait came back before the work in front of the event was done");
  }
  host.core->buffer_free(buffer);
}

void check_states(Context& c) {
  PluginHost& host = c.subject();
  Workbench bench(host, 2);
  for (int i = 0; i < 30; ++i) {
    bench.add(host.stream, 0, 0, 1);
    uint64_t value = 0, tag = 0;
    uint32_t state = 99;
    tn_status failure = TN_INTERNAL;
    host.must(host.core->event_record(host.stream, &value));
    host.must(host.core->event_query(host.stream, value, &state, &failure));
    require(state == TN_EVENT_PENDING || state == TN_EVENT_DONE,
            "event_query stored state " + std::to_string(state));
    host.must(host.core->stream_sync(host.stream, &tag));
    host.must(host.core->event_query(host.stream, value, &state, &failure));
    require(state == TN_EVENT_DONE && failure == TN_OK, "an event is not DONE after stream_sync");
    host.must(host.core->event_wait(host.stream, value, 0));
  }
}

void check_timeout(Context& c) {
  PluginHost& host = c.subject();
  Workbench bench(host, 2);
  for (int i = 0; i < 30; ++i) {
    for (int k = 0; k < 20; ++k) bench.add(host.stream, 0, 0, 1);
    uint64_t value = 0;
    host.must(host.core->event_record(host.stream, &value));
    const tn_status status = host.core->event_wait(host.stream, value, 1);
    require(status == TN_OK || status == TN_TIMEOUT,
            "event_wait with a timeout of 1 ns answered " + status_name(status));
    host.must(host.core->event_wait(host.stream, value, UINT64_MAX));
  }
}

void check_idle_stream(Context& c) {
  PluginHost& host = c.subject();
  for (int i = 0; i < 100; ++i) {
    OwnStream stream(host);
    uint64_t value = 0, tag = 99;
    host.must(host.core->event_record(stream.get(), &value));
    host.must(host.core->event_wait(stream.get(), value, 10 * kSecond));
    host.must(host.core->stream_sync(stream.get(), &tag));
    require(tag == 0, "stream_sync of an idle stream stored tag " + std::to_string(tag));
  }
}

void check_event_of_a_gone_stream(Context& c) {
  PluginHost& host = c.subject();
  Workbench bench(host, 3);
  for (int i = 0; i < 20; ++i) {
    OwnStream later(host);
    {
      OwnStream first(host);
      uint64_t value = 0;
      bench.fill(first.get(), 0, static_cast<float>(i));
      host.must(host.core->event_record(first.get(), &value));
      host.must(host.core->stream_wait(later.get(), first.get(), value));
    }
    bench.copy(later.get(), 1, 0);
    uint64_t tag = 0;
    host.must(host.core->stream_sync(later.get(), &tag));
  }
  bench.verify(host.stream);
}

// ---- transfers ---------------------------------------------------------------------------------

void check_upload(Context& c, uint64_t size, uint32_t flags) {
  PluginHost& host = c.subject();
  std::vector<unsigned char> source(size), got(size, 0);
  for (auto& byte : source) byte = static_cast<unsigned char>(c.random().word());
  const std::vector<unsigned char> sent = source;
  tn_buffer buffer = nullptr;
  host.must(host.core->buffer_alloc(host.device, size, &buffer));
  host.must(host.core->upload(host.stream, buffer, 0, source.data(), size, flags));
  uint64_t value = 0;
  host.must(host.core->event_record(host.stream, &value));
  if ((flags & TN_UPLOAD_PINNED) != 0) {  // then the source is the device's until the event
    host.must(host.core->event_wait(host.stream, value, 10 * kSecond));
  }
  std::fill(source.begin(), source.end(), 0xEE);
  host.must(host.core->download(host.stream, buffer, 0, got.data(), size));
  uint64_t tag = 0;
  host.must(host.core->stream_sync(host.stream, &tag));
  host.core->buffer_free(buffer);
  require(got == sent, "the source was read after it should have been consumed");
}

// Without ASYNC the work is done when launch returns: a host pointer shows it at once.
void check_inline_claim(Context& c) {
  PluginHost& host = c.subject();
  const bool visible = (host.info.flags & TN_DEVICE_HOST_MEMORY) != 0 && !host.is_async();
  if (!visible) throw Skip("the device is ASYNC, or gives out no host pointers");
  Workbench bench(host, 1);
  for (int i = 0; i < 30; ++i) {
    bench.fill(host.stream, 0, static_cast<float>(i));
    void* address = nullptr;
    host.must(host.core->buffer_host(bench.buffer(0), &address));
    const auto* floats = static_cast<const float*>(address);
    for (int64_t k = 0; k < Workbench::kFloats; ++k) {
      require(floats[k] == static_cast<float>(i),
              "the device does not say ASYNC, but launch returned before the work was done");
    }
  }
}

void check_launch_many(Context& c) {
  PluginHost& host = c.subject();
  if (host.ops->launch_many == nullptr) throw Skip("launch_many is optional and not offered");
  const Call call{TN_OP_COPY,
                  {dense(TN_DTYPE_F64, {40})},
                  {filled(TN_DTYPE_F32, {40}, Layout::kDense, c.random())}};
  Session first(host, call, host.stream), second(host, call, host.stream);
  host.must(first.prepare());
  const auto tensor = [&](const Session& s, size_t operand, uint32_t dtype) {
    tn_tensor t{};
    t.struct_size = sizeof t;
    t.buffer = s.buffer(operand);
    t.offset_bytes = s.first_byte(operand);
    t.dtype = dtype;
    t.rank = 1;
    t.shape[0] = 40;
    t.strides[0] = 1;
    return t;
  };
  const tn_tensor tensors[] = {tensor(first, 0, TN_DTYPE_F64), tensor(first, 1, TN_DTYPE_F32),
                               tensor(second, 0, TN_DTYPE_F64), tensor(second, 1, TN_DTYPE_F32)};
  const tn_tensor* operands[] = {&tensors[0], &tensors[1], &tensors[2], &tensors[3]};
  const tn_status status =
      host.ops->launch_many(host.stream, first.kernel(), 2, operands, nullptr, nullptr, 1);
  if (status == TN_UNIMPLEMENTED) throw Skip("launch_many is optional and not offered");
  host.must(status);
  for (Session* session : {&first, &second}) {
    Outcome out;
    session->collect(out);
    require(out.damage.empty(), out.damage);
    for (int64_t k = 0; k < 40; ++k) {
      require(out.outputs[0].real(k) == call.inputs[0].real(k),
              "launch_many did not do what as many launches do");
    }
  }
}

}  // namespace

void add_event_cases(Cases& cases) {
  cases.push_back({async_name("event", "values_increase"), check_values});
  cases.push_back({async_name("event", "wait_is_enough"), check_wait_is_enough});
  cases.push_back({async_name("event", "states"), check_states});
  cases.push_back({async_name("event", "timeout"), check_timeout});
  cases.push_back({async_name("event", "idle_stream"), check_idle_stream});
  cases.push_back({async_name("event", "of_a_gone_stream"), check_event_of_a_gone_stream});
  for (const uint64_t size : {1ull, 64ull, 4096ull, 1000003ull}) {
    cases.push_back({async_name("upload", "consumed", std::to_string(size)),
                     [=](Context& c) { check_upload(c, size, 0); }});
    cases.push_back({async_name("upload", "pinned", std::to_string(size)),
                     [=](Context& c) { check_upload(c, size, TN_UPLOAD_PINNED); }});
  }
  cases.push_back({async_name("claim", "inline"), check_inline_claim});
  cases.push_back({async_name("launch_many", "is_many_launches"), check_launch_many});
}

}  // namespace tenon::conform
