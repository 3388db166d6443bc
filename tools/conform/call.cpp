#include "call.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace tenon::conform {

uint32_t ProgramText::add(uint32_t opcode, uint32_t dtype, uint32_t a, uint32_t b, uint32_t c) {
  words.insert(words.end(), {opcode | dtype << 16, a, b, c});
  return inputs + static_cast<uint32_t>(scalar_dtypes.size()) + instruction_count() - 1;
}

tn_program ProgramText::view() const {
  tn_program p{};
  p.struct_size = sizeof p;
  p.input_count = inputs;
  p.scalar_count = static_cast<uint32_t>(scalar_dtypes.size());
  p.instruction_count = instruction_count();
  p.output_count = static_cast<uint32_t>(outputs.size());
  p.scalar_dtypes = scalar_dtypes.data();
  p.instructions = words.data();
  p.outputs = outputs.data();
  p.tail = tail;
  p.tail_dims = tail_dims;
  return p;
}

uint64_t slot(double value) { return std::bit_cast<uint64_t>(value); }
uint64_t slot(int64_t value) { return static_cast<uint64_t>(value); }

uint64_t class_word(const Array& a, uint64_t offset_bytes) {
  bool contiguous = true, broadcast = !a.shape.empty();
  int64_t stride = 1;
  for (size_t d = a.shape.size(); d-- > 0; stride *= a.shape[d]) {
    if (a.shape[d] == 1) continue;
    contiguous = contiguous && a.strides[d] == stride;
    broadcast = broadcast && a.strides[d] == 0;
  }
  const bool inner = !a.strides.empty() && a.strides.back() == 1;
  const uint32_t layout = contiguous  ? TN_LAYOUT_CONTIGUOUS
                          : broadcast ? TN_LAYOUT_BROADCAST
                          : inner     ? TN_LAYOUT_INNER
                                      : TN_LAYOUT_STRIDED;
  const auto alignment = std::min(6, std::countr_zero(offset_bytes));
  return TN_CLASS(a.dtype, a.shape.size(), layout, static_cast<uint64_t>(alignment));
}

// ---- the session -------------------------------------------------------------------------------

namespace {

constexpr uint64_t kTail = 64;     // bytes behind each operand
constexpr std::byte kGuard{0x3C};  // what stands around operands

uint64_t round_up(uint64_t value, uint64_t unit) { return (value + unit - 1) / unit * unit; }

}  // namespace

Session::Session(PluginHost& host, const Call& call, tn_stream stream)
    : host_(host),
      call_(call),
      stream_(stream),
      lead_bytes_(round_up(64, std::max<uint64_t>(host.info.offset_alignment, 1))) {
  for (const Array& a : call.outputs) add(a);
  for (const Array& a : call.inputs) add(a);
  for (size_t i = 0; i < call.aliases.size(); ++i) {
    if (call.aliases[i] < 0) continue;
    const size_t input = call.outputs.size() + static_cast<size_t>(call.aliases[i]);
    uint64_t tag = 0;  // its upload may still be on the way
    host_.must(host_.core->stream_sync(stream_, &tag));
    host_.core->buffer_free(std::exchange(tensors_[i].buffer, nullptr));
    tensors_[i] = tensors_[input];
    classes_[i] = classes_[input];
    uploaded_[i] = uploaded_[input];
  }
  for (const tn_tensor& t : tensors_) operands_.push_back(&t);
}

Session::~Session() {
  uint64_t tag = 0;
  host_.core->stream_sync(stream_, &tag);
  if (owns_kernel_ && kernel_ != nullptr) host_.ops->kernel_release(kernel_);
  if (workspace_.buffer != nullptr) host_.core->buffer_free(workspace_.buffer);
  for (size_t i = 0; i < tensors_.size(); ++i) {
    const bool alias = i < call_.aliases.size() && call_.aliases[i] >= 0;
    if (!alias) host_.core->buffer_free(tensors_[i].buffer);
  }
}

