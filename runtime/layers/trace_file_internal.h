// The file that the trace layer writes: JSON of the Trace Event Format, which chrome://tracing and
// ui.perfetto.dev open. Valid JSON whenever it is looked at.
#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <tenon/api/device_plugin.h>

namespace tenon::layers {

// Nanoseconds of the monotonic clock.
[[nodiscard]] int64_t now_ns() noexcept;
[[nodiscard]] int32_t thread_number() noexcept;

struct TraceOperand {
  uint32_t dtype = 0;
  uint32_t rank = 0;
  std::array<int64_t, TN_MAX_RANK> shape{};
};

// One stretch of time on one track. All texts live for ever.
struct TraceEvent {
  static constexpr uint32_t kOperands = 6;

  std::string_view name;
  std::string_view category;  // "op", "memory", "stream", "plugin", "scope"
  std::string_view kernel;    // the plugin's operator, of a launch
  std::string_view scope;     // the user's scopes, "outer/inner"
  std::string_view device;    // "cpu:0"
  int64_t process = 0, track = 0;
  int64_t begin_ns = 0, end_ns = 0;
  uint64_t bytes = 0;
  uint32_t outputs = 0;
  uint32_t operand_count = 0;  // all of them; the first kOperands are kept
  tn_status status = TN_OK;
  std::array<TraceOperand, kOperands> operands{};
};

class TraceFile {
 public:
  // The one file of this process; opened by the first plugin that is loaded. LoadFailure when it
  // can't be written.
  static TraceFile& open(const std::string& path);
  // nullptr while nothing is traced.
  static TraceFile* current() noexcept;

  void add(const TraceEvent& event);
  // A process (a device) or one of its tracks, for people.
  void name_process(int64_t process, std::string_view name);
  void name_track(int64_t process, int64_t track, std::string_view name);
  // Writes what is still in memory.
  void flush() noexcept;

 private:
  explicit TraceFile(std::FILE* file);
  void write_lines(const std::string& lines);
  void run_writer();

  std::FILE* const file_;
  std::mutex queue_mutex_;          // events_, spare_
  std::mutex file_mutex_;           // file_, is_first_
  std::vector<TraceEvent> events_;  // its room comes back from the writer: a traced call waits for
  std::vector<TraceEvent> spare_;   // no growing copy of it
  bool is_first_ = true;
  const int32_t owner_;  // the process
};

// A copy of the text that lives for ever.
[[nodiscard]] std::string_view keep_text(std::string_view text);

}  // namespace tenon::layers
