// The least program: one addition. Prints its greatest memory use in MB.
#include <ATen/ATen.h>

#include "bench.h"

int main() {
  const at::Tensor x = at::ones({16});
  if ((x + x).sum().item<double>() != 32) return 1;
  std::cout << peers::memory_mb("VmHWM") << '\n';
}
