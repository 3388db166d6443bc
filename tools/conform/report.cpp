#include "report.h"

#include <algorithm>
#include <cstdio>
#include <map>

namespace tenon::conform {
namespace {

constexpr size_t kMostFailures = 20;  // printed; the JSON has all

void add(LevelCount& row, const Result& result) {
  ++row.cases;
  row.seconds += result.seconds;
  switch (result.verdict) {
    case Verdict::kPassed:
      ++row.passed;
      break;
    case Verdict::kFailed:
      ++row.failed;
      break;
    case Verdict::kSkipped:
      ++row.skipped;
      break;
    default:
      ++row.not_run;
  }
}

LevelCount total_of(const std::vector<LevelCount>& rows) {
  LevelCount total;
  total.level = "total";
  for (const LevelCount& row : rows) {
    total.cases += row.cases;
    total.passed += row.passed;
    total.failed += row.failed;
    total.skipped += row.skipped;
    total.not_run += row.not_run;
    total.seconds += row.seconds;
  }
  return total;
}

void print_row(const LevelCount& row) {
  std::printf("%-8s %8zu %8zu %8zu %8zu %8zu %9.2f\n", row.level.c_str(), row.cases, row.passed,
              row.failed, row.skipped, row.not_run, row.seconds);
}

// Most frequent first.
std::vector<std::pair<std::string, size_t>> skip_reasons(const std::vector<Result>& results) {
  std::map<std::string, size_t> counts;
  for (const Result& result : results) {
    if (result.verdict == Verdict::kSkipped) ++counts[result.text];
  }
  std::vector<std::pair<std::string, size_t>> rows(counts.begin(), counts.end());
  std::stable_sort(rows.begin(), rows.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  return rows;
}

std::string rerun(const Report& report, const Result& result) {
  std::string line = report.program + " conform " + report.order.target.plugin;
  if (report.order.target.device_index != 0) {
    line += " --device-index " + std::to_string(report.order.target.device_index);
  }
  return line + " --filter '" + result.name + "'";
}

void print_facts(const Report& report) {
  const Json& f = report.facts;
  if (f.contains("error")) {
    std::printf("%s\n  does not open: %s\n", report.order.target.plugin.c_str(),
                f.at("error").get<std::string>().c_str());
  } else {
    const auto text = [&](const char* key) { return f.at(key).get<std::string>(); };
    std::printf("%s %s (%s), ABI %s: %s\n", text("name").c_str(), text("version").c_str(),
                text("vendor").c_str(), text("abi").c_str(), text("device").c_str());
    std::printf("  plugin    %s\n", report.order.target.plugin.c_str());
    const Json &least = f.at("least"), &has = f.at("supplies");
    std::printf(
        "  functions %u; a minimal plugin supplies %u (%u to be found and opened, %u of \"core\", "
        "%u of \"ops\") and %u operators\n",
        has.at("functions").get<unsigned>(), least.at("functions").get<unsigned>(),
        least.at("entry").get<unsigned>(), least.at("core").get<unsigned>(),
        least.at("ops").get<unsigned>(), least.at("operators").get<unsigned>());
  }
  std::printf("  oracle    %s\n\n", report.order.target.oracle.c_str());
}

void print_failures(const Report& report) {
  size_t printed = 0, failed = 0;
  for (const Result& result : report.results) {
    if (result.verdict != Verdict::kFailed) continue;
    if (++failed > kMostFailures) continue;
    if (printed++ == 0) std::printf("\nfailures:\n");
    std::printf("  %s\n    %s\n    again: %s\n", result.name.c_str(), result.text.c_str(),
                rerun(report, result).c_str());
  }
  if (failed > printed) std::printf("  … and %zu more (--json FILE has all)\n", failed - printed);
}

}  // namespace

std::vector<LevelCount> count_levels(const std::vector<Result>& results) {
  std::vector<LevelCount> rows;
  for (const Result& result : results) {
    const std::string level = result.name.substr(0, result.name.find('/'));
    if (rows.empty() || rows.back().level != level) rows.emplace_back().level = level;
    add(rows.back(), result);
  }
  return rows;
}

bool conforms(const Report& report) {
  const std::vector<LevelCount> rows = count_levels(report.results);
  if (rows.empty()) return false;
  return std::all_of(rows.begin(), rows.end(), [](const LevelCount& row) {
    return row.failed == 0 && row.not_run == 0 && row.passed > 0;
  });
}

void print_report(const Report& report) {
  print_facts(report);
  std::printf("%-8s %8s %8s %8s %8s %8s %9s\n", "level", "cases", "passed", "failed", "skipped",
              "not run", "seconds");
  const std::vector<LevelCount> rows = count_levels(report.results);
  for (const LevelCount& row : rows) print_row(row);
  if (rows.size() > 1) print_row(total_of(rows));
  const auto reasons = skip_reasons(report.results);
  if (!reasons.empty()) std::printf("\nskipped:\n");
  for (const auto& [reason, count] : reasons) std::printf("  %6zu  %s\n", count, reason.c_str());
  print_failures(report);
  if (rows.empty()) std::printf("\nno case has that name\n");
  for (const LevelCount& row : rows) {
    if (row.passed == 0) {
      std::printf("\nlevel %s: nothing passed, which proves nothing\n", row.level.c_str());
    }
  }
  std::printf("\nverdict: %s\n", conforms(report) ? "conforms" : "does not conform");
}

Json report_json(const Report& report) {
  Json levels = Json::array(), skips = Json::array(), failures = Json::array();
  for (const LevelCount& row : count_levels(report.results)) {
    levels.push_back({{"level", row.level},
                      {"cases", row.cases},
                      {"passed", row.passed},
                      {"failed", row.failed},
                      {"skipped", row.skipped},
                      {"not_run", row.not_run},
                      {"seconds", row.seconds}});
  }
  for (const auto& [reason, count] : skip_reasons(report.results)) {
    skips.push_back({{"reason", reason}, {"count", count}});
  }
  for (const Result& result : report.results) {
    if (result.verdict != Verdict::kFailed) continue;
    failures.push_back(
        {{"case", result.name}, {"text", result.text}, {"again", rerun(report, result)}});
  }
  return {{"plugin", report.order.target.plugin},
          {"oracle", report.order.target.oracle},
          {"facts", report.facts},
          {"levels", levels},
          {"skips", skips},
          {"failures", failures},
          {"conforms", conforms(report)}};
}

}  // namespace tenon::conform
