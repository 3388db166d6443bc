#include <tenon/runtime/interop/dlpack.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tenon/runtime/ops/ops.h>

namespace tenon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A producer of another library: counts how often it is told to let go.
struct Producer {
  std::vector<float> values = {0, 1, 2, 3, 4, 5};
  int64_t shape[2] = {2, 3}, strides[2] = {3, 1};
  int deleted = 0;
  dlpack::ManagedVersioned managed{};
  dlpack::Managed legacy{};

  Producer() {
    managed.array = {
        values.data(), {dlpack::kHost, 0}, 2, {dlpack::kFloat, 32, 1}, shape, strides, 0};
    managed.version = {1, 0};
    managed.context = legacy.context = this;
    managed.deleter = [](dlpack::ManagedVersioned* self) {
      ++static_cast<Producer*>(self->context)->deleted;
    };
    legacy.array = managed.array;
    legacy.deleter = [](dlpack::Managed* self) {
      ++static_cast<Producer*>(self->context)->deleted;
    };
  }
};

std::string error_of(Producer& producer, ErrorCode code, CopyMode copy = CopyMode::kIfNeeded) {
  try {
    (void)from_dlpack(&producer.managed, copy);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_EQ(producer.deleted, 1) << "an import that fails lets go of the struct";
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

Tensor host(const Tensor& tensor) { return tensor.cpu(); }

TEST(Dlpack, AnExportSharesMemoryAndHoldsIt) {
  Tensor x = host(arange(6)).to(kFloat32).view({2, 3}).t();
  dlpack::ManagedVersioned* managed = to_dlpack(x);
  EXPECT_EQ(managed->version.major, 1u);
  EXPECT_EQ(managed->array.data, x.data_ptr());
  EXPECT_THAT(std::vector(managed->array.shape, managed->array.shape + 2), ElementsAre(3, 2));
  EXPECT_THAT(std::vector(managed->array.strides, managed->array.strides + 2), ElementsAre(1, 3));
  const auto* data = static_cast<const float*>(managed->array.data);
  x.add_(10);
  x = Tensor();
  EXPECT_EQ(data[5], 15.0f);
  managed->deleter(managed);
}

TEST(Dlpack, EveryDtypeGoesThereAndBack) {
  for (const DType dtype :
       {kBool, kUInt8, kInt8, kInt16, kInt32, kInt64, kFloat16, kBFloat16, kFloat32, kFloat64}) {
    const Tensor x = host(arange(6)).to(dtype).view({2, 3});
    const Tensor y = from_dlpack(to_dlpack(x)), z = from_dlpack(to_dlpack_legacy(x));
    EXPECT_EQ(y.dtype(), dtype);
    EXPECT_EQ(y.data_ptr(), x.data_ptr());
    EXPECT_EQ(z.to_vector<double>(), x.to_vector<double>());
  }
}

TEST(Dlpack, RankZeroAndEmptyTensors) {
  EXPECT_EQ(from_dlpack(to_dlpack(host(full({}, 3)))).item<float>(), 3.0f);
  const Tensor none = host(empty({0, 3}));
  dlpack::ManagedVersioned* managed = to_dlpack(none);
  EXPECT_EQ(managed->array.data, nullptr);
  EXPECT_EQ(from_dlpack(managed).sizes(), (Shape{0, 3}));
}

TEST(Dlpack, AnImportSharesMemoryUntilTheLastTensorWent) {
  Producer producer;
  {
    Tensor x = from_dlpack(&producer.managed);
    const Tensor row = x[1];
    x = Tensor();
    EXPECT_EQ(producer.deleted, 0);
    EXPECT_THAT(row.to_vector<float>(), ElementsAre(3, 4, 5));
    producer.values[4] = 40;
    EXPECT_EQ(row[1].item<float>(), 40.0f);
  }
  EXPECT_EQ(producer.deleted, 1);
}

TEST(Dlpack, StridesMayBeMissingAndTheFirstElementElsewhere) {
  Producer producer;
  producer.shape[0] = 1;
  producer.legacy.array.strides = nullptr;
  producer.legacy.array.byte_offset = 3 * sizeof(float);
  EXPECT_THAT(from_dlpack(&producer.legacy).to_vector<float>(), ElementsAre(3, 4, 5));
  EXPECT_EQ(producer.deleted, 1);
}

TEST(Dlpack, ADeleterMayBeMissing) {
  Producer producer;
  producer.managed.deleter = nullptr;
  EXPECT_EQ(from_dlpack(&producer.managed).numel(), 6);
}

TEST(Dlpack, ReadOnlyMemoryIsCopiedOrRefused) {
  Producer producer;
  producer.managed.flags = dlpack::kReadOnly;
  producer.shape[0] = 3, producer.shape[1] = 2;
  producer.strides[0] = 1, producer.strides[1] = 3;
  Tensor x = from_dlpack(&producer.managed);
  EXPECT_EQ(producer.deleted, 1);
  EXPECT_THAT(x.to_vector<float>(), ElementsAre(0, 3, 1, 4, 2, 5));
  x.fill_(9);
  EXPECT_EQ(producer.values[0], 0.0f);
  producer.deleted = 0;
  EXPECT_THAT(error_of(producer, ErrorCode::kUnsupported, CopyMode::kNever),
              HasSubstr("read-only"));
}

TEST(Dlpack, UnalignedMemoryIsCopied) {
  Producer producer;
  producer.managed.array.byte_offset = 1;
  producer.shape[0] = 1;
  EXPECT_NE(from_dlpack(&producer.managed).data_ptr(), producer.values.data());
  EXPECT_EQ(producer.deleted, 1);
}

TEST(Dlpack, ACopyCanBeAskedFor) {
  Producer producer;
  const Tensor x = from_dlpack(&producer.managed, CopyMode::kAlways);
  EXPECT_NE(x.data_ptr(), producer.values.data());
  EXPECT_THAT(x.to_vector<float>(), ElementsAre(0, 1, 2, 3, 4, 5));
}

TEST(Dlpack, OfAnotherMajorVersionOnlyTheDeleterIsTouched) {
  Producer producer;
  producer.managed.version = {2, 0};
  producer.managed.array.shape = reinterpret_cast<int64_t*>(1);
  producer.managed.array.rank = -5;
  EXPECT_THAT(error_of(producer, ErrorCode::kInvalidArgument), HasSubstr("got 2.0"));
  Producer newer;
  newer.managed.version = {1, 99};
  EXPECT_EQ(from_dlpack(&newer.managed).numel(), 6);
}

TEST(Dlpack, WhatMakesNoSenseIsRefused) {
  Producer p[9];
  p[0].managed.array.rank = 9;
  EXPECT_THAT(error_of(p[0], ErrorCode::kInvalidArgument), HasSubstr("got 9"));
  p[1].managed.array.rank = -1;
  EXPECT_THAT(error_of(p[1], ErrorCode::kInvalidArgument), HasSubstr("got -1"));
  p[2].managed.array.shape = nullptr;
  EXPECT_THAT(error_of(p[2], ErrorCode::kInvalidArgument), HasSubstr("shape"));
  p[3].shape[1] = -3;
  EXPECT_THAT(error_of(p[3], ErrorCode::kInvalidArgument), HasSubstr("got -3"));
  p[4].strides[0] = -3;
  EXPECT_THAT(error_of(p[4], ErrorCode::kInvalidArgument), HasSubstr("copy the array"));
  p[5].shape[0] = p[5].shape[1] = int64_t{1} << 40;
  EXPECT_THAT(error_of(p[5], ErrorCode::kInvalidArgument), HasSubstr("64"));
  p[6].managed.array.data = nullptr;
  EXPECT_THAT(error_of(p[6], ErrorCode::kInvalidArgument), HasSubstr("null"));
  p[7].managed.array.dtype = {dlpack::kComplex, 64, 1};
  EXPECT_THAT(error_of(p[7], ErrorCode::kDType), HasSubstr("type code 5 of 64 bits"));
  p[8].managed.array.dtype.lanes = 4;
  EXPECT_THAT(error_of(p[8], ErrorCode::kDType), HasSubstr("one lane"));
}

TEST(Dlpack, MemoryOfOtherDevicesIsRefused) {
  Producer producer;
  producer.managed.array.device = {2, 0};
  EXPECT_THAT(error_of(producer, ErrorCode::kDevice), HasSubstr("device type 2"));
  const Tensor x = zeros({2});
  if (x.device().is_cpu()) return;
  try {
    (void)to_dlpack(x);
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kDevice);
    EXPECT_THAT(error.what(), HasSubstr(".cpu()"));
  }
}

TEST(Dlpack, TensorsThatRequireGradAreNotExported) {
  Tensor x = host(ones({2}));
  x.requires_grad_();
  try {
    (void)to_dlpack(x);
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr(".detach()"));
  }
  dlpack::ManagedVersioned* managed = to_dlpack(x.detach());
  managed->deleter(managed);
}

}  // namespace
}  // namespace tenon
