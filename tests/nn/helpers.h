// What the tests of nn share.
#pragma once

#include <tenon/tenon.h>

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace tenon::test {

// A folder that goes with the test.
class Folder {
 public:
  Folder() {
    std::string pattern = testing::TempDir() + "tenon_nn_XXXXXX";
    path_ = ::mkdtemp(pattern.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::string path() const { return path_; }
  [[nodiscard]] std::string file(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

inline std::vector<double> values(const Tensor& tensor) { return tensor.to_vector<double>(); }

// f32 results against f64 expectations.
inline void expect_close(const std::vector<double>& got, const std::vector<double>& expected,
                         double tolerance = 1e-5) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i)
    EXPECT_NEAR(got[i], expected[i], tolerance * (1 + std::abs(expected[i]))) << "at " << i;
}

// The text of the Error that `action` throws, which must have the code.
inline std::string error_of(ErrorCode code, const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return {};
}

inline void expect_contains(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << "\"" << part << "\" is not in: " << text;
}

inline std::vector<std::string> names(const NamedTensors& tensors) {
  std::vector<std::string> result;
  for (const auto& [name, tensor] : tensors) result.push_back(name);
  return result;
}

// Host values of a float tensor to compute with in loops.
struct Array {
  Shape sizes;
  std::vector<double> data;
  explicit Array(const Tensor& tensor) : sizes(tensor.sizes()), data(values(tensor)) {}
  // 0 outside.
  [[nodiscard]] double at(const std::vector<int64_t>& index) const {
    int64_t offset = 0;
    for (size_t d = 0; d < index.size(); ++d) {
      const int64_t size = sizes[static_cast<int64_t>(d)];
      if (index[d] < 0 || index[d] >= size) return 0;
      offset = offset * size + index[d];
    }
    return data[static_cast<size_t>(offset)];
  }
};

}  // namespace tenon::test
