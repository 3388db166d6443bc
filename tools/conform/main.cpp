// The program tenon-conform, which `tenon conform` starts: is this file a device plugin that keeps
// the promises of the ABI?
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include <tenon/runtime/loader/search.h>

#include "report.h"

namespace tenon::conform {
namespace {

struct Options {
  Work work;
  std::string json;
  double timeout_seconds = 10;
  bool worker = false, list = false;
};

void add_options(CLI::App& app, Options& options) {
  Order& order = options.work.order;
  app.add_option("plugin", order.target.plugin, "The plugin's file")->required();
  app.add_option("--level", order.selection.levels,
                 "load, core, train, async or program; may be repeated (default: all)")
      ->check(CLI::IsMember(std::vector<std::string>(std::begin(kLevels), std::end(kLevels))));
  app.add_option("--filter", order.selection.filter,
                 "Only cases whose name begins so (up to a slash) or matches this shell pattern");
  app.add_option("--json", options.json, "Also write the results to this file; - is stdout");
  app.add_option("--timeout", options.timeout_seconds, "Seconds that one case may take")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  app.add_option("--oracle", order.target.oracle, "The reference plugin (default: the installed)");
  app.add_option("--device-index", order.target.device_index, "Which of the plugin's devices");
  app.add_flag("--list", options.list, "Print the names of the cases, run nothing");
  // What the helper process is told.
  app.add_flag("--worker", options.worker)->group("");
  app.add_flag("--facts", options.work.facts)->group("");
  app.add_option("--first", options.work.first)->group("");
}

std::string own_program() {
  std::error_code failure;
  return std::filesystem::read_symlink("/proc/self/exe", failure).string();
}

// As a shell would find it again.
std::string front_program() {
  const auto front = std::filesystem::path(own_program()).parent_path() / "tenon";
  return std::filesystem::exists(front) ? front.string() : "tenon";
}

std::string real_file(const std::string& path, const char* what) {
  std::error_code failure;
  const auto real = std::filesystem::canonical(path, failure);
  require(!failure, std::string(what) + " " + path + ": " + failure.message());
  return real;
}

void write_json(const Json& document, const std::string& path) {
  const std::string text = document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  if (path == "-") {
    std::fputs(text.c_str(), stdout);
    return;
  }
  std::ofstream stream(path, std::ios::binary);
  stream << text;
  stream.close();
  require(stream.good(), "--json: cannot write " + path);
}

int list_cases(const Selection& selection) {
  const Cases cases = all_cases();
  for (const size_t i : select(cases, selection)) std::printf("%s\n", cases[i].name.c_str());
  return 0;
}

int run(int argc, char** argv) {
  CLI::App app("Tests a device plugin's file against the ABI and the reference plugin.");
  app.name("tenon conform");
  Options options;
  add_options(app, options);
  CLI11_PARSE(app, argc, argv);
  Order& order = options.work.order;
  if (options.worker) return serve(options.work);
  if (options.list) return list_cases(order.selection);
  if (order.target.oracle.empty()) {
    order.target.oracle = search_inputs().runtime_folder + "/tenon/tenon_reference.so";
  }
  order.target.plugin = real_file(order.target.plugin, "plugin");
  order.target.oracle = real_file(order.target.oracle, "the oracle (--oracle)");
  order.timeout = std::chrono::milliseconds(static_cast<int64_t>(options.timeout_seconds * 1000));

  Report report{.order = order, .facts = {}, .results = {}, .program = front_program()};
  report.facts = read_facts(own_program(), order);
  report.results = run_contained(own_program(), order, !report.facts.contains("error"));
  if (options.json != "-") print_report(report);
  if (!options.json.empty()) write_json(report_json(report), options.json);
  return conforms(report) ? 0 : 1;
}

}  // namespace
}  // namespace tenon::conform

int main(int argc, char** argv) {
  try {
    return tenon::conform::run(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "tenon conform: %s\n", e.what());
    return 2;
  }
}
