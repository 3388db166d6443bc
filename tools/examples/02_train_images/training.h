// One training run: epochs, evaluation, checkpoints.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <tenon/tenon.h>

#include "lenet.h"
#include "options.h"
#include "support/run.h"

inline constexpr size_t kClasses = tenon::data::FashionMnist::kClassNames.size();

// counts[true class][predicted class].
using Confusion = std::array<std::array<int64_t, kClasses>, kClasses>;

// What the curves show.
struct History {
  std::vector<float> step_losses;      // of each batch
  std::vector<float> epoch_losses;     // mean over the epoch's images
  std::vector<float> test_accuracies;  // after each epoch
};

class Training {
 public:
  explicit Training(const Options& options);

  // Continues with the epoch after the checkpoint's, bit for bit.
  // Errors: Io, or InvalidArgument when the checkpoint was made with other settings.
  void resume(const std::string& path);
  // Trains the epochs that are left; writes a checkpoint, one line and the curves after each.
  void run();

  [[nodiscard]] const History& history() const noexcept { return history_; }
  // Of this run only: one for each batch.
  [[nodiscard]] const LossLog& losses() const noexcept { return losses_; }

 private:
  void train_epoch();
  [[nodiscard]] Confusion test();
  void save_checkpoint() const;
  void draw(const Confusion& confusion) const;
  [[nodiscard]] std::string path_of(const char* name) const { return options_.out + "/" + name; }

  Options options_;
  tenon::data::DataLoader train_loader_, test_loader_;
  LeNet5 model_;
  tenon::optim::Adam optimizer_;
  int64_t epoch_ = 0;  // finished ones
  History history_;
  LossLog losses_;
};
