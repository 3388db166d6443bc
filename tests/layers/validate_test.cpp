// TENON_LAYERS=validate: each broken rule has its words.
#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include <tenon/runtime/loader/plugin.h>
#include <tenon/tenon.h>

#include "layers/child.h"

namespace tenon::layers_test {
namespace {

using testing::HasSubstr;

// The plugin's tables as the runtime sees them, a device and a stream.
struct Bare {
  Bare() : plugin(require_plugin(device_under_test())), core(plugin.core), ops(plugin.ops) {
    must(core.device_open(plugin.handle, 0, &device));
    info.struct_size = sizeof info;
    must(core.device_info(device, &info));
    must(core.stream_create(device, &stream));
    must(core.buffer_alloc(device, 256, &buffer));
    tensor.struct_size = sizeof tensor;
    tensor.buffer = buffer;
    tensor.dtype = TN_DTYPE_F32;
    tensor.rank = 1;
    tensor.shape[0] = 16;
    tensor.strides[0] = 1;
    signature.struct_size = sizeof signature;
    signature.op = TN_OP_FILL;
    signature.op_size = 4;
    signature.op_version = 1;
    signature.output_count = signature.operand_count = 1;
    signature.classes = &word;
    signature.operands = &operand;
    must(ops.prepare(device, &signature, &kernel));
  }
  void must(tn_status status) const {
    if (status != TN_OK) throw std::runtime_error(std::to_string(status) + take_plugin_error());
  }
  tn_status launch() {
    const uint64_t value = 0x3ff0000000000000u;
    return ops.launch(stream, kernel, &operand, &value, nullptr, 1);
  }

