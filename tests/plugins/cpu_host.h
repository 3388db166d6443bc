// A small host for tests of the plugin cpu alone: dlopen, a table of services whose parallel_for
// cuts ranges as the test wants, and tensors between guard bytes.
#ifndef TENON_TESTS_PLUGINS_CPU_HOST_H
#define TENON_TESTS_PLUGINS_CPU_HOST_H

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <tenon/api/device_plugin.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace tenon::test {

// How parallel_for cuts a range: into `parts`, run by as many threads when `threaded`.
struct Cut {
  int64_t parts = 1;
  bool threaded = false;
};

class CpuHost {
 public:
  explicit CpuHost(std::string isa = "") : isa_(std::move(isa)) {
    const char* folder = std::getenv("TENON_PLUGIN_PATH");
    const std::string path = std::string(folder != nullptr ? folder : ".") + "/tenon_cpu.so";
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) throw std::runtime_error(dlerror());
    const auto entry = reinterpret_cast<tn_plugin_entry_fn>(dlsym(library, TN_ENTRY_SYMBOL));
    tn_host_version version{sizeof version, 0, TN_ABI_MAJOR, TN_ABI_MAJOR, TN_ABI_MINOR, 0};
    tn_plugin_descriptor descriptor{};
    descriptor.descriptor_size = sizeof descriptor;
    must(entry(&version, &descriptor));
    fill_host();
    must(descriptor.open(&host_, &plugin_));
    must(descriptor.get_interface(plugin_, TN_CORE, 4, reinterpret_cast<const void**>(&core)));
    must(descriptor.get_interface(plugin_, TN_OPS, 3, reinterpret_cast<const void**>(&ops)));
    status = core->device_open(plugin_, 0, &device);
    if (status == TN_OK) must(core->stream_create(device, &stream));
  }
  ~CpuHost() {
    if (device != nullptr) {
      core->stream_destroy(stream);
      core->device_close(device);
    }
    core->close(plugin_);
  }
  CpuHost(const CpuHost&) = delete;
  CpuHost& operator=(const CpuHost&) = delete;

  // Levels of this machine, the least first.
  static std::vector<std::string> levels() {
    std::vector<std::string> found;
    for (const char* isa : {"baseline", "avx2", "avx512"}) {
      if (CpuHost(isa).device != nullptr) found.emplace_back(isa);
    }
    return found;
  }

  void must(tn_status code) const {
    if (code != TN_OK) throw std::runtime_error("status " + std::to_string(code) + ": " + error);
  }

  const tn_core* core = nullptr;
  const tn_ops* ops = nullptr;
  tn_device device = nullptr;
  tn_stream stream = nullptr;
  tn_status status = TN_OK;
  mutable std::string error;
  Cut cut;

 private:
  void fill_host() {
    host_.struct_size = sizeof host_;
    host_.abi_major = TN_ABI_MAJOR;
    host_.abi_minor = TN_ABI_MINOR;
    host_.context = this;
    host_.set_error = [](void* self, const char* text, uint64_t size) {
      static_cast<CpuHost*>(self)->error.assign(text, size);
    };
    host_.log = [](void*, uint32_t, const char*, uint64_t) {};
    host_.config = [](void* self, const char* key, uint64_t key_size, char* value, uint64_t room,
                      uint64_t* size) -> tn_status {
      const std::string& isa = static_cast<CpuHost*>(self)->isa_;
      if (std::string(key, key_size) != "isa" || isa.empty()) return TN_UNSUPPORTED;
      *size = isa.size();
      if (room != 0) std::memcpy(value, isa.data(), std::min<uint64_t>(room, isa.size()));
      return TN_OK;
    };
    host_.parallel_for = [](void* self, int64_t count, int64_t grain, tn_range_fn fn,
                            void* context) {
      run_parts(static_cast<CpuHost*>(self)->cut, count, grain, fn, context);
    };
    host_.thread_count = [](void* self) {
      return static_cast<uint32_t>(static_cast<CpuHost*>(self)->cut.parts);
    };
    host_.next_interface = [](void*, const char*, uint64_t, const void**) -> tn_status {
      return TN_UNSUPPORTED;
    };
  }

  static void run_parts(const Cut& cut, int64_t count, int64_t grain, tn_range_fn fn,
                        void* context) {
    const int64_t most = std::max<int64_t>(1, count / std::max<int64_t>(1, grain));
    const int64_t parts = std::min(cut.parts, most);
    std::vector<std::thread> threads;
    for (int64_t i = 0; i < parts; ++i) {
      const int64_t begin = count * i / parts;
      const int64_t end = count * (i + 1) / parts;
      if (cut.threaded) {
        threads.emplace_back([=] { fn(context, begin, end); });
      } else {
        fn(context, begin, end);
      }
    }
    for (std::thread& t : threads) t.join();
  }

  std::string isa_;
  tn_host host_{};
  tn_plugin plugin_ = nullptr;
};

