#include <tenon/runtime/loader/environment.h>

#include <sys/auxv.h>

#include <cstdlib>

namespace tenon {
namespace {

constexpr EnvironmentVariable kVariables[] = {
    {"TENON_DEVICE",
     "default device: an ordered list such as cuda:0?,cpu (? = may be absent), or auto", "cpu"},
    {"TENON_PLUGIN_FILES", "plugin files to consider first: absolute paths, separated by colons",
     "none"},
    {"TENON_PLUGIN_PATH", "folders searched for plugins next: absolute paths, separated by colons",
     "none"},
    {"TENON_PROBE",
     "1: a plugin is first tried in a helper process for 8 seconds at most, so that it cannot take "
     "this one down; a larger number: for so many seconds",
     "0"},
    {"TENON_ALLOC",
     "guard: every tensor lies between bands of a known pattern, and a kernel that writes beside "
     "it "
     "is named",
     "the caching allocator"},
    {"TENON_LAYERS",
     "layers around every plugin, outermost first, such as trace:file=step.json,validate or "
     "fault:slot=launch:call=3:as=oom",
     "none"},
    {"TENON_SHADOW",
     "a second device, such as cuda:1: every launch runs there too, and the first that differs "
     "is "
     "an error with a file for tenon replay",
     "none"},
    {"TENON_<PLUGIN>_<KEY>", "configuration key of a plugin, such as TENON_CPU_ISA",
     "the plugin's own default"},
    {"TENON_NUM_THREADS", "threads that compute, the calling one included",
     "one for each processor that the process may use"},
    {"TENON_LOG", "least level that is printed: debug, info, warning or error", "warning"},
    {"XDG_DATA_HOME", "its folder tenon/plugins is searched after TENON_PLUGIN_PATH",
     "~/.local/share"},
};

}  // namespace

std::span<const EnvironmentVariable> environment_variables() { return kVariables; }

std::string trusted_environment(const char* name) {
  const char* value = ::secure_getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

bool has_raised_privileges() { return ::getauxval(AT_SECURE) != 0; }

}  // namespace tenon
