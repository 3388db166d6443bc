#include <tenon/nn/data/fashion_mnist.h>

#include <tenon/nn/data/idx.h>
#include <tenon/runtime/ops/creation.h>

#include <unistd.h>

#include <algorithm>

namespace tenon::data {

namespace {

// Of the training images' grey values / 255.
constexpr float kMean = 0.2860f;
constexpr float kDeviation = 0.3530f;
constexpr auto kClasses = static_cast<uint8_t>(FashionMnist::kClassNames.size());

Tensor load(const std::string& folder, const std::string& name) {
  for (const std::string& path : {folder + "/" + name + ".gz", folder + "/" + name})
    if (::access(path.c_str(), F_OK) == 0) return load_idx(path);
  fail(ErrorCode::kIo, "FashionMnist", "expected ", name, ".gz or ", name, " in ", folder,
       ", found neither; install Debian's dataset-fashion-mnist, or name another folder");
}

}  // namespace

FashionMnist::FashionMnist(Split split, const std::string& folder) {
  const std::string prefix = split == Split::kTrain ? "train" : "t10k";
  images_ = load(folder, prefix + "-images-idx3-ubyte");
  labels_ = load(folder, prefix + "-labels-idx1-ubyte");
  check(images_.dtype() == kUInt8 && images_.dim() == 3 && labels_.dtype() == kUInt8 &&
            labels_.dim() == 1 && images_.size(0) == labels_.size(0),
        ErrorCode::kIo, "FashionMnist", folder,
        ": expected uint8 images (N, H, W) and labels (N), got ", images_.describe(), " and ",
        labels_.describe());
  const auto* labels = static_cast<const uint8_t*>(labels_.data_ptr());
  check(std::all_of(labels, labels + labels_.numel(), [](uint8_t x) { return x < kClasses; }),
        ErrorCode::kIo, "FashionMnist", folder, ": expected labels below ", int{kClasses});
  for (size_t i = 0; i < normalised_.size(); ++i)
    normalised_[i] = (static_cast<float>(i) / 255.0f - kMean) / kDeviation;
}

int64_t FashionMnist::size() const { return images_.size(0); }

Example FashionMnist::get(int64_t index) const {
  const Example batch = get_batch({&index, 1});
  return {batch.data[0], batch.target[0]};
}

Example FashionMnist::get_batch(std::span<const int64_t> indices) const {
  const auto count = static_cast<int64_t>(indices.size());
  const int64_t pixels = images_.size(1) * images_.size(2);
  Example batch{empty({count, 1, images_.size(1), images_.size(2)}, {kFloat32, Device()}),
                empty({count}, {kInt64, Device()})};
  const auto* images = static_cast<const uint8_t*>(images_.data_ptr());
  const auto* labels = static_cast<const uint8_t*>(labels_.data_ptr());
  auto* out = batch.data.data<float>();
  auto* targets = batch.target.data<int64_t>();
  for (const int64_t index : indices) {
    const uint8_t* const image = images + index * pixels;
    out = std::transform(image, image + pixels, out, [&](uint8_t x) { return normalised_[x]; });
    *targets++ = labels[index];
  }
  return batch;
}

}  // namespace tenon::data
