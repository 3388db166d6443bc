// Structs that the host hands to a plugin, with every kind of struct_size, each right before a page
// that faults: a plugin reads what lies inside struct_size and no byte more, and writes as far as
// the host knows. What is below the frozen minimum is INVALID_ARGUMENT.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "plugins/plugin_host.h"

namespace tenon::plugin_test {
namespace {

// Some bytes whose end is the end of the readable memory.
class Guarded {
 public:
  explicit Guarded(size_t bytes) {
    const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
    size_ = (bytes + page - 1) / page * page + page;
    pages_ = static_cast<std::byte*>(
        ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (pages_ == MAP_FAILED || ::mprotect(pages_ + size_ - page, page, PROT_NONE) != 0)
      throw std::runtime_error("no memory for a guard page");
    begin_ = pages_ + size_ - page - bytes;
  }
  ~Guarded() { ::munmap(pages_, size_); }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;
  [[nodiscard]] std::byte* begin() const { return begin_; }

 private:
  std::byte* pages_;
  size_t size_;
  std::byte* begin_;
};

// A struct whose struct_size says `said`. There is as much of it as it says, in whole words, up to
// 64 bytes of junk; what says more than that has no byte more than it really has.
template <class T>
class Sized {
 public:
  Sized(const T& value, uint32_t said) : memory_(room(said)) {
    std::memset(memory_.begin(), 0xee, room(said));
    std::memcpy(memory_.begin(), &value, std::min(room(said), sizeof(T)));
    std::memcpy(memory_.begin(), &said, sizeof said);
  }
  [[nodiscard]] T* get() const { return reinterpret_cast<T*>(memory_.begin()); }

 private:
  static size_t room(uint32_t said) {
    const size_t words = std::max<size_t>(8, said / 8 * 8);  // the head is always there
    return words > sizeof(T) + 64 ? sizeof(T) : words;
  }
  Guarded memory_;
};

template <class T>
class GuardedArray {
 public:
  explicit GuardedArray(const std::vector<T>& values) : memory_(values.size() * sizeof(T)) {
    std::memcpy(memory_.begin(), values.data(), values.size() * sizeof(T));
  }
  [[nodiscard]] const T* get() const { return reinterpret_cast<const T*>(memory_.begin()); }

 private:
  Guarded memory_;
};

std::vector<uint32_t> sizes_below(uint32_t minimum) { return {0, 4, 8, minimum / 2, minimum - 1}; }
std::vector<uint32_t> sizes_from(uint32_t minimum, size_t exact) {
  const auto now = static_cast<uint32_t>(exact);
  return {minimum, now, now + 64, UINT32_MAX};
}

// out = in + in over four floats, as a program; every struct and array in it can be spoilt.
struct RawCall {
  explicit RawCall(PluginHost& host_in) : host(host_in) {
    for (tn_tensor& tensor : tensors) {
      host.must(host.core->buffer_alloc(host.device, 64, &tensor.buffer));
      tensor.struct_size = sizeof tensor;
      tensor.dtype = TN_DTYPE_F32;
      tensor.rank = 1;
      tensor.shape[0] = 4;
      tensor.strides[0] = 1;
    }
    const float values[] = {1, 2, 3, 4};
    host.must(host.core->upload(host.stream, tensors[1].buffer, 0, values, sizeof values, 0));
    program.struct_size = sizeof program;
    program.input_count = program.instruction_count = program.output_count = 1;
    program.instructions = instructions.get();
    program.outputs = outputs.get();
    signature.struct_size = sizeof signature;
    signature.flags = TN_SIGNATURE_DENSE;
    signature.op = TN_OP_PROGRAM;
    signature.op_size = 7;
    signature.op_version = 1;
    signature.output_count = 1;
    signature.operand_count = 2;
    signature.classes = classes.get();
    signature.operands = examples.get();
    signature.program = &program;
  }
  ~RawCall() {
    uint64_t tag = 0;
    host.core->stream_sync(host.stream, &tag);
    host.ops->kernel_release(kernel);
    for (tn_tensor& tensor : tensors) host.core->buffer_free(tensor.buffer);
  }

  tn_status prepare(const tn_signature* given) {
    host.ops->kernel_release(kernel);
    kernel = nullptr;
    return host.ops->prepare(host.device, given, &kernel);
  }
  // With these operands; the first result.
  tn_status launch(const tn_tensor* out, const tn_tensor* in, float* result) {
    const GuardedArray<const tn_tensor*> operands(std::vector<const tn_tensor*>{out, in});
    uint64_t need = 0, tag = 0;
    if (host.ops->workspace != nullptr) {
      const tn_status status = host.ops->workspace(kernel, operands.get(), &need);
      if (status != TN_OK) return status;
    }
    EXPECT_EQ(need, 0u);  // for four floats
    const tn_status status =
        host.ops->launch(host.stream, kernel, operands.get(), nullptr, nullptr, 1);
    if (status != TN_OK) return status;
    host.must(host.core->download(host.stream, tensors[0].buffer, 0, result, sizeof *result));
    return host.core->stream_sync(host.stream, &tag);
  }
  // Prepares with the signature and runs; 2 is right.
  float run(const tn_signature* given) {
    float result = -1;
    host.must(prepare(given));
    host.must(launch(&tensors[0], &tensors[1], &result));
    return result;
  }

