#include "cache_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace tenon::vulkan {
namespace {

constexpr uint64_t kMagic = 0x3130'6b76'4e4e'4554;  // "TENNvk01"
constexpr size_t kIdBytes = 16;
constexpr uint64_t kLargest = uint64_t{256} << 20;

struct Header {
  uint64_t magic;
  uint8_t driver_id[kIdBytes];
  uint64_t size_bytes;
  uint64_t checksum;
};

// FNV-1a; against torn writes and bad disks, not against an attacker: the folder is ours alone.
uint64_t checksum(std::span<const char> bytes) {
  uint64_t hash = 0xcbf29ce484222325;
  for (char byte : bytes) hash = (hash ^ static_cast<uint8_t>(byte)) * 0x100000001b3;
  return hash;
}

bool is_private(const std::string& folder) {
  struct stat status {};
  return lstat(folder.c_str(), &status) == 0 && S_ISDIR(status.st_mode) &&
         status.st_uid == geteuid() && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

std::string default_folder() {
  const char* cache = std::getenv("XDG_CACHE_HOME");  // NOLINT(concurrency-mt-unsafe)
  const char* home = std::getenv("HOME");             // NOLINT(concurrency-mt-unsafe)
  std::string base;
  if (cache != nullptr && cache[0] == '/') {
    base = cache;
  } else if (home != nullptr && home[0] == '/') {
    base = std::string(home) + "/.cache";
  } else {
    return "";
  }
  return base + "/tenon/vulkan";
}

}  // namespace

std::string cache_path(const std::string& folder, std::span<const uint8_t> driver_id) {
  const std::string where = folder.empty() ? default_folder() : folder;
  if (where.empty()) return "";
  std::error_code failure;
  const std::filesystem::path path(where);
  std::filesystem::create_directories(path.parent_path(), failure);
  if (mkdir(where.c_str(), 0700) != 0 && errno != EEXIST) return "";
  if (!is_private(where)) return "";
  std::string name = "/pipelines-";
  for (uint8_t byte : driver_id) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", byte);
    name += digits;
  }
  return where + name;
}

std::vector<char> read_cache(const std::string& path, std::span<const uint8_t> driver_id) {
  std::ifstream file(path, std::ios::binary);
  Header header{};
  if (!file.read(reinterpret_cast<char*>(&header), sizeof header)) return {};
  if (header.magic != kMagic || header.size_bytes > kLargest || driver_id.size() != kIdBytes ||
      std::memcmp(header.driver_id, driver_id.data(), kIdBytes) != 0) {
    return {};
  }
  std::vector<char> bytes(header.size_bytes);
  if (!file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()))) return {};
  if (checksum(bytes) != header.checksum) return {};
  return bytes;
}

void write_cache(const std::string& path, std::span<const uint8_t> driver_id,
                 std::span<const char> bytes) {
  if (driver_id.size() != kIdBytes) return;
  Header header{};
  header.magic = kMagic;
  std::memcpy(header.driver_id, driver_id.data(), kIdBytes);
  header.size_bytes = bytes.size();
  header.checksum = checksum(bytes);
  const std::string draft = path + "." + std::to_string(getpid());
  const int file = open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file < 0) return;
  const auto put = [file](const void* data, size_t size) {
    return write(file, data, size) == static_cast<ssize_t>(size);
  };
  const bool whole = put(&header, sizeof header) && put(bytes.data(), bytes.size());
  const bool closed = close(file) == 0;
  if (!whole || !closed || rename(draft.c_str(), path.c_str()) != 0) unlink(draft.c_str());
}

}  // namespace tenon::vulkan
