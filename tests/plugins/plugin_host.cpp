#include "plugin_host.h"

#include <dlfcn.h>
#include <tenon/api/plugin.hpp>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "../../plugins/support/elements.h"

namespace tenon::plugin_test {

std::string device_under_test() {
  const char* device = std::getenv("TENON_DEVICE");
  const std::string name = device != nullptr ? device : "opaque";
  return name.find_first_of(",:?") == std::string::npos ? name : "opaque";
}

tn_plugin_entry_fn load_entry(const std::string& name) {
  const char* folders = std::getenv("TENON_PLUGIN_PATH");
  std::istringstream list(folders != nullptr ? folders : ".");
  std::string errors;
  for (std::string folder; std::getline(list, folder, ':');) {
    const std::string path = folder + "/tenon_" + name + ".so";
    if (void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE)) {
      return reinterpret_cast<tn_plugin_entry_fn>(dlsym(library, TN_ENTRY_SYMBOL));
    }
    errors += std::string(dlerror()) + "\n";
  }
  throw std::runtime_error(errors);
}

// ---- services ----------------------------------------------------------------------------------

namespace {

PluginHost& self(void* context) { return *static_cast<PluginHost*>(context); }

// Three parts on three threads, whatever the grain: results must not depend on it.
void parallel_for(void*, int64_t count, int64_t, tn_range_fn fn, void* context) {
  constexpr int64_t kParts = 3;
  std::vector<std::thread> threads;
  for (int64_t i = 0; i < kParts; ++i) {
    const int64_t begin = count * i / kParts, end = count * (i + 1) / kParts;
    if (begin < end) threads.emplace_back([=] { fn(context, begin, end); });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace

void PluginHost::fill_services() {
  host_.struct_size = sizeof host_;
  host_.abi_major = TN_ABI_MAJOR;
  host_.abi_minor = TN_ABI_MINOR;
  host_.context = this;
  host_.set_error = [](void* context, const char* text, uint64_t size) {
    self(context).error.assign(text, size);
  };
  host_.log = [](void*, uint32_t, const char*, uint64_t) {};
  host_.config = [](void* context, const char* key, uint64_t key_size, char* value, uint64_t room,
                    uint64_t* size) -> tn_status {
    const Config& config = self(context).config_;
    const auto found = config.find(std::string(key, key_size));
    if (found == config.end()) return TN_UNSUPPORTED;
    *size = found->second.size();
    if (room != 0) std::memcpy(value, found->second.data(), std::min<uint64_t>(room, *size));
    return TN_OK;
  };
  host_.parallel_for = parallel_for;
  host_.thread_count = [](void*) { return uint32_t{3}; };
  host_.next_interface = [](void*, const char*, uint64_t, const void**) -> tn_status {
    return TN_UNSUPPORTED;
  };
}

PluginHost::PluginHost(const std::string& name, Config config, uint32_t device_index)
    : config_(std::move(config)) {
  fill_services();
  const tn_host_version version{sizeof version, 0, TN_ABI_MAJOR, TN_ABI_MAJOR, TN_ABI_MINOR, 0};
  tn_plugin_descriptor card{};
  card.descriptor_size = sizeof card;
  must(load_entry(name)(&version, &card));
  must(card.open(&host_, &plugin));
  must(card.get_interface(plugin, TN_CORE, 4, reinterpret_cast<const void**>(&core)));
  must(card.get_interface(plugin, TN_OPS, 3, reinterpret_cast<const void**>(&ops)));
  try {
    must(core->device_open(plugin, device_index, &device));
    info.struct_size = sizeof info;
    must(core->device_info(device, &info));
    must(core->stream_create(device, &stream));
  } catch (...) {
    close();
    throw;
  }
}

PluginHost::~PluginHost() { close(); }

void PluginHost::close() {
  core->stream_destroy(stream);
  core->device_close(device);
  core->close(plugin);
}

void PluginHost::must(tn_status status) const {
  if (status != TN_OK) {
    throw std::runtime_error("status " + std::to_string(status) + ": " + error);
  }
}

// ---- arrays ------------------------------------------------------------------------------------

bool is_float(uint32_t dtype) { return support::is_float(dtype); }
int64_t dtype_size(uint32_t dtype) { return support::dtype_size(dtype); }
const char* dtype_name(uint32_t dtype) { return support::dtype_name(dtype); }

int64_t Array::count() const {
  int64_t count = 1;
  for (int64_t extent : shape) count *= extent;
  return count;
}

const std::byte* Array::at(int64_t i) const {
  int64_t position = offset;
  for (size_t d = shape.size(); d-- > 0; i /= shape[d]) position += i % shape[d] * strides[d];
  return bytes.data() + position * dtype_size(dtype);
}

std::byte* Array::at(int64_t i) { return const_cast<std::byte*>(std::as_const(*this).at(i)); }

double Array::real(int64_t i) const {
  return support::visit_dtype(
      dtype, [&]<class T>() { return static_cast<double>(support::load<T>(at(i))); });
}

int64_t Array::whole(int64_t i) const {
  return support::visit_dtype(
      dtype, [&]<class T>() { return static_cast<int64_t>(support::load<T>(at(i))); });
}

void Array::set_real(int64_t i, double value) {
  if (dtype == TN_DTYPE_F32) value = static_cast<float>(value);
  if (dtype == TN_DTYPE_F16) {
    value = static_cast<double>(support::round_to_format(value, support::kHalfFormat));
  }
  if (dtype == TN_DTYPE_BF16) {
    value = static_cast<double>(support::round_to_format(value, support::kBFloat16Format));
  }
  support::visit_dtype(dtype, [&]<class T>() { support::store<T>(at(i), value); });
}

void Array::set_whole(int64_t i, int64_t value) {
  support::visit_dtype(dtype, [&]<class T>() { support::store<T>(at(i), value); });
}

Array strided(uint32_t dtype, std::vector<int64_t> shape, std::vector<int64_t> strides,
              int64_t offset) {
  Array a{dtype, std::move(shape), std::move(strides), offset, {}};
  int64_t last = offset;
  for (size_t d = 0; d < a.shape.size(); ++d) last += (a.shape[d] - 1) * a.strides[d];
  const int64_t elements = a.count() == 0 ? 0 : last + 1;
  a.bytes.assign(static_cast<size_t>(elements * dtype_size(dtype)), std::byte{0xA5});
  return a;
}

Array dense(uint32_t dtype, std::vector<int64_t> shape) {
  std::vector<int64_t> strides(shape.size());
  int64_t stride = 1;
  for (size_t d = shape.size(); d-- > 0; stride *= shape[d]) strides[d] = stride;
  return strided(dtype, std::move(shape), std::move(strides), 0);
}

Array of_reals(uint32_t dtype, std::vector<int64_t> shape, const std::vector<double>& values) {
  Array a = dense(dtype, std::move(shape));
  for (size_t i = 0; i < values.size(); ++i) a.set_real(static_cast<int64_t>(i), values[i]);
  return a;
}

Array of_wholes(uint32_t dtype, std::vector<int64_t> shape, const std::vector<int64_t>& values) {
  Array a = dense(dtype, std::move(shape));
  for (size_t i = 0; i < values.size(); ++i) a.set_whole(static_cast<int64_t>(i), values[i]);
  return a;
}

// ---- programs and calls ------------------------------------------------------------------------

uint32_t ProgramText::add(uint32_t opcode, uint32_t dtype, uint32_t a, uint32_t b, uint32_t c) {
  words.insert(words.end(), {opcode | dtype << 16, a, b, c});
  return inputs + static_cast<uint32_t>(scalar_dtypes.size() + words.size() / 4) - 1;
}

tn_program ProgramText::view() const {
  tn_program p{};
  p.struct_size = sizeof p;
  p.input_count = inputs;
  p.scalar_count = static_cast<uint32_t>(scalar_dtypes.size());
  p.instruction_count = static_cast<uint32_t>(words.size() / 4);
  p.output_count = static_cast<uint32_t>(outputs.size());
  p.scalar_dtypes = scalar_dtypes.data();
  p.instructions = words.data();
  p.outputs = outputs.data();
  p.tail = tail;
  p.tail_dims = tail_dims;
  return p;
}

namespace {

uint64_t class_of(const Array& a) {
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
  return TN_CLASS(a.dtype, a.shape.size(), layout, 0);
}

// Everything of one call on one device.
class Session {
 public:
  Session(PluginHost& host, const Call& call) : host_(host), call_(call) {
    for (const Array& a : call.outputs) add(a);
    for (const Array& a : call.inputs) add(a);
    for (const tn_tensor& t : tensors_) operands_.push_back(&t);
  }
  ~Session() {
    uint64_t tag = 0;
    host_.core->stream_sync(host_.stream, &tag);
    host_.ops->kernel_release(kernel_);
    host_.core->buffer_free(workspace_.buffer);
    for (tn_tensor& t : tensors_) host_.core->buffer_free(t.buffer);
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  Outcome run() {
    Outcome out;
    out.status = prepare(out);
    if (out.status == TN_OK) out.status = launch();
    if (out.status == TN_OK) out.status = host_.core->stream_sync(host_.stream, &out.failed_tag);
    if (out.status != TN_OK && out.text.empty()) out.text = host_.error;
    for (size_t i = 0; i < call_.outputs.size(); ++i) {
      Array a = call_.outputs[i];
      host_.core->download(host_.stream, tensors_[i].buffer, 0, a.bytes.data(), a.bytes.size());
      out.outputs.push_back(std::move(a));
    }
    uint64_t tag = 0;
    host_.core->stream_sync(host_.stream, &tag);
    return out;
  }

 private:
  void add(const Array& a) {
    tn_tensor t{};
    t.struct_size = sizeof t;
    t.dtype = a.dtype;
    t.rank = static_cast<uint32_t>(a.shape.size());
    t.offset_bytes = static_cast<uint64_t>(a.offset * dtype_size(a.dtype));
    std::copy(a.shape.begin(), a.shape.end(), t.shape);
    std::copy(a.strides.begin(), a.strides.end(), t.strides);
    const uint64_t size = a.bytes.size();
    host_.must(host_.core->buffer_alloc(host_.device, size == 0 ? 1 : size, &t.buffer));
    tensors_.push_back(t);
    classes_.push_back(class_of(a));
    host_.must(host_.core->upload(host_.stream, t.buffer, 0, a.bytes.data(), size, 0));
  }

  tn_status prepare(Outcome& out) {
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
    tn_program program{};
    if (call_.program != nullptr) {
      program = call_.program->view();
      s.program = &program;
    }
    tn_answer answer{};
    answer.struct_size = sizeof answer;
    const tn_status status = host_.ops->query(host_.device, &s, &answer);
    if (status != TN_OK) return status;
    out.text = answer.reason;
    if (answer.support == TN_ANSWER_NO) return TN_UNSUPPORTED;
    return host_.ops->prepare(host_.device, &s, &kernel_);
  }

  tn_status launch() {
    if (host_.ops->workspace != nullptr) {
      host_.must(host_.ops->workspace(kernel_, operands_.data(), &workspace_.size_bytes));
    }
    workspace_.struct_size = sizeof workspace_;
    const tn_workspace* workspace = nullptr;
    if (workspace_.size_bytes > 0) {
      host_.must(host_.core->buffer_alloc(host_.device, workspace_.size_bytes, &workspace_.buffer));
      workspace = &workspace_;
    }
    return host_.ops->launch(host_.stream, kernel_, operands_.data(), call_.scalars.data(),
                             workspace, 7);
  }

  PluginHost& host_;
  const Call& call_;
  std::vector<tn_tensor> tensors_;
  std::vector<const tn_tensor*> operands_;
  std::vector<uint64_t> classes_;
  tn_kernel kernel_ = nullptr;
  tn_workspace workspace_{};
};

// Representations in the order of their values, neighbours one apart.
template <class Bits, class Float>
int64_t ordinal(Float x) {
  const auto bits = std::bit_cast<Bits>(x);
  return bits < 0 ? std::numeric_limits<Bits>::min() - bits : bits;
}

}  // namespace

Outcome run(PluginHost& host, const Call& call) { return Session(host, call).run(); }

uint64_t slot(double value) { return std::bit_cast<uint64_t>(value); }
uint64_t slot(int64_t value) { return static_cast<uint64_t>(value); }

int64_t ulp_distance(uint32_t dtype, double a, double b) {
  constexpr int64_t kFar = std::numeric_limits<int64_t>::max();
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b) ? 0 : kFar;
  if (a == b) return 0;
  int64_t x = 0, y = 0;
  if (dtype == TN_DTYPE_F64) {
    if (std::signbit(a) != std::signbit(b)) return kFar;
    x = ordinal<int64_t>(a);
    y = ordinal<int64_t>(b);
  } else if (dtype == TN_DTYPE_F16) {
    x = ordinal<int16_t>(support::encode_half(a));
    y = ordinal<int16_t>(support::encode_half(b));
  } else if (dtype == TN_DTYPE_BF16) {
    x = ordinal<int16_t>(support::encode_bfloat16(a));
    y = ordinal<int16_t>(support::encode_bfloat16(b));
  } else {
    x = ordinal<int32_t>(static_cast<float>(a));
    y = ordinal<int32_t>(static_cast<float>(b));
  }
  return std::abs(x - y);
}

}  // namespace tenon::plugin_test
