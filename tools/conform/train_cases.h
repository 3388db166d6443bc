// The families of the level "train": through the runtime, on the plugin's device and on the
// oracle's.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <tenon/tenon.h>

#include "case.h"

namespace tenon::conform {

void add_gradient_cases(Cases& cases);   // ops: results and gradients
void add_optimizer_cases(Cases& cases);  // steps
void add_network_cases(Cases& cases);    // small networks to a loss

template <class... Parts>
std::string train_name(const Parts&... parts) {
  std::string name = "train";
  ((name += '/', name += parts), ...);
  return name;
}

// What a piece of work left behind, by name.
using Numbers = std::vector<std::pair<std::string, std::vector<float>>>;
void keep(Numbers& numbers, const std::string& name, const Tensor& tensor);

// Runs the work with the plugin's device as the default device, then with the oracle's; both must
// leave the same numbers, up to `relative` of each and of the greatest of its tensor.
// Answers the plugin's.
Numbers compare_devices(Context& context, double relative,
                        const std::function<Numbers(const Device&)>& work);

[[nodiscard]] std::string sizes_name(const Shape& sizes);  // "2x3"
// The same numbers on whatever device: made on the host, then sent.
[[nodiscard]] Tensor reals(const std::string& seed, const Shape& sizes, double low = -1,
                           double high = 1);
[[nodiscard]] Tensor classes(const std::string& seed, const Shape& sizes, int64_t count);
// Sets every parameter to numbers that depend on its name alone, and sends the module.
void fill_and_send(nn::Module& module, const Device& device);

}  // namespace tenon::conform
