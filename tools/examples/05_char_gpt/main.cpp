// Trains a small GPT on the licence texts of the system, character by character, and lets it write.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <memory>

#include "gpt.h"
#include "support/progress.h"
#include "support/run.h"
#include "text.h"

using namespace tenon;

namespace {

constexpr const char* kFolder = "/usr/share/common-licenses";
constexpr double kTestShare = 0.05;  // of the text, its end
constexpr int64_t kTestPieces = 256;
constexpr double kWarmUpShare = 0.1, kLastRate = 0.1;
constexpr double kClip = 1;
constexpr size_t kLastSteps = 20;  // whose mean is the training loss

struct Options : CommonOptions {
  GptOptions model;
  int64_t steps = 600;
  int64_t sample = 400;  // characters
  double temperature = 0.7;
  std::string text = kFolder;
  std::string prompt = "The ";
};

void add_options(CLI::App& app, Options& options) {
  app.add_option("--steps", options.steps, "Steps of training")
      ->check(count_range())
      ->capture_default_str();
  app.add_option("--context", options.model.context, "Characters that the model sees")
      ->check(CLI::Range(int64_t{2}, int64_t{4096}))
      ->capture_default_str();
  app.add_option("--width", options.model.width, "Size of the model")
      ->check(count_range())
      ->capture_default_str();
  app.add_option("--layers", options.model.layers, "Blocks")
      ->check(count_range())
      ->capture_default_str();
  app.add_option("--heads", options.model.heads, "Heads of attention")
      ->check(count_range())
      ->capture_default_str();
  app.add_option("--text", options.text, "Folder whose files are the text")->capture_default_str();
  app.add_option("--sample", options.sample, "Characters to write at the end")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--temperature", options.temperature, "Below 1: likely letters more often")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--prompt", options.prompt, "How the sample begins")->capture_default_str();
}

// Weights decay; biases, norms and their like do not.
optim::AdamW make_optimizer(const nn::Module& model, double lr) {
  std::vector<Tensor> decayed, kept;
  for (const Tensor& value : model.parameters())
    (value.dim() >= 2 ? decayed : kept).push_back(value);
  optim::AdamWOptions options{.lr = lr, .betas = {0.9, 0.95}, .weight_decay = 0.1};
  optim::AdamWOptions plain = options;
  plain.weight_decay = 0;
  return optim::AdamW(optim::AdamW::Groups{{decayed, options}, {kept, plain}});
}

// A line up, then a cosine down to a share of the greatest rate.
optim::SequentialLR make_schedule(optim::Optimizer& optimizer, int64_t steps, double lr) {
  const auto warm_up =
      std::max<int64_t>(1, std::llround(kWarmUpShare * static_cast<double>(steps)));
  return optim::SequentialLR(
      optimizer,
      {std::make_shared<optim::LinearLR>(optimizer, 0.01, 1, warm_up),
       std::make_shared<optim::CosineAnnealingLR>(optimizer, std::max<int64_t>(1, steps - warm_up),
                                                  kLastRate * lr)},
      {warm_up});
}

Tensor loss_of(Gpt& model, const data::Example& batch) {
  const Tensor scores = model(batch.data);
  return cross_entropy(scores.view({-1, scores.size(-1)}), batch.target.view({-1}));
}

void train(Gpt& model, data::DataLoader& loader, const Options& options, LossLog& losses) {
  optim::AdamW optimizer = make_optimizer(model, options.lr);
  optim::SequentialLR schedule = make_schedule(optimizer, options.steps, options.lr);
  const int64_t letters = options.batch_size * options.model.context;
  Progress progress("training", options.steps * letters, "characters");
  model.train();
  int64_t step = 0;
  while (step < options.steps) {
    for (data::Example& batch : loader) {
      optimizer.zero_grad();
      const Tensor loss = loss_of(model, batch);
      loss.backward();
      (void)optim::clip_grad_norm_(model.parameters(), kClip);
      optimizer.step();
      schedule.step();
      losses.add(loss);
      progress.add(letters, losses.last());
      if (++step == options.steps) break;
    }
  }
  losses.read();
  progress.finish();
}

