#include <cmath>

#include "train_cases.h"

namespace tenon::conform {

void add_train_cases(Cases& cases) {
  add_gradient_cases(cases);
  add_optimizer_cases(cases);
  add_network_cases(cases);
}

void keep(Numbers& numbers, const std::string& name, const Tensor& tensor) {
  numbers.emplace_back(name, tensor.detach().cpu().to_vector<float>());
}

std::string sizes_name(const Shape& sizes) {
  std::vector<int64_t> extents;
  for (int64_t d = 0; d < sizes.rank(); ++d) extents.push_back(sizes[d]);
  return shape_name(extents);
}

Tensor reals(const std::string& seed, const Shape& sizes, double low, double high) {
  Random random(seed);
  std::vector<float> values(static_cast<size_t>(sizes.numel()));
  for (float& x : values) x = static_cast<float>(random.real(low, high));
  return tensor(std::span<const float>(values), sizes, Device("cpu")).to(default_device());
}

Tensor classes(const std::string& seed, const Shape& sizes, int64_t count) {
  Random random(seed);
  std::vector<int64_t> values(static_cast<size_t>(sizes.numel()));
  for (int64_t& x : values) x = random.below(count);
  return tensor(std::span<const int64_t>(values), sizes, Device("cpu")).to(default_device());
}

void fill_and_send(nn::Module& module, const Device& device) {
  module.to(device);
  const NoGradGuard no_grad;
  for (auto& [name, parameter] : module.named_parameters()) {
    const Shape sizes = parameter.sizes();
    const bool vector = sizes.rank() == 1;
    const double fan_in = vector ? 1 : static_cast<double>(sizes.slice(1, sizes.rank()).numel());
    const double bound = vector ? 0.1 : 1 / std::sqrt(fan_in);
    const double middle = vector && name.ends_with("weight") ? 1 : 0;  // a gain
    Tensor target = parameter;
    target.copy_(reals(name, sizes, middle - bound, middle + bound));
  }
}

namespace {

std::string device_name(const PluginHost& host) { return {host.card.name, host.card.name_size}; }

// The device, as the default one, for the time of the scope.
class Default {
 public:
  explicit Default(const Device& device) : before_(default_device()) { set_default_device(device); }
  ~Default() { set_default_device(before_); }
  Default(const Default&) = delete;
  Default& operator=(const Default&) = delete;

 private:
  Device before_;
};

Numbers run_on(const Device& device, const std::function<Numbers(const Device&)>& work) {
  const Default chosen(device);
  manual_seed(1234);
  return work(device);
}

void compare(const std::string& name, const std::vector<float>& got,
             const std::vector<float>& expected, double relative) {
  require(got.size() == expected.size(), name + ": other sizes");
  double greatest = 0;
  for (const float x : expected) greatest = std::max(greatest, std::fabs(double{x}));
  for (size_t i = 0; i < got.size(); ++i) {
    const double a = expected[i], b = got[i];
    const bool same = std::isnan(a) ? std::isnan(b)
                                    : a == b || std::fabs(a - b) <= relative * std::fabs(a) +
                                                                        0.1 * relative * greatest;
    require(same, name + ", element " + std::to_string(i) + " of " + std::to_string(got.size()) +
                      ": expected " + std::to_string(a) + ", got " + std::to_string(b));
  }
}

}  // namespace

Numbers compare_devices(Context& context, double relative,
                        const std::function<Numbers(const Device&)>& work) {
  const std::string name = device_name(context.subject());
  // A device cannot stand beside itself: the oracle is compared with the host's own.
  const std::string other = name == "reference" ? "cpu" : "reference";
  const Device subject(name + ":" + std::to_string(context.target().device_index));
  const Numbers got = run_on(subject, work);
  const Numbers expected = run_on(Device(other), work);
  require(got.size() == expected.size() && !got.empty(), "the devices left different things");
  for (size_t i = 0; i < got.size(); ++i) {
    require(got[i].first == expected[i].first, "the devices left different things");
    compare(got[i].first, got[i].second, expected[i].second, relative);
  }
  return got;
}

}  // namespace tenon::conform
