#include <tenon/runtime/layers/trace_file_internal.h>

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <set>
#include <thread>

#include <nlohmann/json.hpp>

#include <tenon/runtime/dtype.h>
#include <tenon/runtime/fork_internal.h>
#include <tenon/runtime/layers/trace.h>
#include <tenon/runtime/loader/file_check_internal.h>
#include <tenon/runtime/loader/text_internal.h>

namespace tenon::layers {
namespace {

constexpr auto kWriteEvery = std::chrono::milliseconds(100);
constexpr size_t kRoom = 8192;  // events between two writes, without growing
constexpr std::string_view kHead = "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n";
constexpr std::string_view kTail = "\n]}\n";

std::atomic<TraceFile*> the_file{nullptr};

std::string_view dtype_text(uint32_t dtype) {
  return dtype > 0 && dtype < TN_DTYPE_COUNT ? name(static_cast<DType>(dtype)) : "unknown";
}

// Names are registered words or were cleaned; user scopes may hold anything.
void append_quoted(std::string& text, std::string_view value) {
  text += nlohmann::json(std::string(value))
              .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void append_text_field(std::string& text, std::string_view key, std::string_view value) {
  if (value.empty()) return;
  text += join_text(text.back() == '{' ? "\"" : ",\"", key, "\":");
  append_quoted(text, value);
}

void append_number_field(std::string& text, std::string_view key, uint64_t value) {
  text += join_text(text.back() == '{' ? "\"" : ",\"", key, "\":", value);
}

// "12.345": microseconds with the nanoseconds behind the point.
std::string micros(int64_t ns) {
  const std::string rest = std::to_string(1000 + ns % 1000);
  return join_text(ns / 1000, ".", std::string_view(rest).substr(1));
}

void append_operands(std::string& text, const TraceEvent& event) {
  if (event.operand_count == 0) return;
  append_number_field(text, "outputs", event.outputs);
  append_number_field(text, "operands", event.operand_count);
  std::string shapes = ",\"shapes\":[", dtypes = ",\"dtypes\":[";
  for (uint32_t i = 0; i < std::min(event.operand_count, TraceEvent::kOperands); ++i) {
    const TraceOperand& operand = event.operands[i];
    dtypes += join_text(i == 0 ? "\"" : ",\"", dtype_text(operand.dtype), "\"");
    shapes += i == 0 ? "[" : ",[";
    for (uint32_t d = 0; d < std::min(operand.rank, TN_MAX_RANK); ++d)
      shapes += join_text(d == 0 ? "" : ",", operand.shape[d]);
    shapes += "]";
  }
  text += shapes + "]" + dtypes + "]";
}

std::string line_of(const TraceEvent& event) {
  std::string line = "{";
  append_text_field(line, "name", event.name);
  append_text_field(line, "cat", event.category);
  line += join_text(",\"ph\":\"X\",\"pid\":", event.process, ",\"tid\":", event.track,
                    ",\"ts\":", micros(event.begin_ns),
                    ",\"dur\":", micros(std::max<int64_t>(0, event.end_ns - event.begin_ns)),
                    ",\"args\":{");
  append_text_field(line, "device", event.device);
  append_text_field(line, "kernel", event.kernel);
  append_text_field(line, "scope", event.scope);
  append_operands(line, event);
  if (event.bytes != 0) append_number_field(line, "bytes", event.bytes);
  if (event.status != TN_OK)
    append_number_field(line, "status", static_cast<uint32_t>(event.status));
  return line + "}}";
}

std::string metadata(std::string_view what, int64_t process, int64_t track, std::string_view name) {
  std::string line = join_text("{\"name\":\"", what, "\",\"ph\":\"M\",\"pid\":", process,
                               ",\"tid\":", track, ",\"args\":{");
  append_text_field(line, "name", name);
  return line + "}}";
}

}  // namespace

int64_t now_ns() noexcept {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

int32_t thread_number() noexcept {
  static thread_local const auto kNumber = static_cast<int32_t>(::syscall(SYS_gettid));
  return kNumber;
}

std::string_view keep_text(std::string_view text) {
  static auto& texts = *new std::set<std::string, std::less<>>;
  const std::lock_guard lock(fork_mutex(ForkLockId::kTraceTexts));
  const auto at = texts.find(text);
  return at != texts.end() ? *at : *texts.emplace(text).first;
}

TraceFile::TraceFile(std::FILE* file) : file_(file), owner_(::getpid()) {
  events_.reserve(kRoom);
  spare_.reserve(kRoom);
  std::fwrite(kHead.data(), 1, kHead.size(), file_);
  std::fwrite(kTail.data(), 1, kTail.size(), file_);
  std::fflush(file_);
}

TraceFile* TraceFile::current() noexcept { return the_file.load(std::memory_order_acquire); }

// Under the registry's lock, as all of install().
TraceFile& TraceFile::open(const std::string& path) {
  if (TraceFile* file = current()) return *file;
  std::FILE* stream = std::fopen(path.c_str(), "we");
  if (stream == nullptr) {
    throw loader::LoadFailure(
        "refused", join_text("TENON_LAYERS: trace can't write ", loader::clean_text(path, 500),
                             ": ", std::strerror(errno)));
  }
  auto* file = new TraceFile(stream);  // for ever; the end of the program writes the rest
  the_file.store(file, std::memory_order_release);
  std::thread([file] { file->run_writer(); }).detach();
  std::atexit([] {
    if (TraceFile* open_file = current()) open_file->flush();
  });
  // A fork has no writer, and the locks may be held by threads that it does not have.
  ::pthread_atfork(nullptr, nullptr, [] { the_file.store(nullptr); });
  file->name_process(file->owner_, "host");
  TraceScope::activate();
  return *file;
}

void TraceFile::add(const TraceEvent& event) {
  const std::lock_guard lock(queue_mutex_);
  events_.push_back(event);
}

void TraceFile::name_process(int64_t process, std::string_view name) {
  write_lines(metadata("process_name", process, 0, name));
}

void TraceFile::name_track(int64_t process, int64_t track, std::string_view name) {
  write_lines(metadata("thread_name", process, track, name));
}

// Puts the lines where the tail was, and the tail behind them.
void TraceFile::write_lines(const std::string& lines) {
  if (lines.empty()) return;
  const std::lock_guard lock(file_mutex_);
  std::fseek(file_, -static_cast<long>(kTail.size()), SEEK_END);
  if (!is_first_) std::fwrite(",\n", 1, 2, file_);
  is_first_ = false;
  std::fwrite(lines.data(), 1, lines.size(), file_);
  std::fwrite(kTail.data(), 1, kTail.size(), file_);
  std::fflush(file_);
}

void TraceFile::flush() noexcept {
  try {
    std::vector<TraceEvent> events;
    {
      const std::lock_guard lock(queue_mutex_);
      events.swap(events_);
      events_.swap(spare_);
    }
    std::string lines;
    for (const TraceEvent& event : events) lines += (lines.empty() ? "" : ",\n") + line_of(event);
    events.clear();
    {
      const std::lock_guard lock(queue_mutex_);
      if (events.capacity() > spare_.capacity()) spare_.swap(events);
    }
    write_lines(lines);
  } catch (...) {  // out of memory: these events are lost, the file is still valid
  }
}

void TraceFile::run_writer() {
  while (true) {
    std::this_thread::sleep_for(kWriteEvery);
    flush();
  }
}

}  // namespace tenon::layers
