// Order: random work on one stream, on several that wait for each other, and on several threads.
#include <exception>
#include <mutex>
#include <thread>

#include "async_cases.h"
#include "workbench.h"

namespace tenon::conform {
namespace {

Workbench::Floats random_floats(Random& random) {
  Workbench::Floats values(Workbench::kFloats);
  for (float& x : values) x = static_cast<float>(random.below(1000));
  return values;
}

// Queues one operation; answers the buffers it touches.
std::vector<size_t> queue_one(Workbench& bench, tn_stream stream, Random& random, size_t first,
                              size_t count) {
  const auto pick = [&] { return first + static_cast<size_t>(random.below(int64_t(count))); };
  const size_t to = pick(), a = pick(), b = pick();
  switch (random.below(5)) {
    case 0:
      bench.upload(stream, to, random_floats(random));
      return {to};
    case 1:
      bench.fill(stream, to, static_cast<float>(random.below(100)));
      return {to};
    case 2:
      if (a == to) return {};
      bench.copy(stream, to, a);
      return {to, a};
    case 3:
      bench.add(stream, to, a, b);
      return {to, a, b};
    default:
      bench.download(stream, to);
      return {to};
  }
}

void check_one_stream(Context& c, int64_t operations) {
  Workbench bench(c.subject(), 4);
  for (int64_t i = 0; i < operations; ++i) {
    queue_one(bench, c.subject().stream, c.random(), 0, 4);
  }
  bench.verify(c.subject().stream);
}

// What the streams last did to each buffer; whoever touches it next waits for that.
struct Points {
  tn_stream stream = nullptr;
  uint64_t event = 0;
};

void check_streams(Context& c, size_t stream_count) {
  PluginHost& host = c.subject();
  Workbench bench(host, 5);
  std::vector<std::unique_ptr<OwnStream>> streams;
  for (size_t i = 0; i < stream_count; ++i) streams.push_back(std::make_unique<OwnStream>(host));
  std::vector<Points> last(bench.size());
  for (int i = 0; i < 40; ++i) {
    const tn_stream stream =
        streams[static_cast<size_t>(c.random().below(int64_t(stream_count)))]->get();
    // Any buffer may be touched: wait for all that another stream worked on.
    for (const Points& point : last) {
      if (point.stream == nullptr || point.stream == stream) continue;
      host.must(host.core->stream_wait(stream, point.stream, point.event));
    }
    const std::vector<size_t> touched = queue_one(bench, stream, c.random(), 0, bench.size());
    uint64_t event = 0;
    host.must(host.core->event_record(stream, &event));
    for (const size_t buffer : touched) last[buffer] = {stream, event};
  }
  for (const auto& stream : streams) {
    uint64_t tag = 0;
    host.must(host.core->stream_sync(stream->get(), &tag));
  }
  bench.verify(host.stream);
}

// Runs f(i) on `count` threads at once; the first failure of any is the case's.
template <class F>
void on_threads(int count, const F& f) {
  std::mutex mutex;
  std::exception_ptr failure;
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([&, i] {
      try {
        f(i);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!failure) failure = std::current_exception();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  if (failure) std::rethrow_exception(failure);
}

// Each thread with a stream and buffers of its own, on one device.
void check_threads(Context& c, int64_t seed) {
  PluginHost& host = c.subject();
  on_threads(4, [&](int thread) {
    Random random("threads" + std::to_string(seed) + "/" + std::to_string(thread));
    OwnStream stream(host);
    Workbench bench(host, 3, stream.get());
    for (int i = 0; i < 60; ++i) queue_one(bench, stream.get(), random, 0, 3);
    bench.verify(stream.get());
  });
}

void check_concurrent_kernels(Context& c, int64_t seed) {
  PluginHost& host = c.subject();
  on_threads(4, [&](int thread) {
    Random random("kernels" + std::to_string(seed) + "/" + std::to_string(thread));
    for (int i = 0; i < 20; ++i) {
      OwnStream stream(host);
      const Call call{TN_OP_COPY,
                      {dense(TN_DTYPE_F64, {3, 9})},
                      {filled(TN_DTYPE_F32, {3, 9}, Layout::kTransposed, random)}};
      Session session(host, call, stream.get());
      host.must(session.prepare());
      host.must(session.launch(1));
      Outcome out;
      session.collect(out);
      for (int64_t k = 0; k < 27; ++k) {
        require(out.outputs[0].real(k) == call.inputs[0].real(k),
                "a kernel of one thread did another's work");
      }
    }
  });
}

// The same kernel on several streams, by several threads.
void check_shared_kernel(Context& c) {
  PluginHost& host = c.subject();
  const Call call{TN_OP_COPY,
                  {dense(TN_DTYPE_F64, {500})},
                  {filled(TN_DTYPE_F32, {500}, Layout::kDense, c.random())}};
  Session owner(host, call, host.stream);
  host.must(owner.prepare());
  on_threads(4, [&](int) {
    OwnStream stream(host);
    for (int i = 0; i < 10; ++i) {
      Session session(host, call, stream.get());
      session.borrow_kernel(owner.kernel());
      host.must(session.launch(1));
      Outcome out;
      session.collect(out);
      for (int64_t k = 0; k < 500; ++k) {
        require(out.outputs[0].real(k) == call.inputs[0].real(k), "a shared kernel mixed launches");
      }
    }
  });
}

// A failing call leaves its text on the thread that made it.
void check_error_thread(Context& c) {
  PluginHost& host = c.subject();
  on_threads(3, [&](int) {
    static std::mutex one_at_a_time;
    const std::lock_guard lock(one_at_a_time);
    tn_device device = nullptr;
    require(host.core->device_open(host.plugin, UINT32_MAX, &device) != TN_OK,
            "device_open of an unknown index answered OK");
    require(host.error_thread() == std::this_thread::get_id(),
            "set_error was called on another thread than the failing call's");
  });
}

}  // namespace

void add_order_cases(Cases& cases) {
  for (int k = 0; k < 100; ++k) {
    cases.push_back(
        {async_name("one_stream", std::to_string(k)), [](Context& c) { check_one_stream(c, 50); }});
  }
  cases.push_back(
      {async_name("one_stream", "long_queue"), [](Context& c) { check_one_stream(c, 3000); }});
  for (const size_t streams : {2u, 3u, 5u}) {
    for (int k = 0; k < 60; ++k) {
      cases.push_back({async_name("streams", std::to_string(streams), std::to_string(k)),
                       [=](Context& c) { check_streams(c, streams); }});
    }
  }
  for (int k = 0; k < 15; ++k) {
    cases.push_back({async_name("threads", "streams", std::to_string(k)),
                     [=](Context& c) { check_threads(c, k); }});
    cases.push_back({async_name("threads", "kernels", std::to_string(k)),
                     [=](Context& c) { check_concurrent_kernels(c, k); }});
  }
  cases.push_back({async_name("threads", "shared_kernel"), check_shared_kernel});
  cases.push_back({async_name("threads", "error_text"), check_error_thread});
}

}  // namespace tenon::conform
