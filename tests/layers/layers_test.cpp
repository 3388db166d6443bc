// What TENON_LAYERS takes, and that layers change nothing.
#include <dlfcn.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include <tenon/runtime/layers/fault.h>
#include <tenon/runtime/loader/plugin.h>
#include <tenon/tenon.h>

#include "layers/child.h"

namespace tenon::layers_test {
namespace {

using testing::HasSubstr;

struct Refused {
  const char* layers;
  const char* reason;
};

constexpr Refused kRefused[] = {
    {"tracer", "unknown layer \"tracer\", expected trace, validate or fault"},
    {"validate,", "unknown layer \"\""},
    {"trace,validate,trace:file=/tmp/x", "trace is named twice"},
    {"validate:strict=1", "validate has no option \"strict\", it takes none"},
    {"trace:name=x", "trace has no option \"name\", known are file, exact"},
    {"trace:file", "expected trace:key=value, got \"file\""},
    {"trace:file=/no/such/folder/x.json", "trace can't write /no/such/folder/x.json: No such file"},
    {"fault:slot=lunch:as=oom", "slot must name a slot such as launch, got \"lunch\""},
    {"fault:slot=launch:as=sulking", "as must be oom, lost, internal"},
    {"fault:slot=launch:as=oom:call=0", "call must be a whole number from 1 on, got \"0\""},
    {"fault:slot=launch:as=null", "launch can't fail as null"},
    {"fault:slot=buffer_free:as=oom", "buffer_free can't fail as oom"},
};

TEST(Layers, AWrongVariableRefusesThePluginAndSaysWhy) {
  for (const Refused& row : kRefused) {
    const int status = run_with_layers(row.layers, [&row] {
      EXPECT_EQ(find_plugin(device_under_test()), nullptr) << row.layers;
      const std::string reason = why_no_plugin(device_under_test());
      EXPECT_THAT(reason, HasSubstr("refused at layers: TENON_LAYERS: "));
      EXPECT_THAT(reason, HasSubstr(row.reason));
    });
    EXPECT_EQ(status, 0) << row.layers;
  }
}

// Ten steps of a small net, as bits.
std::string losses() {
  const Device device(device_under_test());
  manual_seed(5);
  const Tensor x = rand({16, 1, 8, 8}).to(device), y = randint(0, 3, {16}).to(device);
  nn::Sequential net{nn::Conv2d(1, 4, 3), nn::ReLU(), nn::Flatten(), nn::Linear(144, 3)};
  net.to(device);
  optim::SGD sgd(net.parameters(), {.lr = 0.1, .momentum = 0.9});
  std::string bits;
  for (int step = 0; step < 10; ++step) {
    const Tensor loss = cross_entropy(net(x), y);
    sgd.zero_grad();
    loss.backward();
    sgd.step();
    const float value = loss.item<float>();
    bits.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  return bits;
}

std::string losses_with(const std::string& layers) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const int status = run_with_layers(layers, [&ends] {
    const std::string bits = losses();
    EXPECT_EQ(::write(ends[1], bits.data(), bits.size()), static_cast<ssize_t>(bits.size()));
  });
  ::close(ends[1]);
  EXPECT_EQ(status, 0) << layers;
  char bits[64] = {};
  const ssize_t size = ::read(ends[0], bits, sizeof bits);
  ::close(ends[0]);
  return {bits, static_cast<size_t>(std::max<ssize_t>(size, 0))};
}

TEST(Layers, ChangeNoBitOfATraining) {
  const std::string bare = losses_with("");
  ASSERT_EQ(bare.size(), 40u);
  const std::string file = testing::TempDir() + "tenon_layers." + std::to_string(::getpid());
  for (const std::string& layers :
       {std::string("validate"), "trace:file=" + file, "trace:exact=1:file=" + file,
        std::string("fault"), "fault,trace:file=" + file + ",validate"})
    EXPECT_EQ(losses_with(layers), bare) << layers;
  ::unlink(file.c_str());
}

// The file that a function of the tables comes from.
template <class Function>
std::string home_of(Function* function) {
  Dl_info info;
  EXPECT_NE(::dladdr(reinterpret_cast<const void*>(function), &info), 0);
  return std::filesystem::canonical(info.dli_fname).string();
}

TEST(Layers, WithoutTheVariableThePluginsOwnFunctionsAreCalled) {
  EXPECT_EQ(run_with_layers("",
                            [] {
                              const Plugin& plugin = require_plugin(device_under_test());
                              EXPECT_EQ(home_of(plugin.ops.launch), plugin.path);
                              EXPECT_EQ(home_of(plugin.core.upload), plugin.path);
                            }),
            0);
  EXPECT_EQ(run_with_layers("validate",
                            [] {
                              const Plugin& plugin = require_plugin(device_under_test());
                              EXPECT_NE(home_of(plugin.ops.launch), plugin.path);
                            }),
            0);
}

TEST(Layers, EverySlotOfTheTablesIsKnown) {
  EXPECT_EQ(layers::fault_slots().size(), (sizeof(tn_core) - 16 + sizeof(tn_ops) - 16) / 8);
}

}  // namespace
}  // namespace tenon::layers_test
