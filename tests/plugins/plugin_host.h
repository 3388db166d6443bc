// A small host over the bare ABI, for tests of any plugin: dlopen, services that record what they
// are given, and operators run on tensors that travel by upload and download alone.
#ifndef TENON_TESTS_PLUGINS_PLUGIN_HOST_H
#define TENON_TESTS_PLUGINS_PLUGIN_HOST_H

#include <tenon/api/device_plugin.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace tenon::plugin_test {

// TENON_DEVICE when it is one plain name, else opaque.
std::string device_under_test();

tn_plugin_entry_fn load_entry(const std::string& name);

class PluginHost {
 public:
  using Config = std::map<std::string, std::string>;

  explicit PluginHost(const std::string& name, Config config = {}, uint32_t device_index = 0);
  ~PluginHost();
  PluginHost(const PluginHost&) = delete;
  PluginHost& operator=(const PluginHost&) = delete;

  // Throws std::runtime_error with the error text unless status is OK.
  void must(tn_status status) const;

  const tn_core* core = nullptr;
  const tn_ops* ops = nullptr;
  tn_plugin plugin = nullptr;
  tn_device device = nullptr;
  tn_stream stream = nullptr;
  tn_device_info info{};
  std::string error;  // the last text of set_error

 private:
  void fill_services();
  void close();

  Config config_;
  tn_host host_{};
};

// A tensor as the host sees it: the bytes of its whole buffer, and where the elements lie.
struct Array {
  uint32_t dtype = TN_DTYPE_F32;
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;  // in elements
  int64_t offset = 0;            // in elements
  std::vector<std::byte> bytes;

  [[nodiscard]] int64_t count() const;
  [[nodiscard]] std::byte* at(int64_t i);  // element i in row-major order
  [[nodiscard]] const std::byte* at(int64_t i) const;
  // Element i; floats of 16 bits are decoded.
  [[nodiscard]] double real(int64_t i) const;
  [[nodiscard]] int64_t whole(int64_t i) const;
  // Stores a value, rounded or wrapped to the dtype.
  void set_real(int64_t i, double value);
  void set_whole(int64_t i, int64_t value);
};

// Dense, filled with 0xA5.
Array dense(uint32_t dtype, std::vector<int64_t> shape);
// With these strides and offset, in a buffer that is as large as it must be; filled with 0xA5.
Array strided(uint32_t dtype, std::vector<int64_t> shape, std::vector<int64_t> strides,
              int64_t offset);
Array of_reals(uint32_t dtype, std::vector<int64_t> shape, const std::vector<double>& values);
Array of_wholes(uint32_t dtype, std::vector<int64_t> shape, const std::vector<int64_t>& values);

bool is_float(uint32_t dtype);
int64_t dtype_size(uint32_t dtype);
const char* dtype_name(uint32_t dtype);

// Words of a program under construction.
struct ProgramText {
  uint32_t inputs = 0;
  std::vector<uint32_t> scalar_dtypes = {};
  std::vector<uint32_t> words = {};
  std::vector<uint32_t> outputs = {};
  uint32_t tail = 0;
  uint32_t tail_dims = 0;

  // Appends an instruction, returns its value number.
  uint32_t add(uint32_t opcode, uint32_t dtype, uint32_t a = 0, uint32_t b = 0, uint32_t c = 0);
  [[nodiscard]] tn_program view() const;
};

struct Call {
  std::string op;
  std::vector<Array> outputs;
  std::vector<Array> inputs;
  std::vector<int64_t> attributes;
  std::vector<uint64_t> scalars;
  const ProgramText* program = nullptr;
};

struct Outcome {
  tn_status status = TN_OK;  // of the first step that failed
  std::string text;
  uint64_t failed_tag = 0;
  std::vector<Array> outputs;
};

// Query, prepare, upload, launch with tag 7, sync, download. `outputs` come back also after a
// failure at sync.
Outcome run(PluginHost& host, const Call& call);

uint64_t slot(double value);
uint64_t slot(int64_t value);

// Distance in units of the last place of `dtype`; NaN is 0 away from NaN, else very far.
int64_t ulp_distance(uint32_t dtype, double a, double b);

}  // namespace tenon::plugin_test

#endif
