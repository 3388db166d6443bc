// A plugin file is judged through one open descriptor before it is loaded.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

namespace tenon::loader {

// Why an attempt ended; `verdict` as in LoadRecord.
class LoadFailure : public std::runtime_error {
 public:
  LoadFailure(const char* verdict, const std::string& detail)
      : std::runtime_error(detail), verdict_(verdict) {}
  [[nodiscard]] const char* verdict() const noexcept { return verdict_; }

 private:
  const char* verdict_;
};

// An open descriptor.
class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  File(File&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  File& operator=(File&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~File();
  [[nodiscard]] int get() const noexcept { return descriptor_; }

 private:
  int descriptor_;
};

struct FileIdentity {
  dev_t device = 0;
  ino_t inode = 0;
  friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};

// Who owns a file or folder and who may write to it.
struct Ownership {
  uint32_t owner = 0;
  uint32_t mode = 0;
};
// "" when it may be trusted: owned by root or by `self`, not writable by everybody.
[[nodiscard]] std::string distrust(const Ownership& ownership, uint32_t self);

// The folder's identity. LoadFailure when it can't be opened ("absent") or trusted ("refused"): it,
// or a folder above it that is writable by everybody and not sticky, as /tmp is.
[[nodiscard]] FileIdentity check_folder(const std::string& path);

// A trusted regular file in a trusted folder, open for reading.
struct CheckedFile {
  File file{-1};
  std::string real_path;
  FileIdentity identity;
  uint64_t size_bytes = 0;
};
[[nodiscard]] CheckedFile check_file(const std::string& path);

// Of the file that a path leads to now.
[[nodiscard]] FileIdentity identity_of(const std::string& path);

}  // namespace tenon::loader
