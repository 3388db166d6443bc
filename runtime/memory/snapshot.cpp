#include <nlohmann/json.hpp>

#include <tenon/runtime/device_context.h>
#include <tenon/runtime/interop/file_internal.h>
#include <tenon/runtime/memory/snapshot_internal.h>

namespace tenon {
namespace {

using nlohmann::ordered_json;

constexpr int kFormat = 1;  // raised when a field changes its meaning

const char* kind_name(MemoryEventKind kind) {
  switch (kind) {
    case MemoryEventKind::kAllocate:
      return "allocate";
    case MemoryEventKind::kFree:
      return "free";
    case MemoryEventKind::kReserve:
      return "reserve";
    case MemoryEventKind::kRelease:
      return "release";
    case MemoryEventKind::kRefused:
      return "refused";
  }
  return "";
}

MemorySnapshot take_snapshot() {
  MemorySnapshot snapshot;
  // Events first: what comes after them is in the counters, never the other way round.
  const MemoryHistory::Recorded recorded = MemoryHistory::instance().recorded();
  snapshot.events_dropped = recorded.dropped;
  for (DeviceContext* context : DeviceContext::opened()) {
    DeviceSnapshot& device = snapshot.devices.emplace_back();
    device.name = context->device().str();
    device.id = context->id();
    device.stats = context->allocator().stats();
    device.segments = context->allocator().segments();
    for (const MemoryEvent& event : recorded.events) {
      if (event.device == device.id) device.events.push_back(event);
    }
  }
  return snapshot;
}

ordered_json stats_json(const MemoryStats& stats) {
  return {{"allocated", stats.allocated},
          {"allocated_peak", stats.allocated_peak},
          {"reserved", stats.reserved},
          {"reserved_peak", stats.reserved_peak},
          {"cached", stats.cached()},
          {"allocations", stats.allocations},
          {"frees", stats.frees},
          {"hits", stats.hits},
          {"segments", stats.segments},
          {"segment_allocations", stats.segment_allocations},
          {"segment_frees", stats.segment_frees},
          {"retries", stats.retries}};
}

ordered_json segment_json(const SegmentView& segment) {
  ordered_json blocks = ordered_json::array();
  for (const SegmentView::Part& part : segment.blocks) {
    blocks.push_back({{"offset", part.offset_bytes},
                      {"size", part.size_bytes},
                      {"state", part.state == BlockState::kFree ? "free" : "taken"}});
  }
  return {{"number", segment.number}, {"size", segment.size_bytes}, {"blocks", std::move(blocks)}};
}

std::string snapshot_json(const MemorySnapshot& snapshot) {
  ordered_json devices = ordered_json::array();
  for (const DeviceSnapshot& device : snapshot.devices) {
    ordered_json segments = ordered_json::array(), events = ordered_json::array();
    for (const SegmentView& segment : device.segments) segments.push_back(segment_json(segment));
    for (const MemoryEvent& event : device.events) {
      events.push_back({{"time_ns", event.time_ns},
                        {"kind", kind_name(event.kind)},
                        {"segment", event.segment},
                        {"offset", event.offset_bytes},
                        {"size", event.size_bytes}});
    }
    devices.push_back({{"device", device.name},
                       {"stats", stats_json(device.stats)},
                       {"segments", std::move(segments)},
                       {"events", std::move(events)}});
  }
  const ordered_json all = {{"format", kFormat},
                            {"events_dropped", snapshot.events_dropped},
                            {"devices", std::move(devices)}};
  return all.dump() + "\n";
}

void write_file(const std::string& path, const std::string& text) {
  OutputFile file(path, "memory_snapshot");
  file.write(text.data(), text.size());
  file.commit();
}

}  // namespace

void memory_snapshot(const std::string& path) {
  const MemorySnapshot snapshot = take_snapshot();
  const bool json_only = path.ends_with(".json"), svg_only = path.ends_with(".svg");
  if (!svg_only) write_file(json_only ? path : path + ".json", snapshot_json(snapshot));
  if (!json_only) write_file(svg_only ? path : path + ".svg", snapshot_svg(snapshot));
}

}  // namespace tenon
