#include "../kernel.h"
namespace tenon::vulkan {
std::span<const Operator> random_operators() { return {}; }
std::span<const Operator> reduction_operators() { return {}; }
std::span<const Operator> matmul_operators() { return {}; }
std::span<const Operator> indexing_operators() { return {}; }
std::span<const Operator> ordering_operators() { return {}; }
}