// Mean loss over text that was not trained on.
double test(Gpt& model, data::DataLoader& loader) {
  const NoGradGuard no_grad;
  model.eval();
  double sum = 0, count = 0;
  for (data::Example& batch : loader) {
    const auto size = static_cast<double>(batch.data.numel());
    sum += size * loss_of(model, batch).item<double>();
    count += size;
  }
  return sum / count;
}

// One letter after the other, each drawn by the scores after the letters before it.
std::string write_text(Gpt& model, const Alphabet& alphabet, const Options& options) {
  const NoGradGuard no_grad;
  model.eval();
  std::vector<int64_t> numbers = alphabet.encode(options.prompt);
  if (numbers.empty()) numbers.push_back(0);
  const auto context = static_cast<size_t>(options.model.context);
  const std::vector<float> draws = rand({options.sample}).to_vector<float>();
  for (const float draw : draws) {
    const size_t seen = std::min(numbers.size(), context);
    const Tensor recent =
        tensor(std::span<const int64_t>(numbers).last(seen), {1, static_cast<int64_t>(seen)});
    const Tensor scores = model(recent).select(0, 0).select(0, -1);
    const auto shares = softmax(scores / options.temperature, 0).to_vector<float>();
    int64_t next = 0;
    for (float sum = shares[0]; sum < draw && next + 1 < alphabet.size();)
      sum += shares[static_cast<size_t>(++next)];
    numbers.push_back(next);
  }
  std::string text;
  for (const int64_t number : numbers) text += alphabet.letter(number);
  return text;
}

void run(const Options& options) {
  const auto start = std::chrono::steady_clock::now();
  const auto context = static_cast<size_t>(options.model.context);
  const std::string text = read_folder(options.text, 40 * (context + 1));
  const Alphabet alphabet(text);
  std::vector<int64_t> numbers = alphabet.encode(text);
  const auto first_test =
      numbers.end() - static_cast<std::ptrdiff_t>(kTestShare * static_cast<double>(numbers.size()));
  auto test_pieces = std::make_shared<const Pieces>(std::vector<int64_t>(first_test, numbers.end()),
                                                    options.model.context);
  data::DataLoader test_loader(data::Subset::first(std::move(test_pieces), kTestPieces),
                               {.batch_size = options.batch_size});
  numbers.erase(first_test, numbers.end());
  data::DataLoader train_loader(
      Pieces(std::move(numbers), options.model.context),
      {.batch_size = options.batch_size, .shuffle = true, .drop_last = true, .seed = options.seed});
  check(train_loader.size() > 0, ErrorCode::kInvalidArgument, "--batch-size", options.batch_size,
        " pieces are more than the text has; choose a smaller batch");
  GptOptions shape = options.model;
  shape.letters = alphabet.size();
  Gpt model(shape);
  std::printf("%zu characters of %lld kinds, %lld parameters, on %s\n", text.size(),
              static_cast<long long>(alphabet.size()),
              static_cast<long long>(model.num_parameters()), default_device().str().c_str());

  LossLog losses;
  train(model, train_loader, options, losses);
  losses.write(options.losses);
  if (options.sample > 0) std::printf("--\n%s\n--\n", write_text(model, alphabet, options).c_str());
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::printf("loss after %lld steps: %.4f training, %.4f test, in %.0f s\n",
              static_cast<long long>(options.steps), losses.mean_of_last(kLastSteps),
              test(model, test_loader), seconds);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Trains a small GPT, letter by letter; TENON_DEVICE chooses the device."};
  Options options;
  options.batch_size = 16;
  options.lr = 2e-3;
  add_common_options(app, options, "Pieces of text");
  add_options(app, options);
  return run_program(app, argc, argv, options, [&] { run(options); });
}