  PluginHost& host;
  tn_tensor tensors[2] = {};
  const GuardedArray<uint32_t> instructions{
      std::vector<uint32_t>{TN_PROGRAM_ADD | TN_DTYPE_F32 << 16, 0, 0, 0}};
  const GuardedArray<uint32_t> outputs{std::vector<uint32_t>{1}};
  const GuardedArray<uint64_t> classes{
      std::vector<uint64_t>(2, TN_CLASS(TN_DTYPE_F32, 1, TN_LAYOUT_CONTIGUOUS, 6))};
  const GuardedArray<const tn_tensor*> examples{
      std::vector<const tn_tensor*>{&tensors[0], &tensors[1]}};
  tn_program program{};
  tn_signature signature{};
  tn_kernel kernel = nullptr;
};

class StructSize : public testing::Test {
 protected:
  StructSize() : host(device_under_test()), call(host) {}
  PluginHost host;
  RawCall call;
};

TEST_F(StructSize, OfASignature) {
  for (const uint32_t size : sizes_below(TN_MIN_SIGNATURE)) {
    const Sized<tn_signature> given(call.signature, size);
    Sized<tn_answer> answer({}, sizeof(tn_answer));
    EXPECT_EQ(host.ops->query(host.device, given.get(), answer.get()), TN_INVALID_ARGUMENT) << size;
    EXPECT_EQ(call.prepare(given.get()), TN_INVALID_ARGUMENT) << size;
  }
  for (const uint32_t size : sizes_from(TN_MIN_SIGNATURE, sizeof(tn_signature)))
    EXPECT_EQ(call.run(Sized<tn_signature>(call.signature, size).get()), 2) << size;
}

TEST_F(StructSize, OfAProgram) {
  for (const uint32_t size : sizes_below(TN_MIN_PROGRAM)) {
    const Sized<tn_program> given(call.program, size);
    call.signature.program = given.get();
    EXPECT_EQ(call.prepare(&call.signature), TN_INVALID_ARGUMENT) << size;
  }
  for (const uint32_t size : sizes_from(TN_MIN_PROGRAM, sizeof(tn_program))) {
    const Sized<tn_program> given(call.program, size);
    call.signature.program = given.get();
    EXPECT_EQ(call.run(&call.signature), 2) << size;
  }
}

TEST_F(StructSize, OfATensor) {
  ASSERT_EQ(call.run(&call.signature), 2);
  float result = -1;
  for (const uint32_t size : sizes_from(TN_MIN_TENSOR, sizeof(tn_tensor))) {
    const Sized<tn_tensor> out(call.tensors[0], size), in(call.tensors[1], size);
    ASSERT_EQ(call.launch(out.get(), in.get(), &result), TN_OK) << size;
    EXPECT_EQ(result, 2) << size;
  }
}

TEST_F(StructSize, OfATensorThatIsTooShort) {
  if (device_under_test() == "cpu") GTEST_SKIP() << "trusts the tensors of a launch, for speed";
  ASSERT_EQ(call.run(&call.signature), 2);
  float result = -1;
  for (const uint32_t size : sizes_below(TN_MIN_TENSOR)) {
    const Sized<tn_tensor> in(call.tensors[1], size);
    EXPECT_EQ(call.launch(&call.tensors[0], in.get(), &result), TN_INVALID_ARGUMENT) << size;
  }
}

TEST_F(StructSize, OfAnAnswer) {
  for (const uint32_t size : {0u, 4u, 7u}) {
    const Sized<tn_answer> answer({}, size);
    EXPECT_EQ(host.ops->query(host.device, &call.signature, answer.get()), TN_INVALID_ARGUMENT)
        << size;
  }
  for (const uint32_t size :
       {8u, 16u, 24u, uint32_t{sizeof(tn_answer)}, uint32_t{sizeof(tn_answer)} + 64, UINT32_MAX}) {
    const Sized<tn_answer> answer({}, size);
    ASSERT_EQ(host.ops->query(host.device, &call.signature, answer.get()), TN_OK) << size;
    EXPECT_EQ(answer.get()->struct_size, std::min<uint32_t>(size, sizeof(tn_answer)));
    if (size >= 12) {
      EXPECT_EQ(answer.get()->support, TN_ANSWER_NATIVE) << size;
    }
  }
}

TEST_F(StructSize, OfADevicesFacts) {
  for (const uint32_t size : {0u, 4u, 7u}) {
    const Sized<tn_device_info> info({}, size);
    EXPECT_EQ(host.core->device_info(host.device, info.get()), TN_INVALID_ARGUMENT) << size;
  }
  for (const uint32_t size : {8u, 80u, 104u, uint32_t{sizeof(tn_device_info)},
                              uint32_t{sizeof(tn_device_info)} + 64, UINT32_MAX}) {
    const Sized<tn_device_info> info({}, size);
    ASSERT_EQ(host.core->device_info(host.device, info.get()), TN_OK) << size;
    EXPECT_EQ(info.get()->struct_size, std::min<uint32_t>(size, sizeof(tn_device_info)));
    EXPECT_EQ(info.get()->flags, host.info.flags) << size;
  }
}

// ---- what is handed over before there is a device ----

struct Services {
  tn_host table{};
  std::string error;

