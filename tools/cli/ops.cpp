#include <fmt/core.h>

#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include <tenon/runtime/device_context.h>
#include <tenon/runtime/dispatch/operator.h>

#include "commands.h"
#include "facts.h"
#include "operator_query.h"

namespace tenon::cli {
namespace {

struct Row {
  const Op* op;
  std::string_view kind;  // "view", "pointwise", "kernel", "composite"
  std::string support;    // "native", "composed", "view", "no"; "" without a device
  std::string reason;
};

std::string_view kind_of(const Op& op) {
  if (op.has(kView)) return "view";
  if (op.spec().emit != nullptr) return "pointwise";
  return op.spec().infer != nullptr && !op.has(kComposite) ? "kernel" : "composite";
}

// The doc's first sentence, on one line.
std::string summary_of(std::string_view doc) {
  std::string text;
  for (size_t i = 0; i < doc.size(); ++i) {
    const bool line_end = doc[i] == '\n';
    const bool period = i > 1 && doc[i - 1] == '.' && doc[i - 2] != '.';  // no ellipsis
    const bool stop = period || (i > 0 && doc[i - 1] == '\n');
    if (stop && (line_end || doc[i] == ' ')) break;
    if (line_end || doc[i] != ' ' || !text.ends_with(' ')) text += line_end ? ' ' : doc[i];
  }
  while (text.ends_with(' ')) text.pop_back();
  return text;
}

// How the device computes the op in float32: by a kernel of that name, as a pointwise program, or
// as a composition of other ops on the same device.
void ask_device(Row& row, const OperatorQuery& query) {
  if (row.kind == "view") {
    row.support = "view";
    row.reason = "shares memory, computes nothing";
  } else if (row.kind == "composite") {
    row.support = "composed";
  } else {
    const bool pointwise = row.kind == "pointwise";
    const Answer answer = query.ask(pointwise ? TN_OP_PROGRAM : row.op->kernel());
    const bool native = answer.support.starts_with("native");
    const bool composed = !native && row.op->spec().decompose != nullptr;
    row.support = native ? answer.support : composed ? "composed" : "no";
    row.reason = pointwise && native ? "a pointwise program" : answer.reason;
  }
}

std::vector<Row> list_ops(const OperatorQuery* query) {
  std::vector<Row> rows;
  for (const Op* op : all_ops()) {
    if (op->has(kPrimitive)) continue;
    Row row{op, kind_of(*op), {}, {}};
    if (query != nullptr) ask_device(row, *query);
    rows.push_back(std::move(row));
  }
  return rows;
}

void print_ops(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    fmt::print("{}\n    {}\n", row.op->spec().schema, summary_of(row.op->spec().doc));
    if (row.support.empty()) {
      fmt::print("    {}\n", row.kind);
    } else {
      fmt::print("    {}{}{}\n", row.support, row.reason.empty() ? "" : ": ", row.reason);
    }
  }
}

void print_summary(const std::vector<Row>& rows, const std::string& device,
                   const OperatorQuery* query) {
  if (query == nullptr) {
    fmt::print("\n{} ops\n", rows.size());
    return;
  }
  fmt::print("\noperators of the plugin on {}, asked with a float32 example\n", device);
  for (const std::string_view name : required_operators()) {
    const Answer answer = query->ask(name);
    fmt::print("  {:<14} {}{}{}\n", name, answer.support, answer.reason.empty() ? "" : ": ",
               answer.reason);
  }
  std::map<std::string, int> totals;
  for (const Row& row : rows) ++totals[row.support];
  fmt::print("\n{} ops on {}:", rows.size(), device);
  for (const auto& [support, count] : totals) fmt::print(" {} {}", count, support);
  fmt::print("\n");
}

Json to_json(const std::vector<Row>& rows, const std::string& device, const OperatorQuery* query) {
  Json ops = Json::array();
  for (const Row& row : rows) {
    Json json = {{"name", row.op->name()},
                 {"schema", row.op->spec().schema},
                 {"summary", summary_of(row.op->spec().doc)},
                 {"kind", row.kind}};
    if (query != nullptr) json.update({{"support", row.support}, {"reason", row.reason}});
    ops.push_back(std::move(json));
  }
  Json document = {{"count", rows.size()}, {"ops", ops}};
  if (query == nullptr) return document;
  document["device"] = device;
  document["operators"] = Json::array();
  for (const std::string_view name : required_operators()) {
    const Answer answer = query->ask(name);
    document["operators"].push_back(
        {{"name", name}, {"support", answer.support}, {"reason", answer.reason}});
  }
  return document;
}

}  // namespace

int run_ops(const std::string& device, Format format) {
  std::unique_ptr<OperatorQuery> query;
  if (!device.empty()) query = std::make_unique<OperatorQuery>(Device(device));
  const std::vector<Row> rows = list_ops(query.get());
  if (format == Format::kJson) {
    print_json(to_json(rows, device, query.get()));
  } else {
    print_ops(rows);
    print_summary(rows, device, query.get());
  }
  return 0;
}

}  // namespace tenon::cli
