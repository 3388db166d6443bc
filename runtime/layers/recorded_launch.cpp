#include <tenon/runtime/layers/recorded_launch_internal.h>

#include <algorithm>
#include <map>

#include <tenon/runtime/error.h>

namespace tenon::layers {
namespace {

// Releases what one run made.
class Run {
 public:
  Run(const Plugin& plugin, tn_device device, tn_stream stream)
      : plugin_(plugin), device_(device), stream_(stream) {}
  ~Run() {
    uint64_t tag = 0;
    static_cast<void>(plugin_.core.stream_sync(stream_, &tag));
    plugin_.ops.kernel_release(kernel_);
    for (const auto& [memory, buffer] : buffers_) plugin_.core.buffer_free(buffer);
    plugin_.core.buffer_free(scratch_);
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  std::vector<std::vector<std::byte>> outputs_of(const RecordedLaunch& launch) {
    place(launch);
    prepare(launch);
    start(launch);
    std::vector<std::vector<std::byte>> outputs;
    for (uint32_t i = 0; i < launch.output_count; ++i) {
      outputs.emplace_back(launch.operands[i].bytes.size());
      if (outputs[i].empty()) continue;
      must(plugin_.core.download(stream_, tensors_[i].buffer, 0, outputs[i].data(),
                                 outputs[i].size()),
           "download");
    }
    uint64_t tag = 0;
    must(plugin_.core.stream_sync(stream_, &tag), launch.op);
    return outputs;
  }

  [[nodiscard]] tn_answer ask(const RecordedLaunch& launch) {
    place(launch);
    tn_answer answer{};
    answer.struct_size = sizeof answer;
    const tn_signature signature = signature_of(launch);
    const tn_status status = plugin_.ops.query(device_, &signature, &answer);
    if (status != TN_OK) answer.support = TN_ANSWER_NO;
    answer.reason[sizeof answer.reason - 1] = 0;
    return answer;
  }

 private:
  void must(tn_status status, std::string_view what) const { check_status(plugin_, status, what); }

  void place(const RecordedLaunch& launch) {
    tensors_.resize(launch.operands.size());
    for (size_t i = 0; i < launch.operands.size(); ++i) {
      const RecordedOperand& operand = launch.operands[i];
      tn_tensor& tensor = tensors_[i];
      tensor = {};
      tensor.struct_size = sizeof tensor;
      tensor.dtype = operand.dtype;
      tensor.rank = static_cast<uint32_t>(operand.shape.size());
      std::copy(operand.shape.begin(), operand.shape.end(), tensor.shape);
      std::copy(operand.strides.begin(), operand.strides.end(), tensor.strides);
      tn_buffer& buffer = buffers_[operand.memory];
      if (buffer == nullptr) {
        const uint64_t size = std::max<uint64_t>(operand.bytes.size(), 64);
        must(plugin_.core.buffer_alloc(device_, size, &buffer), "buffer_alloc");
        if (!operand.bytes.empty()) {
          must(plugin_.core.upload(stream_, buffer, 0, operand.bytes.data(), operand.bytes.size(),
                                   0),
               "upload");
        }
      }
      tensor.buffer = buffer;
    }
    pointers_.clear();
    for (const tn_tensor& tensor : tensors_) pointers_.push_back(&tensor);
  }

  tn_signature signature_of(const RecordedLaunch& launch) {
    const RecordedProgram& from = launch.program;
    program_.struct_size = sizeof program_;
    program_.input_count = from.input_count;
    program_.scalar_count = static_cast<uint32_t>(from.scalar_dtypes.size());
    program_.instruction_count = static_cast<uint32_t>(from.instructions.size() / 4);
    program_.output_count = static_cast<uint32_t>(from.outputs.size());
    program_.scalar_dtypes = from.scalar_dtypes.data();
    program_.instructions = from.instructions.data();
    program_.outputs = from.outputs.data();
    program_.tail = from.tail;
    program_.tail_dims = from.tail_dims;
    tn_signature signature{};
    signature.struct_size = sizeof signature;
    signature.flags = launch.flags;
    signature.op = launch.kernel.data();
    signature.op_size = launch.kernel.size();
    signature.op_version = 1;
    signature.output_count = launch.output_count;
    signature.operand_count = static_cast<uint32_t>(launch.classes.size());
    signature.attribute_count = static_cast<uint32_t>(launch.attributes.size());
    signature.classes = launch.classes.data();
    signature.operands = pointers_.data();
    signature.attributes = launch.attributes.data();
    signature.program = launch.has_program ? &program_ : nullptr;
    return signature;
  }

  void prepare(const RecordedLaunch& launch) {
    const tn_signature signature = signature_of(launch);
    must(plugin_.ops.prepare(device_, &signature, &kernel_), launch.op);
    check(kernel_ != nullptr, ErrorCode::kInternal, launch.op, "plugin ", plugin_.name,
          " answered OK without a kernel");
  }

  void start(const RecordedLaunch& launch) {
    tn_workspace workspace{};
    uint64_t size = 0;
    must(plugin_.ops.workspace(kernel_, pointers_.data(), &size), launch.op);
    if (size > 0) {
      must(plugin_.core.buffer_alloc(device_, size, &scratch_), "buffer_alloc");
      workspace.struct_size = sizeof workspace;
      workspace.buffer = scratch_;
      workspace.size_bytes = size;
    }
    must(plugin_.ops.launch(stream_, kernel_, pointers_.data(), launch.scalars.data(),
                            size > 0 ? &workspace : nullptr, 1),
         launch.op);
  }

  const Plugin& plugin_;
  tn_device device_;
  tn_stream stream_;
  tn_kernel kernel_ = nullptr;
  tn_buffer scratch_ = nullptr;
  tn_program program_{};
  std::map<uint32_t, tn_buffer> buffers_;
  std::vector<tn_tensor> tensors_;
  std::vector<const tn_tensor*> pointers_;
};

}  // namespace

RecordedLaunch record_signature(const tn_signature& signature, std::string_view op) {
  RecordedLaunch launch;
  launch.kernel.assign(signature.op, signature.op_size);
  launch.op = op.empty() ? launch.kernel : std::string(op);
  launch.flags = signature.flags;
  launch.output_count = signature.output_count;
  launch.classes.assign(signature.classes, signature.classes + signature.operand_count);
  launch.attributes.assign(signature.attributes, signature.attributes + signature.attribute_count);
  launch.has_program = signature.program != nullptr;
  if (!launch.has_program) return launch;
  const tn_program& program = *signature.program;
  RecordedProgram& copy = launch.program;
  copy.input_count = program.input_count;
  copy.scalar_dtypes.assign(program.scalar_dtypes, program.scalar_dtypes + program.scalar_count);
  copy.instructions.assign(program.instructions,
                           program.instructions + size_t{4} * program.instruction_count);
  copy.outputs.assign(program.outputs, program.outputs + program.output_count);
  copy.tail = program.tail;
  copy.tail_dims = program.tail_dims;
  return launch;
}

ReplayDevice::ReplayDevice(const Plugin& plugin, uint32_t index) : plugin_(plugin) {
  check(index < plugin.device_count, ErrorCode::kDevice, "replay", "plugin ", plugin.name, " has ",
        plugin.device_count, " devices, number ", index, " was asked for");
  check_status(plugin_, plugin_.core.device_open(plugin_.handle, index, &device_), "device_open");
  check_status(plugin_, plugin_.core.stream_create(device_, &stream_), "stream_create");
}

std::string ReplayDevice::refusal(const RecordedLaunch& launch) {
  const Comparing comparing;
  const tn_answer answer = Run(plugin_, device_, stream_).ask(launch);
  if (answer.support == TN_ANSWER_NATIVE) return {};
  return answer.reason[0] != 0 ? answer.reason : "not for operands of this layout";
}

std::vector<std::vector<std::byte>> ReplayDevice::run(const RecordedLaunch& launch) {
  const Comparing comparing;
  return Run(plugin_, device_, stream_).outputs_of(launch);
}

}  // namespace tenon::layers