inline uint64_t size_of(uint32_t dtype) {
  constexpr uint64_t kSizes[] = {0, 1, 1, 1, 2, 4, 8, 2, 2, 4, 8};
  return kSizes[dtype];
}

template <class T>
constexpr uint32_t dtype_of() {
  if constexpr (std::is_same_v<T, float>) return TN_DTYPE_F32;
  if constexpr (std::is_same_v<T, double>) return TN_DTYPE_F64;
  if constexpr (std::is_same_v<T, int64_t>) return TN_DTYPE_I64;
  if constexpr (std::is_same_v<T, int32_t>) return TN_DTYPE_I32;
  if constexpr (std::is_same_v<T, int16_t>) return TN_DTYPE_I16;
  if constexpr (std::is_same_v<T, int8_t>) return TN_DTYPE_I8;
  if constexpr (std::is_same_v<T, uint8_t>) return TN_DTYPE_U8;
  return TN_DTYPE_BOOL;
}

// A tensor over memory of its own between guard bytes. Strides in elements; empty: contiguous.
class TestTensor {
 public:
  TestTensor(const CpuHost& host, uint32_t dtype, std::vector<int64_t> shape,
             std::vector<int64_t> strides = {}, int64_t offset = 0)
      : host_(&host) {
    desc_.struct_size = sizeof desc_;
    desc_.dtype = dtype;
    desc_.rank = static_cast<uint32_t>(shape.size());
    int64_t dense = 1;
    int64_t last = offset;
    bool empty = false;
    for (size_t d = shape.size(); d-- > 0;) {
      desc_.shape[d] = shape[d];
      desc_.strides[d] = strides.empty() ? dense : strides[d];
      dense *= shape[d];
      last += (shape[d] - 1) * desc_.strides[d];
      empty |= shape[d] == 0;
    }
    bytes_ = empty ? 0 : static_cast<uint64_t>(last + 1) * size_of(dtype);
    memory_.assign(bytes_ + 2 * kGuard + 64, kSentinel);
    auto at = reinterpret_cast<uintptr_t>(memory_.data()) + kGuard;
    base_ = reinterpret_cast<unsigned char*>((at + 63) / 64 * 64);
    host.must(host.core->buffer_from_host(host.device, base_, bytes_, &desc_.buffer));
    desc_.offset_bytes = static_cast<uint64_t>(offset) * size_of(dtype);
  }
  ~TestTensor() { host_->core->buffer_free(desc_.buffer); }
  TestTensor(const TestTensor&) = delete;
  TestTensor& operator=(const TestTensor&) = delete;

  [[nodiscard]] const tn_tensor& desc() const { return desc_; }
  [[nodiscard]] int64_t count() const {
    int64_t n = 1;
    for (uint32_t d = 0; d < desc_.rank; ++d) n *= desc_.shape[d];
    return n;
  }
  // Element number i in row-major order.
  [[nodiscard]] int64_t offset_of(int64_t i) const {
    int64_t offset = 0;
    for (uint32_t d = desc_.rank; d-- > 0;) {
      offset += i % desc_.shape[d] * desc_.strides[d];
      i /= desc_.shape[d];
    }
    return offset;
  }
  template <class T>
  T& at(int64_t i) {
    return reinterpret_cast<T*>(base_ + desc_.offset_bytes)[offset_of(i)];
  }
  // From the tensor's offset on, whatever the strides.
  template <class T>
  T* memory() {
    return reinterpret_cast<T*>(base_ + desc_.offset_bytes);
  }
  template <class T>
  std::vector<T> values() {
    std::vector<T> out;
    for (int64_t i = 0; i < count(); ++i) out.push_back(at<T>(i));
    return out;
  }
  template <class T>
  void set(const std::vector<T>& values) {
    for (int64_t i = 0; i < count(); ++i) at<T>(i) = values[static_cast<size_t>(i)];
  }
  template <class T, class F>
  void fill(F f) {
    for (int64_t i = 0; i < count(); ++i) at<T>(i) = static_cast<T>(f(i));
  }
  // Nothing outside the buffer, and no gap between elements, was written.
  void expect_guards() const {
    const unsigned char* end = memory_.data() + memory_.size();
    for (const unsigned char* p = memory_.data(); p < base_; ++p) ASSERT_EQ(*p, kSentinel);
    for (const unsigned char* p = base_ + bytes_; p < end; ++p) ASSERT_EQ(*p, kSentinel);
  }

  static constexpr unsigned char kSentinel = 0xA5;

 private:
  static constexpr uint64_t kGuard = 256;
  const CpuHost* host_;
  tn_tensor desc_{};
  std::vector<unsigned char> memory_;
  unsigned char* base_ = nullptr;
  uint64_t bytes_ = 0;
};

