#include "workbench.h"

#include "case.h"

namespace tenon::conform {
namespace {

constexpr uint64_t kBytes = Workbench::kFloats * sizeof(float);
constexpr int64_t kIndices = 8;

const ProgramText& addition() {
  static const ProgramText text = [] {
    ProgramText t{.inputs = 2};
    t.outputs = {t.add(TN_PROGRAM_ADD, TN_DTYPE_F32, 0, 1)};
    return t;
  }();
  return text;
}

tn_tensor line(tn_buffer buffer, uint32_t dtype, int64_t count) {
  tn_tensor t{};
  t.struct_size = sizeof t;
  t.buffer = buffer;
  t.dtype = dtype;
  t.rank = 1;
  t.shape[0] = count;
  t.strides[0] = 1;
  return t;
}

}  // namespace

Workbench::Workbench(PluginHost& host, size_t buffers, tn_stream home)
    : host_(host), home_(home != nullptr ? home : host.stream) {
  fill_ = prepare(TN_OP_FILL, 1, nullptr, {TN_DTYPE_F32}, {});
  copy_ = prepare(TN_OP_COPY, 2, nullptr, {TN_DTYPE_F32, TN_DTYPE_F32}, {});
  add_ = prepare(TN_OP_PROGRAM, 3, &addition(), {TN_DTYPE_F32, TN_DTYPE_F32, TN_DTYPE_F32}, {});
  gather_ = prepare(TN_OP_GATHER, 3, nullptr, {TN_DTYPE_F32, TN_DTYPE_F32, TN_DTYPE_I64}, {0});
  buffers_.resize(buffers, nullptr);
  expected_.resize(buffers, Floats(kFloats, 0.0F));
  uint64_t tag = 0;
  for (size_t i = 0; i < buffers; ++i) {
    host.must(host.core->buffer_alloc(host.device, kBytes, &buffers_[i]));
    upload(home_, i, expected_[i]);
  }
  int64_t good[kIndices] = {}, bad[kIndices] = {};
  bad[kIndices / 2] = kFloats;
  for (const auto& [buffer, values] : {std::pair{&good_index_, good}, {&bad_index_, bad}}) {
    host.must(host.core->buffer_alloc(host.device, sizeof good, buffer));
    host.must(host.core->upload(home_, *buffer, 0, values, sizeof good, 0));
  }
  host.must(host.core->buffer_alloc(host.device, kIndices * sizeof(float), &gathered_));
  host.must(host.core->stream_sync(home_, &tag));
}

Workbench::~Workbench() {
  uint64_t tag = 0;
  host_.core->stream_sync(home_, &tag);
  for (const tn_kernel kernel : {fill_, copy_, add_, gather_}) {
    if (kernel != nullptr) host_.ops->kernel_release(kernel);
  }
  for (const tn_buffer buffer : buffers_) {
    if (buffer != nullptr) host_.core->buffer_free(buffer);
  }
  for (const tn_buffer buffer : {good_index_, bad_index_, gathered_}) {
    if (buffer != nullptr) host_.core->buffer_free(buffer);
  }
}

tn_kernel Workbench::prepare(const char* op, uint32_t operands, const ProgramText* program,
                             std::vector<uint32_t> dtypes, std::vector<int64_t> attributes) const {
  std::vector<tn_tensor> tensors;
  std::vector<const tn_tensor*> pointers;
  std::vector<uint64_t> classes;
  for (const uint32_t dtype : dtypes) {
    tensors.push_back(line(nullptr, dtype, kFloats));
    classes.push_back(TN_CLASS(dtype, 1, TN_LAYOUT_CONTIGUOUS, 6));
  }
  for (const tn_tensor& t : tensors) pointers.push_back(&t);
  tn_signature s{};
  s.struct_size = sizeof s;
  s.op = op;
  s.op_size = std::string(op).size();
  s.op_version = 1;
  s.output_count = 1;
  s.operand_count = operands;
  s.attribute_count = static_cast<uint32_t>(attributes.size());
  s.classes = classes.data();
  s.operands = pointers.data();
  s.attributes = attributes.data();
  tn_program view{};
  if (program != nullptr) {
    view = program->view();
    s.program = &view;
  }
  tn_kernel kernel = nullptr;
  host_.must(host_.ops->prepare(host_.device, &s, &kernel));
  return kernel;
}

tn_tensor Workbench::tensor(size_t buffer) const {
  return line(buffers_[buffer], TN_DTYPE_F32, kFloats);
}

void Workbench::launch(tn_stream stream, tn_kernel kernel, const std::vector<size_t>& operands,
                       const uint64_t* scalars) {
  std::vector<tn_tensor> tensors;
  std::vector<const tn_tensor*> pointers;
  for (const size_t i : operands) tensors.push_back(tensor(i));
  for (const tn_tensor& t : tensors) pointers.push_back(&t);
  host_.must(host_.ops->launch(stream, kernel, pointers.data(), scalars, nullptr, 1));
}

void Workbench::upload(tn_stream stream, size_t to, const Floats& values, uint32_t flags) {
  host_.must(host_.core->upload(stream, buffers_[to], 0, values.data(), kBytes, flags));
  expected_[to] = values;
}

void Workbench::fill(tn_stream stream, size_t to, float value) {
  const uint64_t scalar = slot(double{value});
  launch(stream, fill_, {to}, &scalar);
  expected_[to].assign(kFloats, value);
}

void Workbench::copy(tn_stream stream, size_t to, size_t from) {
  launch(stream, copy_, {to, from}, nullptr);
  expected_[to] = Floats(expected_[from]);
}

void Workbench::add(tn_stream stream, size_t to, size_t a, size_t b) {
  launch(stream, add_, {to, a, b}, nullptr);
  for (size_t i = 0; i < kFloats; ++i) expected_[to][i] = expected_[a][i] + expected_[b][i];
}

void Workbench::download(tn_stream stream, size_t from) {
  downloads_.push_back(
      std::make_unique<Download>(Download{Floats(kFloats, -77.0F), expected_[from]}));
  host_.must(
      host_.core->download(stream, buffers_[from], 0, downloads_.back()->got.data(), kBytes));
}

tn_status Workbench::gather(tn_stream stream, bool bad, uint64_t tag) {
  const tn_tensor out = line(gathered_, TN_DTYPE_F32, kIndices), in = tensor(0);
  const tn_tensor index = line(bad ? bad_index_ : good_index_, TN_DTYPE_I64, kIndices);
  const tn_tensor* operands[] = {&out, &in, &index};
  return host_.ops->launch(stream, gather_, operands, nullptr, nullptr, tag);
}

void Workbench::verify(tn_stream stream) {
  for (size_t i = 0; i < buffers_.size(); ++i) download(stream, i);
  uint64_t tag = 0;
  host_.must(host_.core->stream_sync(stream, &tag));
  for (size_t i = 0; i < downloads_.size(); ++i) {
    const Download& d = *downloads_[i];
    for (size_t k = 0; k < kFloats; ++k) {
      require(d.got[k] == d.expected[k],
              "download " + std::to_string(i) + " of " + std::to_string(downloads_.size()) +
                  ", element " + std::to_string(k) + ": expected " + std::to_string(d.expected[k]) +
                  ", got " + std::to_string(d.got[k]));
    }
  }
}

}  // namespace tenon::conform
