#include <tenon/runtime/memory/snapshot_internal.h>

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

namespace tenon {
namespace {

constexpr double kWidth = 1200, kLeft = 90, kRight = 20;
constexpr double kCurveHeight = 160, kMapHeight = 360, kHead = 70, kGap = 40;
constexpr double kDeviceHeight = kHead + kCurveHeight + kGap + kMapHeight + kGap;
constexpr double kPlotWidth = kWidth - kLeft - kRight;
constexpr size_t kMaxRectangles = 20'000;
constexpr int kColumns = 1090;  // of the curve: one a pixel

constexpr const char* kInk = "#333333";
constexpr const char* kReservedColour = "#d8dee6";
constexpr const char* kAllocatedColour = "#1f6fb4";
constexpr const char* kColours[] = {"#1f6fb4", "#3a9a5b", "#c97b1a", "#8a5fb0",
                                    "#b5485d", "#2f9c9c", "#7d7d2a", "#6b6bd6"};

std::string size_text(double bytes) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  size_t unit = 0;
  for (; bytes >= 1024 && unit + 1 < std::size(kUnits); ++unit) bytes /= 1024;
  return fmt::format("{:.{}f} {}", bytes, unit == 0 ? 0 : 1, kUnits[unit]);
}

std::string time_text(double ns) {
  if (ns < 1e6) return fmt::format("{:.0f} µs", ns / 1e3);
  if (ns < 1e10) return fmt::format("{:.1f} ms", ns / 1e6);
  return fmt::format("{:.1f} s", ns / 1e9);
}

std::string text_at(double x, double y, std::string_view text, std::string_view more = "") {
  return fmt::format("<text x='{:.1f}' y='{:.1f}' {}>{}</text>\n", x, y, more, text);
}

std::string rectangle(double x, double y, double width, double height, std::string_view colour,
                      std::string_view title = "") {
  const std::string body = title.empty() ? "" : fmt::format("<title>{}</title>", title);
  return fmt::format(
      "<rect x='{:.1f}' y='{:.2f}' width='{:.2f}' height='{:.2f}' fill='{}'>{}</rect>\n", x, y,
      std::max(width, 0.3), std::max(height, 0.3), colour, body);
}

// The span of time that a device's panels show.
struct Span {
  int64_t begin = 0, end = 1;
  [[nodiscard]] double x(int64_t time_ns) const {
    return kLeft +
           kPlotWidth * static_cast<double>(time_ns - begin) / static_cast<double>(end - begin);
  }
};

// ---- bytes over time ----

struct Level {
  int64_t time_ns;
  int64_t allocated, reserved;
};

// Levels after each event, told backwards from the counters of now.
std::vector<Level> levels_of(const DeviceSnapshot& device) {
  auto allocated = static_cast<int64_t>(device.stats.allocated);
  auto reserved = static_cast<int64_t>(device.stats.reserved);
  std::vector<Level> levels(device.events.size());
  for (size_t i = levels.size(); i-- > 0;) {
    const MemoryEvent& event = device.events[i];
    levels[i] = {event.time_ns, allocated, reserved};
    const auto size = static_cast<int64_t>(event.size_bytes);
    if (event.kind == MemoryEventKind::kAllocate) allocated -= size;
    if (event.kind == MemoryEventKind::kFree) allocated += size;
    if (event.kind == MemoryEventKind::kReserve) reserved -= size;
    if (event.kind == MemoryEventKind::kRelease) reserved += size;
  }
  return levels;
}

// A filled curve of the highest level in each column of pixels.
template <class Value>
std::string curve(const std::vector<Level>& levels, const Span& span, double top, double scale,
                  const char* colour, const Value& value) {
  std::vector<int64_t> highest(kColumns, -1);
  int64_t last = -1;
  for (const Level& level : levels) {
    const double at = (span.x(level.time_ns) - kLeft) / kPlotWidth * (kColumns - 1);
    int64_t& column = highest[static_cast<size_t>(std::clamp(at, 0.0, kColumns - 1.0))];
    column = std::max(column, value(level));
  }
  const double bottom = top + kCurveHeight;
  std::string points = fmt::format("{:.1f},{:.1f} ", kLeft, bottom);
  for (int i = 0; i < kColumns; ++i) {
    if (highest[static_cast<size_t>(i)] >= 0) last = highest[static_cast<size_t>(i)];
    const double x = kLeft + kPlotWidth * i / (kColumns - 1);
    points += fmt::format("{:.1f},{:.1f} ", x,
                          bottom - static_cast<double>(std::max<int64_t>(last, 0)) * scale);
  }
  points += fmt::format("{:.1f},{:.1f}", kLeft + kPlotWidth, bottom);
  return fmt::format("<polygon points='{}' fill='{}'/>\n", points, colour);
}

std::string curve_panel(const std::vector<Level>& levels, const Span& span, double top) {
  int64_t highest = 1, peak = 0;
  int64_t peak_time = span.begin;
  for (const Level& level : levels) {
    highest = std::max({highest, level.reserved, level.allocated});
    if (level.allocated > peak) {
      peak = level.allocated;
      peak_time = level.time_ns;
    }
  }
  const double scale = kCurveHeight / static_cast<double>(highest);
  std::string svg;
  svg +=
      curve(levels, span, top, scale, kReservedColour, [](const Level& l) { return l.reserved; });
  svg +=
      curve(levels, span, top, scale, kAllocatedColour, [](const Level& l) { return l.allocated; });
  svg += text_at(kLeft - 6, top + 10, size_text(static_cast<double>(highest)), "text-anchor='end'");
  svg += text_at(kLeft - 6, top + kCurveHeight, "0", "text-anchor='end'");
  const double y = top + kCurveHeight - static_cast<double>(peak) * scale;
  svg += text_at(std::min(span.x(peak_time) + 4, kWidth - 150), std::max(y - 4, top + 10),
                 "peak " + size_text(static_cast<double>(peak)));
  svg += text_at(kLeft, top + kCurveHeight + 14, time_text(static_cast<double>(span.begin)));
  svg += text_at(kLeft + kPlotWidth, top + kCurveHeight + 14,
                 time_text(static_cast<double>(span.end)), "text-anchor='end'");
  return svg;
}

// ---- addresses over time ----

struct Life {
  uint32_t segment;
  uint64_t offset_bytes, size_bytes;
  int64_t begin, end;
  [[nodiscard]] double area() const {
    return static_cast<double>(size_bytes) * static_cast<double>(end - begin + 1);
  }
};

// Pairs of allocation and free; what began before the history lasts from its begin, what is still
// there to its end.
std::vector<Life> lives_of(const DeviceSnapshot& device, const Span& span) {
  std::vector<Life> lives;
  std::map<std::pair<uint32_t, uint64_t>, int64_t> open;
  for (const MemoryEvent& event : device.events) {
    const auto key = std::pair(event.segment, event.offset_bytes);
    if (event.kind == MemoryEventKind::kAllocate) open[key] = event.time_ns;
    if (event.kind != MemoryEventKind::kFree) continue;
    const auto begin = open.find(key);
    lives.push_back({event.segment, event.offset_bytes, event.size_bytes,
                     begin == open.end() ? span.begin : begin->second, event.time_ns});
    if (begin != open.end()) open.erase(begin);
  }
  for (const SegmentView& segment : device.segments) {
    for (const SegmentView::Part& part : segment.blocks) {
      if (part.state == BlockState::kFree) continue;
      const auto begin = open.find(std::pair(segment.number, part.offset_bytes));
      lives.push_back({segment.number, part.offset_bytes, part.size_bytes,
                       begin == open.end() ? span.begin : begin->second, span.end});
    }
  }
  return lives;
}

// Where each segment begins when all are laid end to end.
std::map<uint32_t, uint64_t> bases_of(const DeviceSnapshot& device, uint64_t* total) {
  std::map<uint32_t, uint64_t> sizes;
  for (const SegmentView& segment : device.segments) sizes[segment.number] = segment.size_bytes;
  for (const MemoryEvent& event : device.events) {
    if (event.kind == MemoryEventKind::kReserve || event.kind == MemoryEventKind::kRelease) {
      sizes[event.segment] = event.size_bytes;
    }
  }
  *total = 0;
  for (auto& [number, size] : sizes) *total += std::exchange(size, *total);
  return sizes;
}

std::string map_panel(const DeviceSnapshot& device, const Span& span, double top) {
  uint64_t total = 0;
  const std::map<uint32_t, uint64_t> bases = bases_of(device, &total);
  std::vector<Life> lives = lives_of(device, span);
  const size_t all = lives.size();
  const auto larger = [](const Life& a, const Life& b) { return a.area() > b.area(); };
  std::sort(lives.begin(), lives.end(), larger);
  if (lives.size() > kMaxRectangles) lives.resize(kMaxRectangles);

  const double scale = kMapHeight / static_cast<double>(std::max<uint64_t>(total, 1));
  std::string svg = rectangle(kLeft, top, kPlotWidth, kMapHeight, "#f4f5f7");
  size_t colour = 0;
  for (const Life& life : lives) {
    const auto base = bases.find(life.segment);
    if (base == bases.end()) continue;
    const double y = top + static_cast<double>(base->second + life.offset_bytes) * scale;
    const double x = span.x(life.begin);
    svg += rectangle(
        x, y, span.x(life.end) - x, static_cast<double>(life.size_bytes) * scale,
        kColours[colour++ % std::size(kColours)],
        fmt::format("{} in segment {} for {}", size_text(static_cast<double>(life.size_bytes)),
                    life.segment, time_text(static_cast<double>(life.end - life.begin))));
  }
  for (const auto& [number, base] : bases) {
    const double y = top + static_cast<double>(base) * scale;
    svg += fmt::format("<line x1='{:.1f}' x2='{:.1f}' y1='{:.2f}' y2='{:.2f}' stroke='#ffffff'/>\n",
                       kLeft, kLeft + kPlotWidth, y, y);
  }
  svg += text_at(kLeft - 6, top + kMapHeight, size_text(static_cast<double>(total)),
                 "text-anchor='end'");
  std::string below =
      fmt::format("{} blocks in {} segments, one above the other", all, bases.size());
  if (lives.size() < all) below += fmt::format("; the {} largest are drawn", lives.size());
  return svg + text_at(kLeft, top + kMapHeight + 14, below);
}

std::string device_panels(const DeviceSnapshot& device, double top) {
  Span span;
  if (!device.events.empty()) {
    span.begin = device.events.front().time_ns;
    span.end = std::max(device.events.back().time_ns, span.begin + 1);
  }
  const MemoryStats& s = device.stats;
  std::string svg = text_at(kLeft, top + 20, device.name, "font-size='16' font-weight='bold'");
  svg +=
      text_at(kLeft, top + 40,
              fmt::format("in use {}, peak {} · reserved {}, peak {} · {} allocations, {} of them "
                          "new segments · {} events",
                          size_text(static_cast<double>(s.allocated)),
                          size_text(static_cast<double>(s.allocated_peak)),
                          size_text(static_cast<double>(s.reserved)),
                          size_text(static_cast<double>(s.reserved_peak)), s.allocations,
                          s.segment_allocations, device.events.size()));
  svg += text_at(kLeft, top + 58, "bytes over time: in use (blue), reserved (grey)");
  std::vector<Level> levels = levels_of(device);
  if (levels.empty()) {
    levels.push_back({0, static_cast<int64_t>(s.allocated), static_cast<int64_t>(s.reserved)});
  }
  svg += curve_panel(levels, span, top + kHead);
  return svg + map_panel(device, span, top + kHead + kCurveHeight + kGap);
}

}  // namespace

std::string snapshot_svg(const MemorySnapshot& snapshot) {
  const double height = kDeviceHeight * static_cast<double>(snapshot.devices.size()) + 10;
  std::string svg = fmt::format(
      "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {0:.0f} {1:.0f}' width='{0:.0f}' "
      "height='{1:.0f}' font-family='sans-serif' font-size='12' fill='{2}'>\n"
      "<rect width='100%' height='100%' fill='#ffffff'/>\n",
      kWidth, height, kInk);
  double top = 0;
  for (const DeviceSnapshot& device : snapshot.devices) {
    svg += device_panels(device, top);
    top += kDeviceHeight;
  }
  return svg + "</svg>\n";
}

}  // namespace tenon
