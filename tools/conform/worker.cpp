// The helper process: one line for each thing that happens, on descriptor 3.
#include <fcntl.h>
#include <fnmatch.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "run.h"
#include "slots.h"

namespace tenon::conform {

std::vector<size_t> select(const Cases& cases, const Selection& selection) {
  std::vector<size_t> chosen;
  const auto is_below = [](const std::string& name, const std::string& folder) {
    return name == folder || (name.starts_with(folder) && name[folder.size()] == '/');
  };
  for (size_t i = 0; i < cases.size(); ++i) {
    const std::string& name = cases[i].name;
    const auto& levels = selection.levels;
    const bool level =
        levels.empty() || std::any_of(levels.begin(), levels.end(),
                                      [&](const std::string& l) { return is_below(name, l); });
    const bool fits = selection.filter.empty() || is_below(name, selection.filter) ||
                      fnmatch(selection.filter.c_str(), name.c_str(), 0) == 0;
    if (level && fits) chosen.push_back(i);
  }
  return chosen;
}

namespace {

constexpr int kReport = 3;

void report(const Json& line) {
  const std::string text =
      line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  [[maybe_unused]] const ssize_t written = ::write(kReport, text.data(), text.size());
}

Json slots_json(const FunctionCount& n) {
  return {{"functions", n.functions()}, {"entry", n.entry}, {"core", n.core}, {"ops", n.ops}};
}

void report_facts(const Target& target) {
  Context context(target);
  const PluginHost& host = context.subject();
  const auto text = [](const char* data, uint64_t size) {
    return data == nullptr ? std::string() : std::string(data, std::min<uint64_t>(size, 200));
  };
  std::vector<std::string> dtypes;
  for (const uint32_t dtype : kDtypes) {
    if (host.computes(dtype)) dtypes.emplace_back(dtype_name(dtype));
  }
  const tn_device_info& info = host.info;
  Json least = slots_json(least_functions());
  least["operators"] = least_functions().operators;
  report({{"name", text(host.card.name, host.card.name_size)},
          {"version", text(host.card.version, host.card.version_size)},
          {"vendor", text(host.card.vendor, host.card.vendor_size)},
          {"abi", "0." + std::to_string(host.card.abi_major)},
          {"device", std::string(info.name, strnlen(info.name, sizeof info.name))},
          {"host_memory", (info.flags & TN_DEVICE_HOST_MEMORY) != 0},
          {"async", host.is_async()},
          {"computes", dtypes},
          {"program",
           {{"instructions", info.program_instructions},
            {"inputs", info.program_inputs},
            {"scalars", info.program_scalars},
            {"outputs", info.program_outputs},
            {"tail", info.program_tail != 0}}},
          {"supplies", slots_json(functions_of(*host.core, *host.ops))},
          {"least", least}});
}

Json run_case(Context& context, const Case& test) {
  context.begin(test.name);
  try {
    test.run(context);
    return {{"verdict", "passed"}};
  } catch (const Skip& skip) {
    return {{"verdict", "skipped"}, {"text", skip.what()}};
  } catch (const std::exception& failure) {
    context.forget();
    return {{"verdict", "failed"}, {"text", failure.what()}};
  } catch (...) {
    context.forget();
    return {{"verdict", "failed"}, {"text", "an exception came through the C boundary"}};
  }
}

}  // namespace

int serve(const Work& work) {
  const rlimit no_core = {0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  ::fcntl(kReport, F_SETFD, FD_CLOEXEC);
  if (work.facts) {
    try {
      report_facts(work.order.target);
    } catch (const std::exception& failure) {
      report({{"error", failure.what()}});
    }
    return 0;
  }
  const Cases cases = all_cases();
  const std::vector<size_t> chosen = select(cases, work.order.selection);
  {
    Context context(work.order.target);
    for (size_t i = work.first; i < chosen.size(); ++i) {
      report({{"begin", i}});
      Json line = run_case(context, cases[chosen[i]]);
      line["end"] = i;
      report(line);
    }
    report({{"closing", true}});
  }
  report({{"done", true}});
  return 0;
}

}  // namespace tenon::conform
