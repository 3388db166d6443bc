// Compiled code on disk, by the hash of what it was made from. Any trouble means: not found.
#ifndef TENON_PLUGINS_CUDA_CODE_CACHE_H
#define TENON_PLUGINS_CUDA_CODE_CACHE_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tenon::cuda {

// 128 bits of what code is made from.
class CodeKey {
 public:
  void add(std::string_view text);         // "ab", "c" differs from "a", "bc"
  [[nodiscard]] std::string name() const;  // 32 hexadecimal digits

 private:
  void add_bytes(std::string_view bytes);

  uint64_t low_ = 0xcbf29ce484222325u, high_ = 0x9e3779b97f4a7c15u;
};

class CodeCache {
 public:
  struct Limits {
    uint64_t bytes = uint64_t{256} << 20;
    uint64_t files = 4096;
  };

  CodeCache() = default;  // keeps nothing
  // Makes the folder where it is missing. One that others own or may write is refused: why() then
  // says so, and nothing is kept.
  explicit CodeCache(const std::string& folder) : CodeCache(folder, Limits{}) {}
  CodeCache(const std::string& folder, Limits limits);
  ~CodeCache();
  CodeCache(const CodeCache&) = delete;
  CodeCache& operator=(const CodeCache&) = delete;

  [[nodiscard]] std::optional<std::string> find(const CodeKey& key) const;
  // Whole or not at all, also when several processes write the same.
  void put(const CodeKey& key, std::string_view code) const;

  [[nodiscard]] bool keeps() const { return folder_ >= 0; }
  [[nodiscard]] const std::string& why() const { return why_; }

 private:
  void bound() const;

  int folder_ = -1;  // every file is reached through it
  Limits limits_;
  std::string why_;
};

// Where code is kept unless configuration says: $XDG_CACHE_HOME/tenon/cuda or ~/.cache/tenon/cuda;
// empty when neither is known.
std::string default_cache_folder();

}  // namespace tenon::cuda

#endif
