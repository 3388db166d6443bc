#include "training.h"

#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <memory>

#include "charts.h"
#include "support/progress.h"

using namespace tenon;

namespace {

constexpr int64_t kTestBatch = 500;

data::DataLoader make_loader(const Options& options, data::Split split) {
  const std::string folder = options.data.empty() ? data::FashionMnist::kFolder : options.data;
  const bool training = split == data::Split::kTrain;
  std::shared_ptr<const data::Dataset> images = std::make_shared<data::FashionMnist>(split, folder);
  const int64_t limit = training ? options.train_limit : options.test_limit;
  if (limit >= 0)
    images = std::make_shared<data::Subset>(data::Subset::first(std::move(images), limit));
  return {std::move(images),
          {.batch_size = training ? options.batch_size : kTestBatch,
           .shuffle = training,
           .seed = options.seed}};
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// What must be the same for a run to continue, and where it is.
Metadata settings_of(const Options& options) {
  return {{"seed", std::to_string(options.seed)},
          {"batch_size", std::to_string(options.batch_size)},
          {"train_limit", std::to_string(options.train_limit)},
          {"lr", join_text(options.lr)},
          {"lr_decay", join_text(options.lr_decay)}};
}

std::string find(const SafetensorsFile& file, const std::string& path, const std::string& key) {
  for (const auto& [name, value] : file.metadata)
    if (name == key) return value;
  fail(ErrorCode::kIo, "resume", path, ": lacks the setting ", key,
       "; expected a checkpoint of this program");
}

uint64_t find_number(const SafetensorsFile& file, const std::string& path, const std::string& key) {
  const std::string text = find(file, path, key);
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  check(error == std::errc() && end == text.data() + text.size(), ErrorCode::kIo, "resume", path,
        ": ", key, " is \"", text, "\", expected a number");
  return value;
}

std::vector<float> find_values(const SafetensorsFile& file, const std::string& path,
                               const std::string& name) {
  for (const auto& [key, tensor] : file.tensors)
    if (key == name) return tensor.to_vector<float>();
  fail(ErrorCode::kIo, "resume", path, ": lacks the tensor ", name,
       "; expected a checkpoint of this program");
}

Tensor host_values(const std::vector<float>& values) { return tensor(values, Device()); }

}  // namespace

Training::Training(const Options& options)
    : options_(options),
      train_loader_(make_loader(options, data::Split::kTrain)),
      test_loader_(make_loader(options, data::Split::kTest)),
      optimizer_(model_.parameters(), {.lr = options.lr}) {}

void Training::run() {
  const Device device = default_device();
  double accuracy = history_.test_accuracies.empty() ? 0 : history_.test_accuracies.back();
  while (epoch_ < options_.epochs) {
    const auto start = std::chrono::steady_clock::now();
    train_epoch();
    const Confusion confusion = test();
    int64_t right = 0, all = 0;
    for (size_t row = 0; row < kClasses; ++row) {
      right += confusion[row][row];
      for (const int64_t count : confusion[row]) all += count;
    }
    accuracy = all > 0 ? static_cast<double>(right) / static_cast<double>(all) : 0;
    history_.test_accuracies.push_back(static_cast<float>(accuracy));
    ++epoch_;
    save_checkpoint();
    draw(confusion);
    std::printf("epoch %lld/%lld  train loss %.4f  test accuracy %.4f  %.1f s\n",
                static_cast<long long>(epoch_), static_cast<long long>(options_.epochs),
                static_cast<double>(history_.epoch_losses.back()), accuracy, seconds_since(start));
    std::fflush(stdout);
  }
  std::printf("test accuracy: %.4f on %s\n", accuracy, device.str().c_str());
}

void Training::train_epoch() {
  model_.train();
  optimizer_.set_lr(options_.lr * std::pow(options_.lr_decay, static_cast<double>(epoch_)));
  train_loader_.set_epoch(static_cast<uint64_t>(epoch_));
  Progress progress(join_text("epoch ", epoch_ + 1, "/", options_.epochs),
                    train_loader_.dataset().size(), "images");
  const size_t first = losses_.values().size();
  std::vector<int64_t> sizes;
  for (auto& [images, labels] : train_loader_) {
    const TraceScope step("step");  // for TENON_LAYERS=trace
    optimizer_.zero_grad();
    const Tensor loss = cross_entropy(model_(images), labels);
    loss.backward();
    optimizer_.step();
    losses_.add(loss);
    sizes.push_back(images.size(0));
    progress.add(images.size(0), losses_.last());
  }
  losses_.read();
  const std::vector<float>& losses = losses_.values();
  progress.finish();
  // The last batch may be smaller: the mean is over images.
  double total = 0;
  int64_t images = 0;
  for (size_t i = 0; i < sizes.size(); ++i) {
    total += static_cast<double>(losses[first + i]) * static_cast<double>(sizes[i]);
    images += sizes[i];
  }
  history_.step_losses.insert(history_.step_losses.end(),
                              losses.begin() + static_cast<std::ptrdiff_t>(first), losses.end());
  history_.epoch_losses.push_back(
      images > 0 ? static_cast<float>(total / static_cast<double>(images)) : 0);
}

Confusion Training::test() {
  const NoGradGuard no_grad;
  model_.eval();
  Confusion confusion{};
  for (auto& [images, labels] : test_loader_) {
    const auto predicted = model_(images).argmax(1).to_vector<int64_t>();
    const auto expected = labels.to_vector<int64_t>();
    for (size_t i = 0; i < predicted.size(); ++i)
      ++confusion[static_cast<size_t>(expected[i])][static_cast<size_t>(predicted[i])];
  }
  return confusion;
}

void Training::save_checkpoint() const {
  NamedTensors all;
  nn::append_prefixed(all, "model", model_.state_dict());
  nn::append_prefixed(all, "optimizer", optimizer_.state_dict());
  all.emplace_back("history.step_losses", host_values(history_.step_losses));
  all.emplace_back("history.epoch_losses", host_values(history_.epoch_losses));
  all.emplace_back("history.test_accuracies", host_values(history_.test_accuracies));
  Metadata metadata = settings_of(options_);
  metadata.emplace_back("epoch", std::to_string(epoch_));
  metadata.emplace_back("generator_seed", std::to_string(default_generator().seed()));
  metadata.emplace_back("generator_offset", std::to_string(default_generator().offset()));
  save_safetensors(path_of("checkpoint.safetensors"), all, metadata);
}

void Training::resume(const std::string& path) {
  const SafetensorsFile file = load_safetensors(path);
  for (const auto& [key, mine] : settings_of(options_)) {
    const std::string theirs = find(file, path, key);
    check(theirs == mine, ErrorCode::kInvalidArgument, "resume", path, " was made with ", key, "=",
          theirs, ", this run has ", mine, "; give it the same options");
  }
  const uint64_t epoch = find_number(file, path, "epoch");
  const uint64_t seed = find_number(file, path, "generator_seed");
  const uint64_t offset = find_number(file, path, "generator_offset");
  history_ = {find_values(file, path, "history.step_losses"),
              find_values(file, path, "history.epoch_losses"),
              find_values(file, path, "history.test_accuracies")};
  check(epoch < INT32_MAX && history_.epoch_losses.size() == epoch &&
            history_.test_accuracies.size() == epoch,
        ErrorCode::kIo, "resume", path, ": the curves do not have one point for each of its ",
        epoch, " epochs");
  model_.load_state_dict(nn::take_prefixed(file.tensors, "model"));
  optimizer_.load_state_dict(nn::take_prefixed(file.tensors, "optimizer"));
  default_generator().manual_seed(seed);
  default_generator().set_offset(offset);
  epoch_ = static_cast<int64_t>(epoch);
}

void Training::draw(const Confusion& confusion) const {
  write_file(path_of("training.svg"), training_chart(history_));
  write_file(path_of("confusion.svg"), confusion_chart(confusion));
}
