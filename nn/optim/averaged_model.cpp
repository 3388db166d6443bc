#include <tenon/nn/optim/averaged_model.h>

#include <tenon/autograd/grad_mode.h>
#include <tenon/runtime/ops/copy.h>
#include <tenon/runtime/ops/creation.h>
#include <tenon/runtime/ops/elementwise.h>

namespace tenon::optim {

AveragedModel::AveragedModel(const nn::Module& model, const AveragedModelOptions& options)
    : module(model.clone_module()), n_averaged(zeros({}, kInt64)), options_(options) {
  check(!options.ema_decay || (*options.ema_decay >= 0 && *options.ema_decay <= 1),
        ErrorCode::kInvalidArgument, "AveragedModel", "ema_decay must be in [0, 1], got ",
        options.ema_decay.value_or(0));
  register_buffer("n_averaged", &AveragedModel::n_averaged);
  register_module("module", &AveragedModel::module);
}

void AveragedModel::update_parameters(const nn::Module& model) {
  const NamedTensors mine = module->named_parameters(), theirs = model.named_parameters();
  bool same = mine.size() == theirs.size();
  for (size_t i = 0; same && i < mine.size(); ++i)
    same = mine[i].first == theirs[i].first && mine[i].second.sizes() == theirs[i].second.sizes();
  check(same, ErrorCode::kInvalidArgument, "AveragedModel",
        "expected a module with the parameters of ", module->describe(), ", got ",
        model.describe());
  const NoGradGuard no_grad;
  const auto count = n_averaged.item<int64_t>();
  const double share =
      options_.ema_decay ? 1 - *options_.ema_decay : 1 / static_cast<double>(count + 1);
  for (size_t i = 0; i < mine.size(); ++i) {
    Tensor average = mine[i].second;
    const Tensor value = theirs[i].second.to(average.options());
    if (count == 0)
      average.copy_(value);
    else
      average.add_(value - average, share);
  }
  const NamedTensors buffers = module->named_buffers(), sources = model.named_buffers();
  for (size_t i = 0; i < buffers.size(); ++i) Tensor(buffers[i].second).copy_(sources[i].second);
  n_averaged.add_(1);
}

}  // namespace tenon::optim
