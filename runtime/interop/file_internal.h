// Reading and writing whole files: strangers' sizes are checked against the real one, and a file
// is replaced in one step or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <tenon/runtime/tensor.h>

namespace tenon {

// A regular file open for reading, or a member of an archive. Errors (all members): Io, naming the
// path.
class InputFile {
 public:
  // `op` begins the messages.
  InputFile(std::string path, std::string_view op);
  // Bytes that were unpacked; `path` says where they come from.
  InputFile(std::string path, std::string_view op, std::vector<std::byte> bytes);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  [[nodiscard]] uint64_t size_bytes() const noexcept { return size_bytes_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  // Reads exactly size_bytes at the offset.
  void read(uint64_t offset, void* target, uint64_t size_bytes) const;
  // Throws Io "op: path: parts…".
  template <class... Parts>
  void require(bool ok, const Parts&... parts) const {
    check(ok, ErrorCode::kIo, op_, path_, ": ", parts...);
  }

 private:
  std::string path_;
  std::string op_;
  int descriptor_ = -1;  // -1: bytes_
  std::vector<std::byte> bytes_;
  uint64_t size_bytes_ = 0;
};

// Writes beside the target and moves it there on commit(); without commit() nothing is left.
// Errors (all members): Io, naming the path.
class OutputFile {
 public:
  OutputFile(std::string path, std::string_view op);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(const void* data, uint64_t size_bytes);
  // Where to write by other means than write().
  [[nodiscard]] const std::string& temporary_path() const noexcept { return temporary_path_; }
  // Flushes to the disk, then renames.
  void commit();

 private:
  [[noreturn]] void fail_io(std::string_view action) const;

  std::string path_;
  std::string op_;
  std::string temporary_path_;
  int descriptor_ = -1;
};

// The row-major bytes of a tensor of any layout on any device, without computing on the host.
class HostBytes {
 public:
  explicit HostBytes(const Tensor& tensor);
  [[nodiscard]] const std::byte* data() const noexcept { return data_; }
  [[nodiscard]] uint64_t size_bytes() const noexcept { return size_bytes_; }

 private:
  Tensor keep_;                  // when its memory is used as it is
  std::vector<std::byte> copy_;  // otherwise
  const std::byte* data_ = nullptr;
  uint64_t size_bytes_ = 0;
};

// A new, dense host tensor with the bytes of a file. Bool bytes other than 0 become 1.
[[nodiscard]] Tensor read_tensor(const InputFile& file, uint64_t offset, const Shape& sizes,
                                 DType dtype);

}  // namespace tenon
