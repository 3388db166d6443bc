// IDX files, good and bad, and the dataset made of them.
#include <zlib.h>

#include <fstream>

#include "nn/helpers.h"

namespace tenon::data {
namespace {

using test::error_of;
using test::expect_contains;
using test::Folder;
using test::values;

void write(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<int64_t>(bytes.size()));
}

std::string read(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void write_gzip(const std::string& path, const std::string& bytes) {
  gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(file);
}

std::string big_endian(uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift);
  return bytes;
}

std::string idx(char type, const std::vector<uint32_t>& sizes, const std::string& data) {
  std::string bytes = {0, 0, type, static_cast<char>(sizes.size())};
  for (const uint32_t size : sizes) bytes += big_endian(size);
  return bytes + data;
}

std::string io_error(const std::string& path) {
  return error_of(ErrorCode::kIo, [&] { (void)load_idx(path); });
}

TEST(Idx, ReadsPlainAndGzippedFiles) {
  const Folder folder;
  const std::string bytes = idx(0x08, {2, 3}, {1, 2, 3, 4, 5, '\xff'});
  write(folder.file("plain"), bytes);
  write_gzip(folder.file("packed.gz"), bytes);
  for (const char* name : {"plain", "packed.gz"}) {
    const Tensor tensor = load_idx(folder.file(name));
    EXPECT_EQ(tensor.sizes(), Shape({2, 3}));
    EXPECT_EQ(tensor.dtype(), kUInt8);
    EXPECT_EQ(values(tensor), (std::vector<double>{1, 2, 3, 4, 5, 255}));
  }
}

TEST(Idx, SwapsTheBytesOfWiderTypes) {
  const Folder folder;
  write(folder.file("i16"), idx(0x0B, {1}, std::string("\xff\xfe", 2)));
  write(folder.file("i32"), idx(0x0C, {1}, std::string("\0\0\1\2", 4)));
  write(folder.file("f32"), idx(0x0D, {1}, std::string("\x3f\xc0\0\0", 4)));
  write(folder.file("f64"), idx(0x0E, {1}, std::string("\x3f\xf8\0\0\0\0\0\0", 8)));
  EXPECT_EQ(values(load_idx(folder.file("i16"))), std::vector<double>{-2});
  EXPECT_EQ(values(load_idx(folder.file("i32"))), std::vector<double>{258});
  EXPECT_EQ(values(load_idx(folder.file("f32"))), std::vector<double>{1.5});
  EXPECT_EQ(values(load_idx(folder.file("f64"))), std::vector<double>{1.5});
}

TEST(Idx, RefusesLies) {
  const Folder folder;
  const auto text = [&](const std::string& bytes) {
    write(folder.file("a"), bytes);
    write_gzip(folder.file("a.gz"), bytes);
    (void)io_error(folder.file("a.gz"));
    return io_error(folder.file("a"));
  };
  expect_contains(text("\1\2\3\4"), "no IDX file");
  expect_contains(text(idx(0x07, {1}, "a")), "type code 7");
  expect_contains(text(idx(0x08, {1, 1, 1, 1, 1, 1, 1, 1, 1}, "a")), "9 dimensions");
  expect_contains(text(idx(0x08, {0xffffffff}, "a")), "more than the file can hold");
  expect_contains(text(idx(0x0E, {0xffffffff, 0xffffffff, 0xffffffff}, "a")), "more than the file");
  expect_contains(text(idx(0x08, {4}, "abc")), "1 bytes early");
  expect_contains(text(idx(0x08, {2}, "abc")), "longer than its header says");
  expect_contains(io_error(folder.file("none")), "can't be opened");
  expect_contains(io_error(folder.path()), "regular file");
}

TEST(Idx, RefusesFilesCutAtAnyByte) {
  const Folder folder;
  const std::string plain = idx(0x08, {2, 3}, "abcdef");
  write_gzip(folder.file("a.gz"), plain);
  for (const std::string& bytes : {plain, read(folder.file("a.gz"))}) {
    for (size_t size = 0; size < bytes.size(); ++size) {
      write(folder.file("cut"), bytes.substr(0, size));
      (void)io_error(folder.file("cut"));
    }
  }
}

TEST(Idx, NoticesDamageByTheChecksum) {
  const Folder folder;
  write_gzip(folder.file("a.gz"), idx(0x08, {64}, std::string(64, 'a')));
  std::string bytes = read(folder.file("a.gz"));
  bytes[bytes.size() - 8] ^= 1;  // CRC-32
  write(folder.file("a.gz"), bytes);
  (void)io_error(folder.file("a.gz"));
}

// A dataset of two images in a folder.
void write_pair(const Folder& folder, const std::string& images, const std::string& labels) {
  write(folder.file("train-images-idx3-ubyte"), images);
  write(folder.file("train-labels-idx1-ubyte"), labels);
}

TEST(FashionMnist, NormalisesImagesAndKeepsLabels) {
  const Folder folder;
  write_pair(folder, idx(0x08, {2, 1, 2}, std::string("\0\xff\x80\0", 4)),
             idx(0x08, {2}, std::string("\3\x09", 2)));
  const FashionMnist dataset(Split::kTrain, folder.path());
  EXPECT_EQ(dataset.size(), 2);
  const Example batch = dataset.get_batch(std::vector<int64_t>{1, 0});
  EXPECT_EQ(batch.data.sizes(), Shape({2, 1, 1, 2}));
  EXPECT_EQ(batch.target.to_vector<int64_t>(), (std::vector<int64_t>{9, 3}));
  const double low = -0.2860 / 0.3530, high = (1 - 0.2860) / 0.3530;
  test::expect_close(values(batch.data), {(128.0 / 255 - 0.2860) / 0.3530, low, low, high});
  EXPECT_EQ(dataset.get(1).target.item<int64_t>(), 9);
}

TEST(FashionMnist, RefusesWhatDoesNotGoTogether) {
  const Folder folder;
  const auto text = [&] {
    return error_of(ErrorCode::kIo, [&] { FashionMnist(Split::kTrain, folder.path()); });
  };
  expect_contains(text(), "found neither");
  write_pair(folder, idx(0x08, {2, 1, 1}, "ab"), idx(0x08, {1}, std::string(1, '\1')));
  expect_contains(text(), "expected uint8 images (N, H, W) and labels (N)");
  write_pair(folder, idx(0x08, {1, 1, 1}, "a"), idx(0x08, {1}, "\x0a"));
  expect_contains(text(), "labels below 10");
}

}  // namespace
}  // namespace tenon::data
