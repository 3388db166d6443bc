// A bad index among good launches: who says so, when, with which tag, and that work goes on.
#include "async_cases.h"
#include "workbench.h"

namespace tenon::conform {
namespace {

constexpr uint64_t kForEver = UINT64_MAX;

// Queues one gather; an inline device answers a bad one at once.
void queue(PluginHost& host, Workbench& bench, tn_stream stream, bool bad, uint64_t tag) {
  const tn_status status = bench.gather(stream, bad, tag);
  if (bad && !host.is_async()) {
    require(status == TN_INDEX_ERROR,
            "an inline device must report a bad index by the launch, it "
            "answered " +
                status_name(status));
    return;
  }
  require(status == TN_OK, "launch answered " + status_name(status) + ": " + host.error());
}

// The first bad tag is reported, once; the device goes on.
void check_first_tag(Context& c, uint64_t launches, uint64_t first, uint64_t second) {
  PluginHost& host = c.subject();
  Workbench bench(host, 2);
  for (uint64_t i = 0; i < launches; ++i) {
    queue(host, bench, host.stream, i == first || i == second, 100 + i);
  }
  bench.fill(host.stream, 1, 5.0F);
  uint64_t tag = 7;
  const tn_status status = host.core->stream_sync(host.stream, &tag);
  if (host.is_async()) {
    require(status == TN_INDEX_ERROR,
            "stream_sync answered " + status_name(status) + " after a bad index");
    require(tag == 100 + first, "stream_sync named tag " + std::to_string(tag) +
                                    ", the first bad launch had " + std::to_string(100 + first));
    require(!host.error().empty(), "the failure has no text");
  } else {
    require(status == TN_OK && tag == 0,
            "the launch had reported it; stream_sync again answered " + status_name(status));
  }
  tag = 7;
  require(host.core->stream_sync(host.stream, &tag) == TN_OK, "the failure was not cleared");
  require(tag == 0, "a good stream_sync stored tag " + std::to_string(tag));
  bench.verify(host.stream);
}

// Points in front of the failure are good, those behind it carry it.
void check_events(Context& c, int in_front, int behind) {
  PluginHost& host = c.subject();
  Workbench bench(host, 1);
  OwnStream stream(host);
  std::vector<uint64_t> good, bad;
  const auto record = [&](std::vector<uint64_t>& list) {
    host.must(host.core->event_record(stream.get(), &list.emplace_back()));
  };
  record(good);
  for (int i = 0; i < in_front; ++i) {
    queue(host, bench, stream.get(), false, 1);
    record(good);
  }
  queue(host, bench, stream.get(), true, 21);
  record(host.is_async() ? bad : good);
  for (int i = 0; i < behind; ++i) {
    queue(host, bench, stream.get(), false, 2);
    record(host.is_async() ? bad : good);
  }
  for (const uint64_t value : bad) {
    const uint64_t before = host.error_count();
    require(host.core->event_wait(stream.get(), value, kForEver) == TN_INDEX_ERROR,
            "an event behind the failure does not carry it");
    require(host.error_count() > before, "event_wait failed without a text");
    uint32_t state = 0;
    tn_status failure = TN_OK;
    host.must(host.core->event_query(stream.get(), value, &state, &failure));
    require(state == TN_EVENT_FAILED && failure == TN_INDEX_ERROR,
            "event_query does not say FAILED of a point behind the failure");
  }
  for (const uint64_t value : good) {
    require(host.core->event_wait(stream.get(), value, kForEver) == TN_OK,
            "an event in front of the failure failed");
    uint32_t state = 0;
    tn_status failure = TN_INTERNAL;
    host.must(host.core->event_query(stream.get(), value, &state, &failure));
    require(state == TN_EVENT_DONE && failure == TN_OK, "a good point is not DONE");
  }
  uint64_t tag = 0;
  const tn_status status = host.core->stream_sync(stream.get(), &tag);
  require(status == (host.is_async() ? TN_INDEX_ERROR : TN_OK),
          "waiting for events cleared the failure, or made one up: " + status_name(status));
}

// A stream that waits for a point behind the failure gets it, tag and all; another one does not.
void check_carried(Context& c, bool through_a_third) {
  PluginHost& host = c.subject();
  if (!host.is_async()) throw Skip("an inline device reports failures by the launch");
  Workbench bench(host, 1);
  OwnStream first(host), second(host), third(host), bystander(host);
  uint64_t value = 0, tag = 0;
  queue(host, bench, first.get(), true, 31);
  host.must(host.core->event_record(first.get(), &value));
  host.must(host.core->stream_wait(second.get(), first.get(), value));
  tn_stream last = second.get();
  if (through_a_third) {
    host.must(host.core->event_record(second.get(), &value));
    host.must(host.core->stream_wait(third.get(), second.get(), value));
    last = third.get();
  }
  queue(host, bench, bystander.get(), false, 40);
  require(host.core->stream_sync(last, &tag) == TN_INDEX_ERROR,
          "a stream that waited for a failed point did not fail");
  require(tag == 31, "the carried failure names tag " + std::to_string(tag));
  require(host.core->stream_sync(bystander.get(), &tag) == TN_OK,
          "a stream that waited for nothing failed");
}

}  // namespace

void add_failure_cases(Cases& cases) {
  for (uint64_t first = 0; first < 8; ++first) {
    for (const uint64_t second : {first, first + 1, uint64_t{9}}) {
      cases.push_back(
          {async_name("failure", "tag", std::to_string(first) + "_" + std::to_string(second)),
           [=](Context& c) { check_first_tag(c, 10, first, second); }});
    }
  }
  for (const int in_front : {0, 1, 5}) {
    for (const int behind : {0, 1, 5}) {
      cases.push_back(
          {async_name("failure", "events", std::to_string(in_front) + "_" + std::to_string(behind)),
           [=](Context& c) { check_events(c, in_front, behind); }});
    }
  }
  cases.push_back(
      {async_name("failure", "carried", "once"), [](Context& c) { check_carried(c, false); }});
  cases.push_back(
      {async_name("failure", "carried", "twice"), [](Context& c) { check_carried(c, true); }});
}

}  // namespace tenon::conform
