#include <tenon/runtime/layers/trace.h>

#include <unistd.h>

#include <string>

#include <tenon/runtime/error.h>
#include <tenon/runtime/layers/trace_file_internal.h>
#include <tenon/runtime/layers/trace_internal.h>

namespace tenon {

namespace {
constinit thread_local std::string_view path{};
}  // namespace

std::atomic<bool> TraceScope::active_{false};

namespace layers {
std::string_view current_scope() noexcept { return path; }
}  // namespace layers

void TraceScope::enter(std::string_view name) {
  outer_ = path;
  path = layers::keep_text(outer_.empty() ? std::string(name) : join_text(outer_, "/", name));
  begin_ns_ = layers::now_ns();
}

void TraceScope::leave() noexcept {
  try {
    layers::TraceEvent event;
    event.name = path.substr(outer_.empty() ? 0 : outer_.size() + 1);
    event.category = "scope";
    event.scope = path;
    event.process = ::getpid();
    event.track = layers::thread_number();
    event.begin_ns = begin_ns_;
    event.end_ns = layers::now_ns();
    if (layers::TraceFile* file = layers::TraceFile::current()) file->add(event);
  } catch (...) {  // out of memory: the event is lost
  }
  path = outer_;
}

void flush_trace() noexcept {
  if (layers::TraceFile* file = layers::TraceFile::current()) file->flush();
}

}  // namespace tenon
