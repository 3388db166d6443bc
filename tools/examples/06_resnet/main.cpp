// Trains ResNet-18 on Fashion-MNIST, on the device in TENON_DEVICE or --device.
#include <chrono>
#include <cstdio>
#include <memory>

#include "resnet.h"
#include "support/progress.h"
#include "support/run.h"

using namespace tenon;

namespace {

constexpr int64_t kTestBatch = 250;
constexpr int64_t kClasses = data::FashionMnist::kClassNames.size();

struct Options : CommonOptions {
  int64_t epochs = 2;
  int64_t train_limit = 12'000;  // images
  int64_t test_limit = 2000;
  int64_t width = 16;
  std::string data = data::FashionMnist::kFolder;
};

void add_options(CLI::App& app, Options& options) {
  app.add_option("--epochs", options.epochs, "Passes over the images")
      ->check(count_range())
      ->capture_default_str();
  app.add_option("--train-limit", options.train_limit, "Train on the first N images")
      ->check(count_range())
      ->capture_default_str();
  app.add_option("--test-limit", options.test_limit, "Test on the first N images")
      ->check(count_range())
      ->capture_default_str();
  app.add_option("--width", options.width, "Channels of the first stage; the original has 64")
      ->check(count_range())
      ->capture_default_str();
  app.add_option("--data", options.data, "Folder with the four files of the dataset")
      ->capture_default_str();
}

data::DataLoader make_loader(const Options& options, data::Split split) {
  const bool training = split == data::Split::kTrain;
  auto images = std::make_shared<const data::FashionMnist>(split, options.data);
  return {std::make_shared<const data::Subset>(data::Subset::first(
              std::move(images), training ? options.train_limit : options.test_limit)),
          {.batch_size = training ? options.batch_size : kTestBatch,
           .shuffle = training,
           .seed = options.seed}};
}

void train_epoch(ResNet18& model, data::DataLoader& loader, optim::Optimizer& optimizer,
                 optim::LRScheduler& schedule, LossLog& losses, const std::string& title) {
  Progress progress(title, loader.dataset().size(), "images");
  model.train();
  for (auto& [images, labels] : loader) {
    optimizer.zero_grad();
    const Tensor loss = cross_entropy(model(images), labels);
    loss.backward();
    optimizer.step();
    schedule.step();
    losses.add(loss);
    progress.add(images.size(0), losses.last());
  }
  losses.read();
  progress.finish();
}

double test(ResNet18& model, data::DataLoader& loader) {
  const NoGradGuard no_grad;
  model.eval();
  int64_t right = 0, all = 0;
  for (auto& [images, labels] : loader) {
    right += model(images).argmax(1).eq(labels).sum().item<int64_t>();
    all += images.size(0);
  }
  return static_cast<double>(right) / static_cast<double>(all);
}

void run(const Options& options) {
  const auto start = std::chrono::steady_clock::now();
  const auto seconds = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  data::DataLoader train_loader = make_loader(options, data::Split::kTrain);
  data::DataLoader test_loader = make_loader(options, data::Split::kTest);
  ResNet18 model(options.width, kClasses);
  optim::SGD optimizer(model.parameters(),
                       {.lr = options.lr, .momentum = 0.9, .weight_decay = 5e-4, .nesterov = true});
  // One step more than are taken, since the last one sets a rate that nobody uses.
  optim::OneCycleLR schedule(
      optimizer, options.lr,
      {.total_steps = options.epochs * train_loader.size() + 1, .cycle_momentum = false});
  std::printf("ResNet-18 of width %lld, %lld parameters, on %s\n",
              static_cast<long long>(options.width), static_cast<long long>(model.num_parameters()),
              default_device().str().c_str());
  LossLog losses;
  double accuracy = 0;
  for (int64_t epoch = 1; epoch <= options.epochs; ++epoch) {
    const std::string title = join_text("epoch ", epoch, "/", options.epochs);
    train_epoch(model, train_loader, optimizer, schedule, losses, title);
    accuracy = test(model, test_loader);
    std::printf("%s  train loss %.4f  test accuracy %.4f  %.1f s\n", title.c_str(),
                losses.mean_of_last(static_cast<size_t>(train_loader.size())), accuracy, seconds());
    std::fflush(stdout);
  }
  losses.write(options.losses);
  std::printf("test accuracy: %.4f on %s\n", accuracy, default_device().str().c_str());
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Trains ResNet-18 to read images of clothes; TENON_DEVICE chooses the device."};
  Options options;
  options.lr = 0.05;
  add_common_options(app, options, "Images");
  add_options(app, options);
  return run_program(app, argc, argv, options, [&] { run(options); });
}
