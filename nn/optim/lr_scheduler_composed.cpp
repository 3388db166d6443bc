// Schedules of several phases: one cycle, one after the other, all at once.
#include <tenon/nn/optim/lr_scheduler.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace tenon::optim {

namespace {

double as_double(int64_t value) { return static_cast<double>(value); }

double cosine(double from, double to, double share) {
  return to + (from - to) / 2 * (1 + std::cos(std::numbers::pi * share));
}

}  // namespace

// ---- OneCycleLR ----

OneCycleLR::OneCycleLR(Optimizer& optimizer, double max_lr, const OneCycleOptions& options)
    : OneCycleLR(optimizer, std::vector<double>(optimizer.group_count(), max_lr), options) {}

OneCycleLR::OneCycleLR(Optimizer& optimizer, std::vector<double> max_lrs,
                       const OneCycleOptions& options)
    : LRScheduler("OneCycleLR", optimizer), max_lrs_(std::move(max_lrs)), options_(options) {
  check(max_lrs_.size() == optimizer.group_count(), ErrorCode::kInvalidArgument, name(),
        "expected one max_lr for each of ", optimizer.group_count(), " groups, got ",
        max_lrs_.size());
  if (options_.total_steps == 0)
    options_.total_steps = checked_mul(options.epochs, options.steps_per_epoch);
  check(options_.total_steps > 0, ErrorCode::kInvalidArgument, name(),
        "give total_steps > 0, or epochs and steps_per_epoch, got ", options_.total_steps);
  check(options.pct_start >= 0 && options.pct_start <= 1, ErrorCode::kInvalidArgument, name(),
        "pct_start must be in [0, 1], got ", options.pct_start);
  check(!options.cycle_momentum || optimizer.momentum().has_value(), ErrorCode::kUnsupported,
        name(), "the optimizer has no momentum; set cycle_momentum = false");
  const double total = as_double(options_.total_steps);
  ends_ = {options.pct_start * total - 1};
  if (options.three_phase) ends_.push_back(2 * options.pct_start * total - 2);
  ends_.push_back(total - 1);
  LRScheduler::step();
}

std::vector<OneCycleLR::Point> OneCycleLR::points(size_t group) const {
  const double top = max_lrs_[group], low = top / options_.div_factor;
  const Point start{low, options_.max_momentum}, peak{top, options_.base_momentum};
  const Point end{low / options_.final_div_factor, options_.max_momentum};
  return options_.three_phase ? std::vector<Point>{start, peak, start, end}
                              : std::vector<Point>{start, peak, end};
}

double OneCycleLR::next_lr(size_t group) {
  check(last_epoch() <= options_.total_steps, ErrorCode::kInvalidArgument, name(), "step ",
        last_epoch(), " is past the end of ", options_.total_steps, " steps");
  const double step = as_double(last_epoch());
  size_t phase = 0;
  while (phase + 1 < ends_.size() && step > ends_[phase]) ++phase;
  const double begin = phase == 0 ? 0 : ends_[phase - 1];
  const double share = (step - begin) / (ends_[phase] - begin);
  const std::vector<Point> all = points(group);
  const auto anneal = [&](double from, double to) {
    return options_.anneal_strategy == AnnealStrategy::kCosine ? cosine(from, to, share)
                                                               : from + (to - from) * share;
  };
  const Point &from = all[phase], &to = all[phase + 1];
  if (options_.cycle_momentum) optimizer().set_momentum(group, anneal(from.momentum, to.momentum));
  return anneal(from.rate, to.rate);
}

void OneCycleLR::resume() {
  for (size_t group = 0; group < max_lrs_.size(); ++group) (void)next_lr(group);
}

// ---- SequentialLR, ChainedScheduler ----

SequentialLR::SequentialLR(Optimizer& optimizer,
                           std::vector<std::shared_ptr<LRScheduler>> schedulers,
                           std::vector<int64_t> milestones)
    : LRScheduler("SequentialLR", optimizer),
      schedulers_(std::move(schedulers)),
      milestones_(std::move(milestones)) {
  check_inner(schedulers_);
  check(schedulers_.size() == milestones_.size() + 1, ErrorCode::kInvalidArgument, name(),
        "expected one milestone less than schedulers, got ", milestones_.size(), " and ",
        schedulers_.size());
  check(std::is_sorted(milestones_.begin(), milestones_.end()), ErrorCode::kInvalidArgument, name(),
        "the milestones must be in order");
  for (size_t group = 0; group < optimizer.group_count(); ++group)
    optimizer.set_group_lr(group, optimizer.initial_lr(group));
  SequentialLR::restart();
}

// The scheduler of this epoch.
size_t SequentialLR::active() const {
  return static_cast<size_t>(
      std::upper_bound(milestones_.begin(), milestones_.end(), last_epoch()) - milestones_.begin());
}

void SequentialLR::restart() {
  set_epoch(0);
  LRScheduler::restart(*schedulers_[active()]);
  remember_lrs();
}

void SequentialLR::step() {
  set_epoch(last_epoch() + 1);
  const size_t now = active();
  if (now > 0 && milestones_[now - 1] == last_epoch())
    LRScheduler::restart(*schedulers_[now]);
  else
    schedulers_[now]->step();
  remember_lrs();
}

std::vector<LRScheduler*> SequentialLR::inner() const {
  std::vector<LRScheduler*> result;
  for (const auto& scheduler : schedulers_) result.push_back(scheduler.get());
  return result;
}

Optimizer& LRScheduler::optimizer_of(const std::vector<std::shared_ptr<LRScheduler>>& schedulers) {
  check(!schedulers.empty() && schedulers[0] != nullptr, ErrorCode::kInvalidArgument,
        "ChainedScheduler", "expected at least one scheduler, got none");
  return *schedulers[0]->optimizer_;
}

ChainedScheduler::ChainedScheduler(std::vector<std::shared_ptr<LRScheduler>> schedulers)
    : LRScheduler("ChainedScheduler", optimizer_of(schedulers)),
      schedulers_(std::move(schedulers)) {
  check_inner(schedulers_);
  set_epoch(0);
  remember_lrs();
}

void ChainedScheduler::restart() {
  set_epoch(0);
  for (const auto& scheduler : schedulers_) LRScheduler::restart(*scheduler);
  remember_lrs();
}

void ChainedScheduler::step() {
  set_epoch(last_epoch() + 1);
  for (const auto& scheduler : schedulers_) scheduler->step();
  remember_lrs();
}

std::vector<LRScheduler*> ChainedScheduler::inner() const {
  std::vector<LRScheduler*> result;
  for (const auto& scheduler : schedulers_) result.push_back(scheduler.get());
  return result;
}

}  // namespace tenon::optim
