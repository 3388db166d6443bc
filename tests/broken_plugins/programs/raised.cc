// Prints what a process with raised privileges makes of its environment.
#include <sys/auxv.h>

#include <cstdio>

#include <tenon/runtime/loader/environment.h>
#include <tenon/runtime/loader/plugin.h>

int main() {
  std::printf("AT_SECURE %lu\n", ::getauxval(AT_SECURE));
  std::printf("TENON_LAYERS \"%s\"\n", tenon::trusted_environment("TENON_LAYERS").c_str());
  std::puts(tenon::load_report().c_str());
}
