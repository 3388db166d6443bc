// The ABI's bytes. These numbers are promises: a change here breaks every plugin ever built.
#include <gtest/gtest.h>
#include <tenon/api/device_plugin.h>

#include <cstddef>

namespace {

TEST(AbiLayout, DescriptorBeginsWithItsFrozenBytes) {
  EXPECT_EQ(offsetof(tn_plugin_descriptor, magic), 0u);
  EXPECT_EQ(offsetof(tn_plugin_descriptor, descriptor_size), 8u);
  EXPECT_EQ(offsetof(tn_plugin_descriptor, descriptor_flags), 12u);
  EXPECT_EQ(offsetof(tn_plugin_descriptor, abi_major), 16u);
  EXPECT_EQ(offsetof(tn_plugin_descriptor, abi_minor), 20u);
  EXPECT_EQ(offsetof(tn_plugin_descriptor, abi_major_min), 24u);
  EXPECT_EQ(offsetof(tn_plugin_descriptor, host_minor_min), 28u);
  EXPECT_EQ(offsetof(tn_plugin_descriptor, name), 32u);
  EXPECT_EQ(sizeof(tn_plugin_note), 68u);
}

TEST(AbiLayout, StructsHaveTheirMinimumSizes) {
  EXPECT_EQ(sizeof(tn_host), TN_MIN_HOST);
  EXPECT_EQ(sizeof(tn_host_version), TN_MIN_HOST_VERSION);
  EXPECT_EQ(sizeof(tn_core), TN_MIN_CORE);
  EXPECT_EQ(sizeof(tn_ops), TN_MIN_OPS);
  EXPECT_EQ(sizeof(tn_tensor), TN_MIN_TENSOR);
  EXPECT_EQ(sizeof(tn_program), TN_MIN_PROGRAM);
  EXPECT_EQ(sizeof(tn_signature), TN_MIN_SIGNATURE);
  EXPECT_EQ(sizeof(tn_workspace), TN_MIN_WORKSPACE);
  EXPECT_EQ(sizeof(tn_device_info), 128u);
  EXPECT_EQ(sizeof(tn_answer), 152u);
}

TEST(AbiLayout, SlotsStayWhereTheyAre) {
  EXPECT_EQ(offsetof(tn_tensor, buffer), 8u);
  EXPECT_EQ(offsetof(tn_tensor, shape), 32u);
  EXPECT_EQ(offsetof(tn_tensor, strides), 96u);
  EXPECT_EQ(offsetof(tn_core, close), 16u);
  EXPECT_EQ(offsetof(tn_core, buffer_alloc), 64u);
  EXPECT_EQ(offsetof(tn_core, stream_create), 96u);
  EXPECT_EQ(offsetof(tn_core, download), 160u);
  EXPECT_EQ(offsetof(tn_ops, query), 16u);
  EXPECT_EQ(offsetof(tn_ops, launch), 48u);
  EXPECT_EQ(offsetof(tn_ops, launch_many), 56u);
  EXPECT_EQ(offsetof(tn_host, set_error), 24u);
  EXPECT_EQ(offsetof(tn_host, next), 72u);
  EXPECT_EQ(offsetof(tn_signature, program), 64u);
  EXPECT_EQ(offsetof(tn_device_info, memory_bytes), 72u);
}

TEST(AbiLayout, NumbersAreNeverReused) {
  EXPECT_EQ(TN_MAGIC, 0x314e4f4e45544e54u);
  EXPECT_EQ(TN_TIMEOUT, 9);
  EXPECT_EQ(TN_DTYPE_F64, 10u);
  EXPECT_EQ(TN_REDUCE_ALL, 8u);
  EXPECT_EQ(TN_PROGRAM_FMA, 10u);
  EXPECT_EQ(TN_PROGRAM_SHR, 21u);
  EXPECT_EQ(TN_PROGRAM_ISNAN, 38u);
  EXPECT_EQ(TN_PROGRAM_INDEX, 51u);
  EXPECT_EQ(TN_PROGRAM_RELU, 95u);
}

TEST(AbiLayout, ClassWordsUnpackToWhatWasPacked) {
  const uint64_t word = TN_CLASS(TN_DTYPE_BF16, 7, TN_LAYOUT_STRIDED, 6);
  EXPECT_EQ(TN_CLASS_DTYPE(word), TN_DTYPE_BF16);
  EXPECT_EQ(TN_CLASS_RANK(word), 7u);
  EXPECT_EQ(TN_CLASS_LAYOUT(word), TN_LAYOUT_STRIDED);
  EXPECT_EQ(TN_CLASS_ALIGN(word), 6u);
}

}  // namespace
