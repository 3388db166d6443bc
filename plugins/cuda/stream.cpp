#include "stream.h"

#include "kernel.h"
#include "tables.h"

namespace tenon::cuda {

using plugin::Status;

Stream::Stream(std::shared_ptr<Context> context) : context_(std::move(context)) {
  const Context::Scope scope(*context_);
  context_->check(context_->driver.stream_create(&stream_, CU_STREAM_NON_BLOCKING),
                  "cuStreamCreate");
  timeline_ = std::make_shared<Timeline>(context_);
  faults_ = std::make_unique<Faults>(context_, stream_);
}

Stream::~Stream() {
  context_->release([&](const Driver& d) {
    d.stream_synchronize(stream_);
    staging_.reset();
    faults_.reset();
    d.stream_destroy(stream_);
  });
}

void Stream::launch(Kernel& kernel, const plugin::Launch& launch) {
  const Context::Scope scope(*context_);
  Launcher launcher(*context_, stream_, *faults_, kernel, launch);
  faults_->note(kernel.op(), launch.tag);
  kernel.launch(launcher);
}

void Stream::upload(Buffer& target, uint64_t offset, const void* source, uint64_t size,
                    uint32_t flags) {
  const Context::Scope scope(*context_);
  const CUdeviceptr to = target.range(offset, size);
  if (size == 0) return;
  if ((flags & TN_UPLOAD_PINNED) != 0) {
    context_->check(context_->driver.upload(to, source, size, stream_), "cuMemcpyHtoDAsync");
    return;
  }
  if (staging_ == nullptr) staging_ = std::make_unique<Staging>(context_, stream_);
  staging_->upload(to, source, size);
}

void Stream::download(Buffer& source, uint64_t offset, void* target, uint64_t size) {
  const Context::Scope scope(*context_);
  const CUdeviceptr from = source.range(offset, size);
  if (size == 0) return;
  context_->check(context_->driver.download(target, from, size, stream_), "cuMemcpyDtoHAsync",
                  [&] { return faults_->since(); });
}

void Stream::sync() {
  const Context::Scope scope(*context_);
  const Failure own = faults_->observe();
  const Failure failure = with_carried(own);
  context_->check(context_->driver.stream_synchronize(stream_), "cuStreamSynchronize",
                  [&] { return faults_->since(); });
  const std::optional<Status> failed = failure ? failure() : std::nullopt;
  timeline_->settle();  // points look up how their work ended before the note is cleared
  if (own) faults_->clear();
  carried_.clear();
  const std::string op = failed ? faults_->op_of(failed->tag()) : "";
  faults_->forget_launches();
  if (failed) throw Status(failed->code(), op + ": " + failed->message(), failed->tag());
}

uint64_t Stream::record() {
  const Context::Scope scope(*context_);
  return timeline_->record(stream_, with_carried(faults_->observe()));
}

Failure Stream::with_carried(Failure own) const {
  if (carried_.empty()) return own;
  return [own = std::move(own), carried = carried_]() -> std::optional<Status> {
    for (const auto& outcome : carried) {
      if (auto failed = outcome->get()) return failed;
    }
    return own ? own() : std::nullopt;
  };
}

plugin::Event Stream::query(uint64_t value) {
  const Context::Scope scope(*context_);
  return timeline_->query(value);
}

bool Stream::wait(uint64_t value, uint64_t timeout_ns) {
  const Context::Scope scope(*context_);
  return timeline_->wait(value, timeout_ns);
}

void Stream::wait_for(Stream& other, uint64_t value) {
  const Context::Scope scope(*context_);
  if (other.context_ != context_) {
    throw Status(TN_INVALID_ARGUMENT, "stream_wait: the streams belong to two devices");
  }
  if (&other == this) return;
  const Awaited awaited = other.timeline_->look(value);
  if (awaited.outcome != nullptr) {
    std::erase_if(carried_, [](const auto& outcome) { return outcome->is_known_good(); });
    carried_.push_back(awaited.outcome);
  }
  if (awaited.event == nullptr) return;
  context_->check(context_->driver.stream_wait(stream_, awaited.event->get(), 0),
                  "cuStreamWaitEvent");
}

}  // namespace tenon::cuda
