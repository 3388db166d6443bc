#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include <tenon/runtime/device.h>

namespace tenon {
namespace {

using testing::HasSubstr;

TEST(Device, IsHostMemoryByDefault) {
  EXPECT_EQ(Device().str(), "cpu");
  EXPECT_TRUE(Device().is_cpu());
  EXPECT_EQ(Device("cpu:0"), Device());
}

TEST(Device, ReadsTypeAndIndex) {
  const Device device("cuda:12");
  EXPECT_EQ(device.type(), "cuda");
  EXPECT_EQ(device.index(), 12);
  EXPECT_EQ(device.str(), "cuda:12");
  EXPECT_EQ(Device("my_device2").str(), "my_device2:0");
  EXPECT_EQ(Device("cuda", 3), Device("cuda:3"));
  EXPECT_FALSE(Device("cuda:1") == Device("cuda"));
  EXPECT_FALSE(Device("cuda").is_cpu());
}

TEST(Device, RefusesOtherSpellings) {
  const std::string long_name(33, 'a');
  for (const std::string& spec :
       {std::string(), std::string("CPU"), std::string("cuda:"), std::string(":1"),
        std::string("cuda:-1"), std::string("cuda:1 "), std::string("cuda:+1"),
        std::string("cu da"), std::string("cuda:99999999999999999999"), std::string("../cpu"),
        long_name}) {
    try {
      static_cast<void>(Device(spec));
      ADD_FAILURE() << "\"" << spec << "\" was taken";
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kInvalidArgument);
      EXPECT_THAT(e.what(), HasSubstr("such as cpu or cuda:1"));
    }
  }
  EXPECT_THROW(Device("cuda", -1), Error);
}

TEST(Device, NamesAreInternedFromAnyThread) {
  std::vector<std::thread> threads;
  const Device expected("some_device:1");
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&expected] {
      for (int i = 0; i < 1000; ++i) {
        EXPECT_EQ(Device("some_device:1"), expected);
        static_cast<void>(Device("device_" + std::to_string(i)));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(Devices, HostMemoryIsAlwaysThere) {
  EXPECT_EQ(device_count("cpu"), 1);
  EXPECT_EQ(device_count("nosuchthing"), 0);
  EXPECT_EQ(device_count("../etc"), 0);
  const std::vector<Device> devices = all_devices();
  EXPECT_EQ(devices.front(), Device());
  EXPECT_EQ(std::count(devices.begin(), devices.end(), Device()), 1);
}

TEST(DefaultDevice, MayBeSetToWhatExists) {
  const Device before = default_device();
  try {
    set_default_device("nosuchthing");
    ADD_FAILURE();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kDevice);
    EXPECT_THAT(e.what(), HasSubstr("unknown device nosuchthing"));
    EXPECT_THAT(e.what(), HasSubstr("searched for plugins:"));
  }
  EXPECT_EQ(default_device(), before);
  set_default_device("cpu");
  EXPECT_EQ(default_device(), Device("cpu"));
  set_default_device(before);
  EXPECT_EQ(default_device(), before);
}

}  // namespace
}  // namespace tenon