void Session::add(const Array& a) {
  std::vector<std::byte> bytes(lead_bytes_ + a.bytes.size() + kTail, kGuard);
  std::copy(a.bytes.begin(), a.bytes.end(),
            bytes.begin() + static_cast<std::ptrdiff_t>(lead_bytes_));
  tn_tensor t{};
  t.struct_size = sizeof t;
  t.dtype = a.dtype;
  t.rank = static_cast<uint32_t>(a.shape.size());
  t.offset_bytes = lead_bytes_ + static_cast<uint64_t>(a.offset * dtype_size(a.dtype));
  std::copy(a.shape.begin(), a.shape.end(), t.shape);
  std::copy(a.strides.begin(), a.strides.end(), t.strides);
  host_.must(host_.core->buffer_alloc(host_.device, bytes.size(), &t.buffer));
  tensors_.push_back(t);
  classes_.push_back(class_word(a, t.offset_bytes));
  host_.must(host_.core->upload(stream_, t.buffer, 0, bytes.data(), bytes.size(), 0));
  uploaded_.push_back(std::move(bytes));
}

tn_signature Session::signature() {
  tn_signature s{};
  s.struct_size = sizeof s;
  s.op = call_.op.data();
  s.op_size = call_.op.size();
  s.op_version = 1;
  s.output_count = static_cast<uint32_t>(call_.outputs.size());
  s.operand_count = static_cast<uint32_t>(operands_.size());
  s.attribute_count = static_cast<uint32_t>(call_.attributes.size());
  s.classes = classes_.data();
  s.operands = operands_.data();
  s.attributes = call_.attributes.data();
  if (call_.program != nullptr) {
    program_ = call_.program->view();
    s.program = &program_;
  }
  return s;
}

Outcome Session::query() {
  Outcome out;
  const tn_signature s = signature();
  out.answer.struct_size = sizeof out.answer;
  out.step = "query";
  out.status = host_.ops->query(host_.device, &s, &out.answer);
  if (out.status != TN_OK) {
    out.text = host_.error();
    return out;
  }
  const char* reason = out.answer.reason;
  out.text.assign(reason, strnlen(reason, sizeof out.answer.reason));
  out.refused = out.answer.support == TN_ANSWER_NO;
  if (out.refused) out.status = TN_UNSUPPORTED;
  return out;
}

tn_status Session::prepare() {
  const tn_signature s = signature();
  return host_.ops->prepare(host_.device, &s, &kernel_);
}

void Session::borrow_kernel(tn_kernel kernel) {
  kernel_ = kernel;
  owns_kernel_ = false;
}

tn_status Session::launch(uint64_t tag) {
  if (workspace_.buffer == nullptr && host_.ops->workspace != nullptr) {
    host_.must(host_.ops->workspace(kernel_, operands_.data(), &workspace_.size_bytes));
    workspace_.struct_size = sizeof workspace_;
    if (workspace_.size_bytes > 0) {
      host_.must(host_.core->buffer_alloc(host_.device, workspace_.size_bytes, &workspace_.buffer));
    }
  }
  const tn_workspace* workspace = workspace_.buffer == nullptr ? nullptr : &workspace_;
  return host_.ops->launch(stream_, kernel_, operands_.data(), call_.scalars.data(), workspace,
                           tag);
}

// ---- what came back ----------------------------------------------------------------------------

std::vector<std::byte> Session::download(size_t operand) {
  std::vector<std::byte> bytes(uploaded_[operand].size());
  uint64_t tag = 0;
  host_.must(
      host_.core->download(stream_, tensors_[operand].buffer, 0, bytes.data(), bytes.size()));
  host_.must(host_.core->stream_sync(stream_, &tag));
  return bytes;
}

