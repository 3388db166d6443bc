#include "code_cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <vector>

namespace tenon::cuda {
namespace {

constexpr char kMagic[8] = {'T', 'N', 'C', 'O', 'D', 'E', '0', '1'};
constexpr uint64_t kLargest = uint64_t{64} << 20;  // of one file
constexpr time_t kAbandoned = 3600;                // seconds: nobody writes a temporary file longer

struct Header {
  char magic[8];
  char name[32];
  uint64_t size_bytes;
  uint64_t checksum;
};

uint64_t checksum_of(std::string_view bytes) {
  uint64_t sum = 0xcbf29ce484222325u;
  for (const char byte : bytes) {
    sum = (sum ^ static_cast<unsigned char>(byte)) * 0x100000001b3u;
  }
  return sum;
}

class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }
  [[nodiscard]] int get() const { return descriptor_; }
  bool read_all(void* to, size_t size) const {
    for (auto* at = static_cast<char*>(to); size > 0;) {
      const ssize_t part = read(descriptor_, at, size);
      if (part < 0 && errno == EINTR) continue;
      if (part <= 0) return false;
      at += part;
      size -= static_cast<size_t>(part);
    }
    return true;
  }
  bool write_all(const void* from, size_t size) const {
    for (const auto* at = static_cast<const char*>(from); size > 0;) {
      const ssize_t part = write(descriptor_, at, size);
      if (part < 0 && errno == EINTR) continue;
      if (part <= 0) return false;
      at += part;
      size -= static_cast<size_t>(part);
    }
    return true;
  }

 private:
  int descriptor_;
};

void make_folders(const std::string& path) {
  for (size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    mkdir(path.substr(0, slash).c_str(), 0700);
    if (slash == std::string::npos) return;
  }
}

bool is_code_name(const char* name) {
  return std::strlen(name) == 32 && std::strspn(name, "0123456789abcdef") == 32;
}
bool is_temporary_name(const char* name) { return std::strncmp(name, "new.", 4) == 0; }

}  // namespace

void CodeKey::add(std::string_view text) {
  const uint64_t size = text.size();
  add_bytes({reinterpret_cast<const char*>(&size), sizeof size});
  add_bytes(text);
}

void CodeKey::add_bytes(std::string_view bytes) {
  for (const char raw : bytes) {
    const auto byte = static_cast<unsigned char>(raw);
    low_ = (low_ ^ byte) * 0x100000001b3u;
    high_ = (high_ + byte) * 0xd6e8feb86659fd93u;
    high_ ^= high_ >> 29;
  }
}

std::string CodeKey::name() const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string name;
  for (const uint64_t word : {low_, high_}) {
    for (int shift = 60; shift >= 0; shift -= 4) name += kDigits[word >> shift & 15u];
  }
  return name;
}

CodeCache::CodeCache(const std::string& folder, Limits limits) : limits_(limits) {
  if (folder.empty() || folder[0] != '/') {
    why_ = "the folder for compiled programs is not an absolute path: '" + folder + "'";
    return;
  }
  make_folders(folder);
  const int opened = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (opened < 0) {
    why_ = folder + ": " + std::strerror(errno) + "; compiled programs are not kept";
    return;
  }
  struct stat facts {};
  if (fstat(opened, &facts) != 0 || facts.st_uid != geteuid() || (facts.st_mode & 022) != 0) {
    why_ = folder + ": another user owns it or may write there; compiled programs are not kept";
    close(opened);
    return;
  }
  folder_ = opened;
}

CodeCache::~CodeCache() {
  if (folder_ >= 0) close(folder_);
}

std::optional<std::string> CodeCache::find(const CodeKey& key) const {
  if (!keeps()) return std::nullopt;
  const std::string name = key.name();
  const File file(openat(folder_, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!file.is_open()) return std::nullopt;
  struct stat facts {};
  Header header{};
  if (fstat(file.get(), &facts) != 0 || !S_ISREG(facts.st_mode) ||
      !file.read_all(&header, sizeof header) ||
      std::memcmp(header.magic, kMagic, sizeof kMagic) != 0 ||
      std::memcmp(header.name, name.data(), sizeof header.name) != 0 ||
      header.size_bytes > kLargest ||
      static_cast<uint64_t>(facts.st_size) != sizeof header + header.size_bytes) {
    return std::nullopt;
  }
  std::string code(header.size_bytes, '\0');
  if (!file.read_all(code.data(), code.size()) || checksum_of(code) != header.checksum) {
    return std::nullopt;
  }
  futimens(file.get(), nullptr);  // what is used stays longest
  return code;
}

void CodeCache::put(const CodeKey& key, std::string_view code) const {
  if (!keeps() || code.size() > kLargest) return;
  static std::atomic<uint64_t> counter{0};
  const std::string name = key.name();
  const std::string temporary =
      "new." + std::to_string(getpid()) + "." + std::to_string(counter++) + "." + name;
  Header header{};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  std::memcpy(header.name, name.data(), sizeof header.name);
  header.size_bytes = code.size();
  header.checksum = checksum_of(code);
  bool written = false;
  {
    const File file(openat(folder_, temporary.c_str(),
                           O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file.is_open()) return;
    written = file.write_all(&header, sizeof header) && file.write_all(code.data(), code.size());
  }
  if (!written || renameat(folder_, temporary.c_str(), folder_, name.c_str()) != 0) {
    unlinkat(folder_, temporary.c_str(), 0);
    return;
  }
  bound();
}

// Removes the files that were not used for longest until three quarters of the limits are kept.
void CodeCache::bound() const {
  struct Entry {
    timespec used;
    uint64_t size;
    std::string name;
  };
  const int copy = openat(folder_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy < 0) return;
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(fdopendir(copy), closedir);
  if (listing == nullptr) {
    close(copy);
    return;
  }
  std::vector<Entry> entries;
  uint64_t bytes = 0;
  while (const dirent* found = readdir(listing.get())) {
    struct stat facts {};
    const bool temporary = is_temporary_name(found->d_name);
    if (!temporary && !is_code_name(found->d_name)) continue;
    if (fstatat(folder_, found->d_name, &facts, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (temporary) {
      if (facts.st_mtime + kAbandoned < time(nullptr)) unlinkat(folder_, found->d_name, 0);
      continue;
    }
    bytes += static_cast<uint64_t>(facts.st_size);
    entries.push_back({facts.st_mtim, static_cast<uint64_t>(facts.st_size), found->d_name});
  }
  if (bytes <= limits_.bytes && entries.size() <= limits_.files) return;
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return a.used.tv_sec != b.used.tv_sec ? a.used.tv_sec < b.used.tv_sec
                                          : a.used.tv_nsec < b.used.tv_nsec;
  });
  uint64_t files = entries.size();
  for (const Entry& entry : entries) {
    if (bytes <= limits_.bytes / 4 * 3 && files <= limits_.files / 4 * 3) return;
    unlinkat(folder_, entry.name.c_str(), 0);
    bytes -= entry.size;
    --files;
  }
}

std::string default_cache_folder() {
  const char* cache = secure_getenv("XDG_CACHE_HOME");
  if (cache != nullptr && cache[0] == '/') return std::string(cache) + "/tenon/cuda";
  const char* home = secure_getenv("HOME");
  if (home != nullptr && home[0] == '/') return std::string(home) + "/.cache/tenon/cuda";
  return {};
}

}  // namespace tenon::cuda