// A program under construction: words of instructions, in order.
struct TestProgram {
  uint32_t inputs = 0;
  std::vector<uint32_t> scalar_dtypes;
  std::vector<uint32_t> words;
  std::vector<uint32_t> outputs;
  uint32_t tail = 0;
  uint32_t tail_dims = 0;

  uint32_t add(uint32_t opcode, uint32_t dtype, uint32_t a = 0, uint32_t b = 0, uint32_t c = 0) {
    for (const uint32_t word : {opcode | dtype << 16, a, b, c}) words.push_back(word);
    return inputs + static_cast<uint32_t>(scalar_dtypes.size() + words.size() / 4) - 1;
  }
  [[nodiscard]] tn_program view() const {
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
};

inline uint64_t scalar(double x) {
  uint64_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}

inline uint64_t class_of(const tn_tensor& t) {
  bool contiguous = true;
  bool broadcast = t.rank > 0;
  int64_t dense = 1;
  for (uint32_t d = t.rank; d-- > 0;) {
    if (t.shape[d] == 1) continue;
    contiguous = contiguous && t.strides[d] == dense;
    broadcast = broadcast && t.strides[d] == 0;
    dense *= t.shape[d];
  }
  const bool inner = t.rank > 0 && t.strides[t.rank - 1] == 1;
  const uint32_t layout = contiguous  ? TN_LAYOUT_CONTIGUOUS
                          : broadcast ? TN_LAYOUT_BROADCAST
                          : inner     ? TN_LAYOUT_INNER
                                      : TN_LAYOUT_STRIDED;
  return TN_CLASS(t.dtype, t.rank, layout, 0);
}

struct Call {
  std::string op;
  std::vector<const TestTensor*> outputs;
  std::vector<const TestTensor*> inputs;
  std::vector<int64_t> attributes = {};
  std::vector<uint64_t> scalars = {};
  const TestProgram* program = nullptr;
};

// A prepared kernel with all it needs for launches.
class Prepared {
 public:
  Prepared(const CpuHost& host, const Call& call) : host_(host), scalars_(call.scalars) {
    for (const TestTensor* t : call.outputs) operands_.push_back(&t->desc());
    for (const TestTensor* t : call.inputs) operands_.push_back(&t->desc());
    std::vector<uint64_t> classes;
    for (const tn_tensor* t : operands_) classes.push_back(class_of(*t));
    tn_signature s{};
    tn_program program{};
    s.struct_size = sizeof s;
    s.op = call.op.data();
    s.op_size = call.op.size();
    s.op_version = 1;
    s.output_count = static_cast<uint32_t>(call.outputs.size());
    s.operand_count = static_cast<uint32_t>(operands_.size());
    s.attribute_count = static_cast<uint32_t>(call.attributes.size());
    s.classes = classes.data();
    s.operands = operands_.data();
    s.attributes = call.attributes.data();
    if (call.program != nullptr) {
      program = call.program->view();
      s.program = &program;
    }
    answer.struct_size = sizeof answer;
    status = host.ops->query(host.device, &s, &answer);
    if (status == TN_OK && answer.support == TN_ANSWER_NATIVE) {
      status = host.ops->prepare(host.device, &s, &kernel_);
    } else if (status == TN_OK) {
      status = TN_UNSUPPORTED;
    }
    if (status == TN_OK) make_workspace();
  }
  ~Prepared() {
    host_.ops->kernel_release(kernel_);
    host_.core->buffer_free(workspace_.buffer);
  }
  Prepared(const Prepared&) = delete;
  Prepared& operator=(const Prepared&) = delete;

  tn_status launch() {
    if (status != TN_OK) return status;
    return host_.ops->launch(host_.stream, kernel_, operands_.data(), scalars_.data(),
                             workspace_.size_bytes == 0 ? nullptr : &workspace_, 1);
  }

  tn_status status = TN_OK;
  tn_answer answer{};

 private:
  void make_workspace() {
    workspace_.struct_size = sizeof workspace_;
    host_.must(host_.ops->workspace(kernel_, operands_.data(), &workspace_.size_bytes));
    if (workspace_.size_bytes == 0) return;
    host_.must(host_.core->buffer_alloc(host_.device, workspace_.size_bytes, &workspace_.buffer));
  }

  const CpuHost& host_;
  std::vector<const tn_tensor*> operands_;
  std::vector<uint64_t> scalars_;
  tn_kernel kernel_ = nullptr;
  tn_workspace workspace_{};
};

// Prepares and launches; throws when the plugin refuses.
inline void run(const CpuHost& host, const Call& call) {
  Prepared kernel(host, call);
  if (kernel.status != TN_OK) {
    throw std::runtime_error(call.op + " refused: " + kernel.answer.reason + host.error);
  }
  host.must(kernel.launch());
  for (const TestTensor* t : call.outputs) t->expect_guards();
}

}  // namespace tenon::test

#endif