// Only elements of outputs may have changed.
std::string Session::damage_of(size_t operand, const std::vector<std::byte>& now) const {
  const bool output = operand < call_.outputs.size();
  const Array& a = output ? call_.outputs[operand] : call_.inputs[operand - call_.outputs.size()];
  const std::vector<std::byte>* expected = &uploaded_[operand];
  std::vector<std::byte> merged;
  if (output) {
    merged = uploaded_[operand];
    const int64_t size = dtype_size(a.dtype), count = a.count();
    for (int64_t i = 0; i < count; ++i) {
      const std::ptrdiff_t at = a.at(i) - a.bytes.data() + static_cast<std::ptrdiff_t>(lead_bytes_);
      std::copy_n(now.begin() + at, size, merged.begin() + at);
    }
    expected = &merged;
  }
  const auto wrong = std::mismatch(expected->begin(), expected->end(), now.begin()).first;
  if (wrong == expected->end()) return {};
  const int64_t byte = wrong - expected->begin() - static_cast<int64_t>(lead_bytes_);
  return std::string(output ? "output " : "input ") +
         std::to_string(output ? operand : operand - call_.outputs.size()) + ": wrote byte " +
         std::to_string(byte) + " of " + std::to_string(a.bytes.size()) +
         (output ? ", which is no element of it" : ", though it is an input");
}

void Session::collect(Outcome& out) {
  for (size_t i = 0; i < tensors_.size(); ++i) {
    const bool output = i < call_.outputs.size();
    const auto shares = [&](int32_t alias) {
      return alias >= 0 && call_.outputs.size() + static_cast<size_t>(alias) == i;
    };
    if (!output && std::any_of(call_.aliases.begin(), call_.aliases.end(), shares)) continue;
    const std::vector<std::byte> now = download(i);
    if (out.damage.empty()) out.damage = damage_of(i, now);
    if (!output) continue;
    Array a = call_.outputs[i];
    std::copy_n(now.begin() + static_cast<std::ptrdiff_t>(lead_bytes_), a.bytes.size(),
                a.bytes.begin());
    out.outputs.push_back(std::move(a));
  }
}

// ---- running -----------------------------------------------------------------------------------

namespace {

// "Native once the host made the operands contiguous": so it does.
Call made_contiguous(const Call& call) {
  Call copy = call;
  for (Array& a : copy.outputs) a = made_dense(a);
  for (Array& a : copy.inputs) a = made_dense(a);
  return copy;
}

bool is_contiguous(const Call& call) {
  const auto dense_operand = [](const Array& a) {
    return TN_CLASS_LAYOUT(class_word(a, 0)) == TN_LAYOUT_CONTIGUOUS;
  };
  return std::all_of(call.outputs.begin(), call.outputs.end(), dense_operand) &&
         std::all_of(call.inputs.begin(), call.inputs.end(), dense_operand);
}

void launch_and_collect(PluginHost& host, Session& session, Outcome& out) {
  out.step = "launch";
  out.status = session.launch(kTag);
  if (out.status == TN_OK) {
    out.step = "sync";
    out.status = host.core->stream_sync(host.stream, &out.failed_tag);
  }
  if (out.status != TN_OK) out.text = host.error();
  session.collect(out);
}

}  // namespace

Outcome run(PluginHost& host, const Call& call) {
  Session session(host, call, host.stream);
  Outcome out = session.query();
  if (out.status != TN_OK) return out;
  if (out.answer.support == TN_ANSWER_CONTIGUOUS && !is_contiguous(call)) {
    return run(host, made_contiguous(call));
  }
  out.step = "prepare";
  out.status = session.prepare();
  if (out.status != TN_OK) {
    out.text = host.error();
    return out;
  }
  launch_and_collect(host, session, out);
  return out;
}

Outcome run_prepared_for(PluginHost& host, const Call& prepared, const Call& call) {
  Session first(host, prepared, host.stream);
  Outcome out = first.query();
  if (out.status != TN_OK) return out;
  out.step = "prepare";
  out.status = first.prepare();
  if (out.status != TN_OK) {
    out.text = host.error();
    return out;
  }
  Session session(host, call, host.stream);
  session.borrow_kernel(first.kernel());
  launch_and_collect(host, session, out);
  return out;
}

}  // namespace tenon::conform