  Services() {
    table.struct_size = sizeof table;
    table.abi_major = TN_ABI_MAJOR;
    table.abi_minor = TN_ABI_MINOR;
    table.context = this;
    table.set_error = [](void* self, const char* text, uint64_t size) {
      static_cast<Services*>(self)->error.assign(text, size);
    };
    table.log = [](void*, uint32_t, const char*, uint64_t) {};
    table.config = [](void*, const char*, uint64_t, char*, uint64_t, uint64_t*) -> tn_status {
      return TN_UNSUPPORTED;
    };
    table.parallel_for = [](void*, int64_t count, int64_t, tn_range_fn fn, void* context) {
      fn(context, 0, count);
    };
    table.thread_count = [](void*) { return uint32_t{1}; };
    table.next_interface = [](void*, const char*, uint64_t, const void**) -> tn_status {
      return TN_UNSUPPORTED;
    };
  }
};

constexpr tn_host_version kVersion{
    sizeof(tn_host_version), 0, TN_ABI_MAJOR, TN_ABI_MAJOR, TN_ABI_MINOR, 0};

tn_plugin_descriptor card_of_device() {
  tn_plugin_descriptor card{};
  card.descriptor_size = sizeof card;
  EXPECT_EQ(load_entry(device_under_test())(&kVersion, &card), TN_OK);
  return card;
}

TEST(EntrySize, OfTheHost) {
  const tn_plugin_descriptor card = card_of_device();
  Services services;
  for (const uint32_t size : sizes_below(TN_MIN_HOST)) {
    const Sized<tn_host> given(services.table, size);
    tn_plugin plugin = nullptr;
    EXPECT_EQ(card.open(given.get(), &plugin), TN_INVALID_ARGUMENT) << size;
  }
  for (const uint32_t size : sizes_from(TN_MIN_HOST, sizeof(tn_host))) {
    const Sized<tn_host> given(services.table, size);
    tn_plugin plugin = nullptr;
    ASSERT_EQ(card.open(given.get(), &plugin), TN_OK) << size << ": " << services.error;
    const void* table = nullptr;
    uint32_t count = 0;
    ASSERT_EQ(card.get_interface(plugin, TN_CORE, 4, &table), TN_OK);
    const auto* core = static_cast<const tn_core*>(table);
    EXPECT_EQ(core->device_count(plugin, &count), TN_OK);
    EXPECT_GE(count, 1u);
    core->close(plugin);
  }
}

// Pure: it may look at the version or leave it to the host, and must not run past it.
TEST(EntrySize, OfTheVersion) {
  const tn_plugin_entry_fn entry = load_entry(device_under_test());
  for (const uint32_t size : {0u, 8u, 16u, 23u, 24u, 88u, UINT32_MAX}) {
    const Sized<tn_host_version> given(kVersion, size);
    tn_plugin_descriptor card{};
    card.descriptor_size = sizeof card;
    const tn_status status = entry(given.get(), &card);
    if (size >= TN_MIN_HOST_VERSION) {
      EXPECT_EQ(status, TN_OK) << size;
    } else {
      EXPECT_TRUE(status == TN_OK || status == TN_INVALID_ARGUMENT) << size << ": " << status;
    }
  }
}

// The card has its size elsewhere, behind the magic number.
TEST(EntrySize, OfTheDescriptor) {
  const tn_plugin_entry_fn entry = load_entry(device_under_test());
  constexpr auto kNow = static_cast<uint32_t>(sizeof(tn_plugin_descriptor));
  for (const uint32_t size : {0u, 16u, 31u, 32u, 40u, kNow, kNow + 64, UINT32_MAX}) {
    const size_t room = size > kNow + 64 ? kNow : std::max<size_t>(16, size / 8 * 8);
    const Guarded memory(room);
    auto* card = reinterpret_cast<tn_plugin_descriptor*>(memory.begin());
    std::memset(memory.begin(), 0xee, room);
    card->descriptor_size = size;
    if (size < TN_MIN_DESCRIPTOR) {
      EXPECT_EQ(entry(&kVersion, card), TN_INVALID_ARGUMENT) << size;
      continue;
    }
    ASSERT_EQ(entry(&kVersion, card), TN_OK) << size;
    EXPECT_EQ(card->descriptor_size, std::min(size, kNow));
    EXPECT_EQ(card->magic, TN_MAGIC);
    if (size > kNow && size != UINT32_MAX) {
      EXPECT_EQ(memory.begin()[kNow], std::byte{0xee});
    }
  }
}

}  // namespace
}  // namespace tenon::plugin_test
