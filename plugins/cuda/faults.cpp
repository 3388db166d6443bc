#include "faults.h"

#include <algorithm>
#include <cstring>

namespace tenon::cuda {

using plugin::Status;

Faults::Faults(std::shared_ptr<Context> context, CUstream stream)
    : context_(std::move(context)), stream_(stream) {}

void Faults::note(const char* op, uint64_t tag) { last_[launches_++ % kLaunchesKept] = {op, tag}; }

CUdeviceptr Faults::address() {
  if (note_ == nullptr) {
    note_ = std::make_unique<Buffer>(context_, sizeof(IndexFault));
    slots_ = std::make_shared<Pinned>(context_, kSlots * sizeof(IndexFault));
    clear();
  }
  checking_ = true;
  return note_->range(0, sizeof(IndexFault));
}

std::function<std::optional<Status>()> Faults::observe() {
  if (!checking_) return {};
  // A slot is used again after kSlots points; by then the stream has long passed it, or the host
  // looks at points far behind: it then sees the later state, which holds the same first fault.
  char* slot = slots_->data() + sizeof(IndexFault) * (next_slot_++ % kSlots);
  context_->check(context_->driver.download(slot, note_->range(0, sizeof(IndexFault)),
                                            sizeof(IndexFault), stream_),
                  "cuMemcpyDtoHAsync");
  return [slots = slots_, slot]() -> std::optional<Status> {
    IndexFault fault;
    std::memcpy(&fault, slot, sizeof fault);
    if (fault.set == 0) return std::nullopt;
    return Status(TN_INDEX_ERROR,
                  "index " + std::to_string(fault.index) + " is out of range for extent " +
                      std::to_string(fault.extent),
                  fault.tag);
  };
}

void Faults::clear() {
  context_->check(
      context_->driver.set8(note_->range(0, sizeof(IndexFault)), 0, sizeof(IndexFault), stream_),
      "cuMemsetD8Async");
  checking_ = false;
}

const char* Faults::op_of(uint64_t tag) const {
  for (uint64_t i = 0; i < std::min(launches_, kLaunchesKept); ++i) {
    if (last_[i].tag == tag) return last_[i].op;
  }
  return "an earlier operation";
}

std::string Faults::since() const {
  if (launches_ == 0) return {};
  const uint64_t shown = std::min(launches_, kLaunchesKept);
  std::string text = "; queued since the last good sync:";
  if (shown < launches_) text += " ... (" + std::to_string(launches_ - shown) + " more),";
  for (uint64_t i = launches_ - shown; i < launches_; ++i) {
    const Launched& l = last_[i % kLaunchesKept];
    text += std::string(i == launches_ - shown ? " " : ", ") + l.op + " (tag " +
            std::to_string(l.tag) + ")";
  }
  return text;
}

}  // namespace tenon::cuda
