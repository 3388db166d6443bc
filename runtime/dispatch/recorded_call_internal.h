// What goes around a call: the record hooks, and the count of writes.
#pragma once

#include <tenon/runtime/dispatch/operator.h>
#include <tenon/runtime/dispatch/record_hooks.h>

namespace tenon {

// Around a call that may write over a tensor: asks first, and tells of a call that threw, for which
// the recorder may have kept the value of self, by a record without outputs.
class RecordedCall {
 public:
  explicit RecordedCall(const OpCall& call) : call_(call) {
    if (writes()) record_hooks().check_write(call_);
  }
  ~RecordedCall() {
    if (!recorded_ && writes()) record_hooks().record({.op = call_.op, .inputs = {}});
  }
  RecordedCall(const RecordedCall&) = delete;
  RecordedCall& operator=(const RecordedCall&) = delete;

  void record() {
    record_hooks().record(call_);
    recorded_ = true;
  }

 private:
  [[nodiscard]] bool writes() const noexcept { return call_.form != CallForm::kFunctional; }

  const OpCall& call_;
  bool recorded_ = false;
};

// Counts a write when it ends, also by an exception: a part of it may be done. Null: no write.
class VersionBump {
 public:
  explicit VersionBump(Storage* written) : written_(written) {}
  ~VersionBump() {
    if (written_ != nullptr) written_->bump_version();
  }
  VersionBump(const VersionBump&) = delete;
  VersionBump& operator=(const VersionBump&) = delete;

 private:
  Storage* written_;
};

}  // namespace tenon
