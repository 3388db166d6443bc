// The file of TENON_LAYERS=trace: its format, checked event by event, and what it tells.
#include <gmock/gmock.h>

#include <fstream>
#include <map>
#include <set>

#include <nlohmann/json.hpp>

#include <tenon/runtime/layers/trace.h>
#include <tenon/tenon.h>

#include "layers/child.h"
#include "layers/trace_schema.h"

namespace tenon::layers_test {
namespace {

Json read_trace(const std::string& path) {
  std::ifstream file(path);
  Json document = Json::parse(file);
  EXPECT_EQ(document.value("displayTimeUnit", ""), "ns");
  return document.at("traceEvents");
}

void train_a_little() {
  const Device device(device_under_test());
  manual_seed(1);
  const Tensor x = rand({8, 5}).to(device), y = rand({8, 2}).to(device);
  nn::Linear net(5, 2);
  net.to(device);
  optim::SGD sgd(net.parameters(), {.lr = 0.1});
  for (int step = 0; step < 3; ++step) {
    const TraceScope outer("step");
    Tensor loss;
    {
      const TraceScope inner("forward \"quoted\"\n");
      loss = mse_loss(net(x - 0.5), y);
    }
    sgd.zero_grad();
    loss.backward();
    sgd.step();
  }
  synchronize(device);
}

// Each test has its own file and reads it in its own process.
void traced(const std::string& options, const std::function<void(const Json&)>& look) {
  const std::string path =
      testing::TempDir() + "tenon_trace_test." + std::to_string(::getpid()) + ".json";
  const int status = run_with_layers("trace:file=" + path + options, [&] {
    train_a_little();
    flush_trace();
    look(read_trace(path));
  });
  EXPECT_EQ(status, 0);
  ::unlink(path.c_str());
}

TEST(Trace, EveryEventHasTheFormat) {
  traced("", [](const Json& events) {
    EXPECT_GT(events.size(), 50u);
    for (const Json& event : events) EXPECT_EQ(event_problem(event), "") << event;
  });
}

TEST(Trace, TheSchemaCheckCanFail) {
  EXPECT_NE(event_problem(Json::parse(R"({"name":"x","ph":"X","pid":1,"tid":1,"args":{}})")), "");
  EXPECT_NE(event_problem(Json::parse(
                R"({"name":"x","ph":"X","pid":1,"tid":1,"ts":1,"dur":1,"cat":"op","args":{}})")),
            "");
}

TEST(Trace, NamesTheUsersOpsWithShapesAndScopes) {
  traced("", [](const Json& events) {
    std::set<std::string> ops, kernels, scopes;
    bool has_product = false;
    for (const Json& event : events) {
      if (event.value("cat", "") != "op") continue;
      ops.insert(event["name"]);
      kernels.insert(event["args"]["kernel"]);
      scopes.insert(event["args"].value("scope", ""));
      const Json& shapes = event["args"]["shapes"];
      has_product = has_product || (shapes.size() >= 3 && shapes[0] == Json({8, 2}));
    }
    EXPECT_THAT(kernels, testing::Contains("program"));
    EXPECT_EQ(ops.count("program"), 0u) << "a pointwise op goes by its own name";
    EXPECT_THAT(ops, testing::Contains("sub"));
    EXPECT_THAT(scopes, testing::Contains("step"));
    EXPECT_THAT(scopes, testing::Contains("step/forward \"quoted\"\n"));
    EXPECT_TRUE(has_product) << "of (8,5) and (5,2)";
  });
}

TEST(Trace, ScopesHoldTheOpsInside) {
  traced("", [](const Json& events) {
    int steps = 0;
    for (const Json& scope : events) {
      if (scope.value("cat", "") != "scope" || scope["name"] != "step") continue;
      ++steps;
      const double begin = scope["ts"], end = begin + scope["dur"].get<double>();
      double inside = 0;
      for (const Json& event : events) {
        const bool host = event["pid"] == scope["pid"] && event["tid"] == scope["tid"];
        if (!host || event.value("cat", "") != "op") continue;
        if (event["ts"] >= begin && event["ts"] < end) inside += event["dur"].get<double>();
      }
      EXPECT_GT(inside, 0);
      EXPECT_LE(inside, scope["dur"]);
    }
    EXPECT_EQ(steps, 3);
  });
}

// Every launch is on the host's track once and on the device's once, there in order.
void expect_device_track(const Json& events) {
  std::map<int64_t, std::string> processes;
  for (const Json& event : events)
    if (event["ph"] == "M" && event["name"] == "process_name")
      processes[event["pid"]] = event["args"]["name"];
  std::map<std::string, int> launches;
  std::map<std::pair<int64_t, int64_t>, double> last_end;
  for (const Json& event : events) {
    if (event.value("cat", "") != "op") continue;
    ++launches[processes.at(event["pid"])];
    if (processes.at(event["pid"]) == "host") continue;
    double& end = last_end[{event["pid"], event["tid"]}];
    EXPECT_GE(event["ts"].get<double>(), end - 0.002) << event;
    end = event["ts"].get<double>() + event["dur"].get<double>();
  }
  EXPECT_GT(launches["host"], 10);
  EXPECT_EQ(launches["device " + device_under_test() + ":0"], launches["host"]);
}

TEST(Trace, EveryLaunchIsOnTheDevicesTrackToo) { traced("", expect_device_track); }
TEST(Trace, WaitingForEachLaunchKeepsTheTracks) { traced(":exact=1", expect_device_track); }

TEST(Trace, AScopeCostsNothingWhenNothingIsTraced) {
  EXPECT_EQ(run_with_layers("",
                            [] {
                              const TraceScope scope("unseen");
                              train_a_little();
                              flush_trace();
                            }),
            0);
}

}  // namespace
}  // namespace tenon::layers_test
