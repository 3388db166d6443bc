// Prints what a process with raised privileges makes of its environment.
#include <sys/auxv.h>

#include <cstdio>

#include <tenon/runtime/loader/environment.h>
#include <tenon/runtime/loader/plugin.h>

#if defined(__SANITIZE_ADDRESS__)
// LeakSanitizer traces its own process, which nobody may do to one with raised privileges.
extern "C" __attribute__((visibility("default"))) int __lsan_is_turned_off();
extern "C" int __lsan_is_turned_off() { return 1; }
#endif

int main() {
  std::printf("AT_SECURE %lu\n", ::getauxval(AT_SECURE));
  std::printf("TENON_LAYERS \"%s\"\n", tenon::trusted_environment("TENON_LAYERS").c_str());
  std::puts(tenon::load_report().c_str());
}
