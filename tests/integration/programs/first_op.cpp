// The least that a program can do on a device: one op. Prints its result and the most memory held.
#include <sys/resource.h>

#include <cstdio>

#include <tenon/tenon.h>

using namespace tenon;

int main() {
  const Tensor x = ones({16});
  const double sum = (x + x).sum().item<double>();
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("sum %.0f\nresident %ld KiB\n", sum, usage.ru_maxrss);
}
