#include "device.h"

#include "kernel.h"
#include "memory.h"
#include "stream.h"

namespace tenon::cuda {

Device::Device(std::shared_ptr<Context> context) : context_(std::move(context)) {
  const Driver& driver = context_->driver;
  size_t total = 0;
  context_->check(driver.device_memory(&total, context_->device), "cuDeviceTotalMem");
  char name[sizeof info_.name] = {};
  context_->check(driver.device_name(name, sizeof name - 1, context_->device), "cuDeviceGetName");
  std::string_view(name).copy(info_.name, sizeof info_.name - 1);
  info_.flags = TN_DEVICE_ASYNC | TN_DEVICE_CONCURRENT;
  info_.memory_bytes = total;
  info_.offset_alignment = 256;
  info_.compute_dtypes = (1u << TN_DTYPE_COUNT) - (1u << TN_DTYPE_BOOL);
  info_.program_instructions = kProgramInstructions;
  info_.program_inputs = kProgramInputs;
  info_.program_scalars = kProgramScalars;
  info_.program_outputs = kProgramOutputs;
  info_.program_tail = 0;
  info_.compute_units = static_cast<uint32_t>(context_->multiprocessors);
}

plugin::Budget Device::budget() const {
  const Context::Scope scope(*context_);
  size_t free_bytes = 0, total = 0;
  context_->check(context_->driver.memory_info(&free_bytes, &total), "cuMemGetInfo");
  return {free_bytes, total};
}

std::unique_ptr<Buffer> Device::allocate(uint64_t size_bytes) const {
  return std::make_unique<Buffer>(context_, size_bytes);
}

std::unique_ptr<Stream> Device::make_stream() const { return std::make_unique<Stream>(context_); }

tn_answer Device::query(const plugin::Signature& signature) const {
  const std::string reason = refuse(info_, signature);
  if (!reason.empty()) return plugin::no(reason);
  tn_answer answer = plugin::native();
  if (wants_copies(signature)) answer.support = TN_ANSWER_CONTIGUOUS;
  return answer;
}

std::unique_ptr<Kernel> Device::prepare(const plugin::Signature& signature) const {
  const Context::Scope scope(*context_);
  return make_kernel(*context_, info_, signature);
}

}  // namespace tenon::cuda
