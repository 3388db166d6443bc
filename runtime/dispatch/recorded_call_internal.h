// The way of a recorded call through the record hooks.
#pragma once

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

}  // namespace tenon
