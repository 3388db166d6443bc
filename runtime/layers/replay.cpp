#include <tenon/runtime/layers/replay.h>

#include <tenon/runtime/device.h>
#include <tenon/runtime/dispatch/operator.h>
#include <tenon/runtime/layers/recorded_launch_internal.h>

namespace tenon {
namespace {

std::vector<std::vector<std::byte>> run_on(const std::string& spec,
                                           const layers::RecordedLaunch& launch) {
  const Device device(spec);
  layers::ReplayDevice replay(require_plugin(device.type()), static_cast<uint32_t>(device.index()));
  if (!layers::is_required(launch.kernel)) {
    const Op* op = find_op(launch.op);
    if (layers::has_composition(op) && !replay.refusal(launch).empty())
      return layers::compose_launch(launch, *op, device);
  }
  const std::string refusal = replay.refusal(launch);
  check(refusal.empty(), ErrorCode::kUnsupported, "replay", spec, " can't run ", launch.op, ": ",
        refusal);
  return replay.run(launch);
}

}  // namespace

ReplayResult replay_launch(const std::string& path, const std::string& first_device,
                           const std::string& second_device) {
  const layers::LaunchFile file = layers::read_launch(path);
  ReplayResult result;
  result.op = join_text(file.launch.op, " (", file.launch.kernel, ")");
  result.operands = layers::describe_operands(file.launch);
  result.first_device = first_device.empty() ? file.first_device : first_device;
  result.second_device = second_device.empty() ? file.second_device : second_device;
  const auto found = layers::find_divergence(file.launch, run_on(result.first_device, file.launch),
                                             run_on(result.second_device, file.launch));
  if (found != nullptr)
    result.divergence = layers::describe(*found, result.first_device, result.second_device);
  return result;
}

}  // namespace tenon
