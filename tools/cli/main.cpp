// The program `tenon`: what devices, plugins and ops there are.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include <tenon/runtime/loader/probe.h>

#include "commands.h"

namespace tenon::cli {
namespace {

struct Options {
  bool json = false;
  std::string device;
  std::string file;
  std::string beside;
  double timeout_seconds = 8;

  [[nodiscard]] Format format() const { return json ? Format::kJson : Format::kText; }
};

int run(int argc, char** argv) {
  CLI::App app("Devices, plugins and operators of Tenon");
  app.name("tenon");
  app.set_version_flag("--version", TENON_VERSION);
  app.require_subcommand(1);
  Options options;
  const auto command = [&](const char* name, const char* what) {
    CLI::App* sub = app.add_subcommand(name, what);
    sub->add_flag("--json", options.json, "Print JSON");
    return sub;
  };
  const CLI::App* devices = command("devices", "List every device");
  CLI::App* doctor = command("doctor", "Say what was searched, found and refused, and why");
  doctor->add_option("--timeout", options.timeout_seconds, "Seconds that a plugin may take to open")
      ->check(CLI::Range(0.1, 3600.0));
  CLI::App* ops = command("ops", "List every op");
  ops->add_option("--device", options.device, "Also say how this device computes it");
  BenchOptions bench_options;
  CLI::App* bench =
      app.add_subcommand("bench", "Time the kernels of a device beside what it can do");
  bench->add_option("--device", bench_options.device, "The device; unset: the default one");
  bench->add_option("--filter", bench_options.filter, "Only kernels whose name matches");
  bench->add_option("--json", bench_options.json, "Also write the figures to this file");
  CLI::App* replay = app.add_subcommand("replay", "Run again what TENON_SHADOW found to differ");
  replay->add_option("file", options.file, "tenon_shadow.*.json")->required();
  replay->add_option("--device", options.device, "Instead of the first device that it names");
  replay->add_option("--beside", options.beside, "Instead of the second");
  CLI::App* probe = app.add_subcommand("probe", "Open one plugin file; the helper of doctor");
  probe->group("");  // not in the help
  probe->add_option("file", options.file)->required();
  CLI::App* conform =
      app.add_subcommand("conform", "Test a plugin's file against the ABI and the reference");
  conform->prefix_command();  // the rest is not ours to read, --help included
  conform->set_help_flag();
  CLI11_PARSE(app, argc, argv);

  if (conform->parsed()) run_conform(conform->remaining());
  if (probe->parsed()) return serve_probe(options.file);
  if (bench->parsed()) return run_bench(bench_options);
  if (replay->parsed()) return run_replay(options.file, options.device, options.beside);
  if (devices->parsed()) return run_devices(options.format());
  if (ops->parsed()) return run_ops(options.device, options.format());
  const std::chrono::duration<double> timeout(options.timeout_seconds);
  return run_doctor(options.format(),
                    std::chrono::duration_cast<std::chrono::milliseconds>(timeout));
}

}  // namespace
}  // namespace tenon::cli

int main(int argc, char** argv) {
  try {
    return tenon::cli::run(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "tenon: %s\n", e.what());
    return 1;
  }
}