  const Plugin& plugin;
  const tn_core& core;
  const tn_ops& ops;
  tn_device device = nullptr;
  tn_stream stream = nullptr;
  tn_buffer buffer = nullptr;
  tn_kernel kernel = nullptr;
  tn_device_info info{};
  tn_tensor tensor{};
  const tn_tensor* operand = &tensor;
  uint64_t word = TN_CLASS(TN_DTYPE_F32, 1, TN_LAYOUT_CONTIGUOUS, 6);
  tn_signature signature{};
};

struct Broken {
  const char* what;
  tn_status (*act)(Bare& bare);
  const char* words;
};

void PrintTo(const Broken& row, std::ostream* out) { *out << row.what; }

char bytes[512];

const Broken kBroken[] = {
    {"UseAfterFree",
     [](Bare& b) {
       b.core.buffer_free(b.buffer);
       return b.core.upload(b.stream, b.buffer, 0, bytes, 16, 0);
     },
     "upload: use after free: the buffer was released before"},
    {"LaunchOnFreedMemory",
     [](Bare& b) {
       b.core.buffer_free(b.buffer);
       return b.launch();
     },
     "launch: fill, output 0: use after free: the buffer was released before"},
    {"ReleasedKernel",
     [](Bare& b) {
       b.ops.kernel_release(b.kernel);
       return b.launch();
     },
     "launch: use after free: the kernel was released before"},
    {"DestroyedStream",
     [](Bare& b) {
       b.core.stream_destroy(b.stream);
       return b.launch();
     },
     "launch: use after free: the stream was released before"},
    {"NullStream", [](Bare& b) { return b.core.download(nullptr, b.buffer, 0, bytes, 4); },
     "download: the stream is NULL"},
    {"StrangeBuffer",
     [](Bare& b) {
       return b.core.download(b.stream, reinterpret_cast<tn_buffer>(&b), 0, bytes, 4);
     },
     "download: no buffer of this plugin has that handle"},
    {"CopyBeyondTheEnd",
     [](Bare& b) { return b.core.upload(b.stream, b.buffer, 250, bytes, 16, 0); },
     "upload: bytes 250 to 266 are beyond the buffer of 256"},
    {"UnknownUploadFlag",
     [](Bare& b) { return b.core.upload(b.stream, b.buffer, 0, bytes, 16, 0x10000); },
     "upload: the flags are not of this ABI"},
    {"OperandBeyondTheEnd",
     [](Bare& b) {
       b.tensor.offset_bytes = 208;
       return b.launch();
     },
     "launch: fill, output 0: its last element lies beyond the buffer of 256 bytes (offset 208, "
     "16"},
    {"ShapeThatOverflows",
     [](Bare& b) {
       b.tensor.shape[0] = INT64_MAX;
       return b.launch();
     },
     "its last element lies beyond the buffer"},
    {"NegativeStride",
     [](Bare& b) {
       b.tensor.strides[0] = -1;
       return b.launch();
     },
     "dimension 0 has extent 16 and stride -1, neither may be negative"},
    {"OtherDtypeThanPrepared",
     [](Bare& b) {
       b.tensor.dtype = TN_DTYPE_I32;
       return b.launch();
     },
     "dtype 5 and rank 1 are not those the kernel was prepared for, 9 and 1"},
    {"OtherLayoutThanPrepared",
     [](Bare& b) {
       b.tensor.strides[0] = 2;
       return b.launch();
     },
     "its kernel was prepared for a dense operand, this is none"},
    {"ShortTensor",
     [](Bare& b) {
       b.tensor.struct_size = 64;
       return b.launch();
     },
     "struct_size is 64, at least 160 is expected"},
    {"ShortSignature",
     [](Bare& b) {
       b.signature.struct_size = 16;
       tn_kernel kernel = nullptr;
       return b.ops.prepare(b.device, &b.signature, &kernel);
     },
     "prepare: the signature's struct_size must be 72 at least"},
    {"ProgramThatIsNone",
     [](Bare& b) {
       b.signature.op = TN_OP_PROGRAM;
       b.signature.op_size = 7;
       tn_kernel kernel = nullptr;
       return b.ops.prepare(b.device, &b.signature, &kernel);
     },
     "a program is given for \"program\", and for nothing else"},
    {"EventOfNoStream", [](Bare& b) { return b.core.event_wait(b.stream, 1'000'000, 0); },
     "event_wait: wrong stream: the value 1000000 was never recorded on this stream"},
    {"EventOfAnotherStream",
     [](Bare& b) {
       tn_stream other = nullptr;
       uint64_t value = 0;
       b.must(b.core.stream_create(b.device, &other));
       b.must(b.core.event_record(b.stream, &value));
       return b.core.stream_wait(b.stream, other, value + 1'000'000);
     },
     "stream_wait: wrong stream: the value"},
};

class Validate : public testing::TestWithParam<Broken> {};

TEST_P(Validate, NamesTheBrokenRule) {
  const Broken& row = GetParam();
  const int status = run_with_layers("validate", [&row] {
    Bare bare;
    EXPECT_EQ(row.act(bare), TN_INVALID_ARGUMENT);
    const std::string text = take_plugin_error();
    EXPECT_THAT(text, testing::StartsWith("validate: "));
    EXPECT_THAT(text, HasSubstr(row.words));
  });
  EXPECT_EQ(status, 0);
}

INSTANTIATE_TEST_SUITE_P(Rules, Validate, testing::ValuesIn(kBroken),
                         [](const auto& item) { return std::string(item.param.what); });

TEST(ValidateRelease, ASecondFreeIsLoggedAndKeptFromThePlugin) {
  EXPECT_EQ(run_with_layers("validate",
                            [] {
                              Bare bare;
                              testing::internal::CaptureStderr();
                              bare.core.buffer_free(bare.buffer);
                              bare.core.buffer_free(bare.buffer);
                              EXPECT_THAT(testing::internal::GetCapturedStderr(),
                                          HasSubstr("buffer_free: use after free: the buffer was "
                                                    "released before"));
                            }),
            0);
}

TEST(ValidateRelease, ADeviceOutlivesWhatIsItsOwn) {
  EXPECT_EQ(run_with_layers("validate",
                            [] {
                              Bare bare;
                              testing::internal::CaptureStderr();
                              bare.core.device_close(bare.device);
                              EXPECT_THAT(testing::internal::GetCapturedStderr(),
                                          HasSubstr("device_close: released too early: 1 buffers, "
                                                    "1 streams and 1 kernels are still there"));
                              EXPECT_EQ(bare.launch(), TN_OK);  // so it is still open
                            }),
            0);
}

TEST(ValidateStream, WhatAnotherStreamWroteNeedsAWait) {
  const int status = run_with_layers("validate", [] {
    Bare bare;
    tn_stream other = nullptr;
    uint64_t point = 0, tag = 0;
    float value = 0;
    bare.must(bare.core.stream_create(bare.device, &other));
    bare.must(bare.launch());
    bare.must(bare.core.event_record(bare.stream, &point));
    const tn_status hasty = bare.core.download(other, bare.buffer, 0, &value, 4);
    if ((bare.info.flags & TN_DEVICE_ASYNC) == 0) {
      EXPECT_EQ(hasty, TN_OK);  // all is done inside the call: there is nothing to wait for
    } else {
      EXPECT_EQ(hasty, TN_INVALID_ARGUMENT);
      EXPECT_THAT(take_plugin_error(),
                  HasSubstr("wrong stream: download touches bytes 0 to 4 that fill wrote on "
                            "another stream, without a stream_wait between them"));
    }
    EXPECT_EQ(bare.core.download(other, bare.buffer, 64, &value, 4), TN_OK);  // other bytes
    bare.must(bare.core.stream_wait(other, bare.stream, point));
    EXPECT_EQ(bare.core.download(other, bare.buffer, 0, &value, 4), TN_OK);
    bare.must(bare.core.stream_sync(other, &tag));
    EXPECT_EQ(value, 1);
  });
  EXPECT_EQ(status, 0);
}

TEST(ValidateStream, TwoThreadsInOneStreamAreNamed) {
  // The fault layer below makes each sync 50 ms late, so that the other thread finds it inside.
  const int status = run_with_layers("validate,fault:slot=stream_sync:as=delay:repeat=1", [] {
    Bare bare;
    std::atomic<bool> over{false};
    std::atomic<int> named{0};
    const auto look = [&](tn_status answer) {
      if (answer == TN_OK) return;
      EXPECT_THAT(take_plugin_error(), HasSubstr("wrong stream: another thread is inside"));
      ++named;
    };
    std::thread waiter([&] {
      uint64_t tag = 0;
      for (int i = 0; i < 5; ++i) look(bare.core.stream_sync(bare.stream, &tag));
      over = true;
    });
    uint64_t value = 0;
    while (!over) look(bare.core.event_record(bare.stream, &value));
    waiter.join();
    EXPECT_GT(named.load(), 0);
  });
  EXPECT_EQ(status, 0);
}

struct Lie {
  const char* fault;
  const char* words;
};

TEST(ValidateAnswers, APluginThatBreaksTheContractIsNamed) {
  for (const Lie& row :
       {Lie{"slot=device_open:as=null",
            "breaks the contract of device_open: OK with a NULL device"},
        Lie{"slot=stream_create:as=null", "stream_create: OK with a NULL stream"},
        Lie{"slot=prepare:as=null", "prepare: OK with a NULL kernel"},
        Lie{"slot=launch:as=garbage", "answers launch with the unknown status 77"}}) {
    const int status = run_with_layers(std::string("validate,fault:") + row.fault, [&row] {
      try {
        const Tensor x = ones({4}).to(Device(device_under_test()));
        const Tensor y = x + x;
        synchronize(x.device());
        FAIL() << row.fault << " was not seen";
      } catch (const Error& e) {
        EXPECT_THAT(e.what(), HasSubstr(row.words));
      }
    });
    EXPECT_EQ(status, 0) << row.fault;
  }
}

}  // namespace
}  // namespace tenon::layers_test
