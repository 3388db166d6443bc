#include <tenon/runtime/interop/npy.h>

#include <tenon/runtime/ops/creation.h>

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "support/folder.h"

namespace tenon {
namespace {

using test::Folder;

void write(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<int64_t>(bytes.size()));
}

std::string read(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::string npy(const std::string& header, const std::string& data, char major = 1) {
  std::string bytes = "\x93NUMPY";
  bytes += major;
  bytes += '\0';
  const size_t length = header.size();
  for (int i = 0; i < (major == 1 ? 2 : 4); ++i) bytes += static_cast<char>(length >> (8 * i));
  return bytes + header + data;
}

template <class T>
std::string bytes_of(const std::vector<T>& values) {
  std::string bytes(values.size() * sizeof(T), '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

std::string error_of(const std::string& path) {
  try {
    (void)load_npy(path);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIo) << error.what();
    return error.what();
  }
  return "no error";
}

TEST(Npy, RoundTripsEveryDtypeButBfloat16) {
  const Folder folder;
  for (const DType dtype : kAllDTypes) {
    const Tensor values = tensor({0., 1., 3., 117.}).to(dtype);
    if (dtype == kBFloat16) {
      EXPECT_THROW(save_npy(folder.file(), values), Error);
      continue;
    }
    save_npy(folder.file(), values);
    const Tensor loaded = load_npy(folder.file());
    EXPECT_EQ(loaded.dtype(), dtype);
    EXPECT_EQ(loaded.to_vector<double>(), values.to_vector<double>());
  }
}

TEST(Npy, RoundTripsShapesAndLayouts) {
  const Folder folder;
  const Tensor base = arange(24, kInt32).view({2, 3, 4});
  for (const Tensor& values :
       {base, base.transpose(0, 2), base.slice(1, 0, 3, 2),
        base.select(0, 1).select(0, 2).select(0, 3), base.slice(0, 2, 2), base.view({24})}) {
    save_npy(folder.file(), values);
    const Tensor loaded = load_npy(folder.file());
    EXPECT_EQ(loaded.sizes(), values.sizes());
    EXPECT_EQ(loaded.to_vector<int32_t>(), values.to_vector<int32_t>());
  }
}

TEST(Npy, WritesWhatNumPyWrites) {
  const Folder folder;
  save_npy(folder.file(), tensor<float>({1.f, 2.f}));
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";
  header.resize(128 - 10 - 1, ' ');  // a multiple of 64 in all
  EXPECT_EQ(read(folder.file()), npy(header + '\n', bytes_of<float>({1, 2})));
}

TEST(Npy, ReadsFormats1To3FortranOrderAndPaddedHeaders) {
  const Folder folder;
  for (const char major : {'\1', '\2', '\3'}) {
    write(folder.file(), npy("{\"shape\": ( 2 , 3 ), 'fortran_order': True,'descr':'<i2'}   \n",
                             bytes_of<int16_t>({1, 4, 2, 5, 3, 6}), major));
    const Tensor loaded = load_npy(folder.file());
    EXPECT_EQ(loaded.sizes(), Shape({2, 3}));
    EXPECT_EQ(loaded.to_vector<int64_t>(), (std::vector<int64_t>{1, 2, 3, 4, 5, 6}));
  }
}

TEST(Npy, MakesBoolBytesZeroOrOne) {
  const Folder folder;
  write(folder.file(), npy("{'descr': '|b1', 'fortran_order': False, 'shape': (3,), }\n",
                           std::string("\0\1\x7f", 3)));
  EXPECT_EQ(load_npy(folder.file()).to_vector<int64_t>(), (std::vector<int64_t>{0, 1, 1}));
}

struct Hostile {
  const char* header;
  size_t data_bytes;
  const char* expected;
};

const Hostile kHostile[] = {
    {"", 0, "expected {"},
    {"{}", 0, "lacks one of"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} {", 8, "goes on"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,)", 8, "expected }"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,", 8, "expected a size"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': 2}", 8, "expected ("},
    {"{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}", 8, "expected True or False"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}", 8, "size >= 0"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'x': 1}", 8, "unknown key"},
    {"{'descr': '<f4', 'descr': '<f4', 'shape': (2,)}", 8, "twice"},
    {"{'descr': '<f4, 'fortran_order': False, 'shape': (2,)}", 8, "expected }"},
    {"{'descr': '<f4", 8, "no end"},
    {"{'descr': '>f4', 'fortran_order': False, 'shape': (2,)}", 8, "big endian"},
    {"{'descr': '<u2', 'fortran_order': False, 'shape': (2,)}", 4, "dtype '<u2'"},
    {"{'descr': '|O', 'fortran_order': False, 'shape': (2,)}", 16, "dtype '|O'"},
    {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}", 8, "records"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}", 8, "needs 12 bytes, got 8"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", 8, "needs 4 bytes, got 8"},
    {"{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", 8,
     "impossible"},
    {"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999,)}", 8, "size >= 0"},
    {"{'descr': '|u1', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1)}", 1, "more than 8"},
};

TEST(Npy, RefusesHostileHeaders) {
  const Folder folder;
  for (const Hostile& row : kHostile) {
    write(folder.file(), npy(row.header, std::string(row.data_bytes, '\1')));
    EXPECT_NE(error_of(folder.file()).find(row.expected), std::string::npos)
        << row.header << "\n  gave " << error_of(folder.file());
  }
  write(folder.file(), npy("{}", "", 4));
  EXPECT_NE(error_of(folder.file()).find("has format 4.0"), std::string::npos);
  write(folder.file(), std::string("\x93NUMPY\2\0\xff\xff\xff\xff{}", 14));
  EXPECT_NE(error_of(folder.file()).find("claims a header"), std::string::npos);
}

TEST(Npy, RefusesAFileCutAtAnyByte) {
  const Folder folder;
  save_npy(folder.file(), ones({3}));
  const std::string bytes = read(folder.file());
  for (size_t size = 0; size < bytes.size(); ++size) {
    write(folder.file("cut"), bytes.substr(0, size));
    EXPECT_NE(error_of(folder.file("cut")), "no error") << size << " bytes";
  }
}

TEST(Npy, SurvivesChangedBytes) {
  const Folder folder;
  save_npy(folder.file(), ones({3}));
  const std::string good = read(folder.file());
  for (size_t i = 0; i < good.size(); ++i) {
    for (const char value : std::string("\0'9(\xff", 5)) {
      std::string bytes = good;
      bytes[i] = value;
      write(folder.file("changed"), bytes);
      try {
        (void)load_npy(folder.file("changed"));
      } catch (const Error&) {
        // Anything but an Error is a failure.
      }
    }
  }
}

}  // namespace
}  // namespace tenon
