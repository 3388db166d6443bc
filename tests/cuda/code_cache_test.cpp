// Compiled code on disk.
#include "code_cache.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

namespace tenon::cuda {
namespace {

namespace fs = std::filesystem;

// A folder that is gone at the end.
class Folder {
 public:
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "tenon_code_XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::string path(const std::string& name = {}) const {
    return name.empty() ? path_ : path_ + "/" + name;
  }

 private:
  std::string path_;
};

CodeKey key_of(const std::string& text) {
  CodeKey key;
  key.add(text);
  return key;
}

std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

TEST(CodeCache, KeysTellPartsApart) {
  CodeKey a, b;
  a.add("ab");
  a.add("c");
  b.add("a");
  b.add("bc");
  EXPECT_NE(a.name(), b.name());
  EXPECT_EQ(a.name().size(), 32u);
}

TEST(CodeCache, FindsWhatWasPut) {
  const Folder folder;
  const std::string code("\177ELF\0code", 9);
  const CodeCache first(folder.path("a/b"));
  ASSERT_TRUE(first.keeps()) << first.why();
  EXPECT_FALSE(first.find(key_of("x")));
  first.put(key_of("x"), code);
  EXPECT_EQ(CodeCache(folder.path("a/b")).find(key_of("x")), code);
  EXPECT_FALSE(first.find(key_of("y")));
  struct stat facts {};
  ASSERT_EQ(stat(folder.path("a/b").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777u, 0700u);
}

TEST(CodeCache, IgnoresADamagedFileAndWritesItAgain) {
  const Folder folder;
  const CodeCache cache(folder.path());
  const CodeKey key = key_of("x");
  cache.put(key, "some code");
  const std::string path = folder.path(key.name()), whole = bytes_of(path);
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    write(path, damaged);
    ASSERT_FALSE(cache.find(key)) << at;
    write(path, whole.substr(0, at));
    ASSERT_FALSE(cache.find(key)) << at;
  }
  write(path, whole + "x");
  EXPECT_FALSE(cache.find(key));
  cache.put(key, "some code");
  EXPECT_EQ(cache.find(key), "some code");
}

TEST(CodeCache, RefusesFoldersThatOthersMayWrite) {
  const Folder folder;
  for (const mode_t mode : {0770, 0702}) {
    ASSERT_EQ(chmod(folder.path().c_str(), mode), 0);
    const CodeCache cache(folder.path());
    EXPECT_FALSE(cache.keeps());
    EXPECT_NE(cache.why().find("may write"), std::string::npos) << cache.why();
    cache.put(key_of("x"), "code");
    EXPECT_FALSE(cache.find(key_of("x")));
  }
  ASSERT_EQ(chmod(folder.path().c_str(), 0700), 0);
}

TEST(CodeCache, RefusesWhatIsNoFolderOfItsOwn) {
  const Folder folder;
  write(folder.path("file"), "");
  fs::create_directory_symlink(folder.path(), folder.path("link"));
  for (const std::string& path : {folder.path("file"), folder.path("file/in"), folder.path("link"),
                                  std::string("relative")}) {
    const CodeCache cache(path);
    EXPECT_FALSE(cache.keeps()) << path;
    EXPECT_FALSE(cache.why().empty());
  }
}

TEST(CodeCache, IgnoresALinkInPlaceOfAFile) {
  const Folder folder;
  const CodeCache cache(folder.path());
  const CodeKey key = key_of("x");
  cache.put(key, "code");
  fs::rename(folder.path(key.name()), folder.path("elsewhere"));
  fs::create_symlink(folder.path("elsewhere"), folder.path(key.name()));
  EXPECT_FALSE(cache.find(key));
  cache.put(key, "code");
  EXPECT_EQ(cache.find(key), "code");
}

TEST(CodeCache, StaysWithinItsLimits) {
  const Folder folder;
  const CodeCache cache(folder.path(), {.bytes = 10000, .files = 8});
  for (int i = 0; i < 40; ++i) {
    cache.put(key_of(std::to_string(i)), std::string(100, 'c'));
    const auto files = std::distance(fs::directory_iterator(folder.path()), {});
    ASSERT_LE(files, 8);
  }
  EXPECT_TRUE(cache.find(key_of("39")));
  for (int i = 0; i < 10; ++i) cache.put(key_of(std::to_string(i)), std::string(3000, 'c'));
  uintmax_t bytes = 0;
  for (const auto& file : fs::directory_iterator(folder.path())) bytes += file.file_size();
  EXPECT_LE(bytes, 10000u);
}

TEST(CodeCache, WritersAtOnceLeaveWholeFiles) {
  const Folder folder;
  const std::string code(100000, 'c');
  std::atomic<int> found{0}, wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const CodeCache cache(folder.path());
      for (int i = 0; i < 50; ++i) {
        const CodeKey key = key_of(std::to_string(i % 3));
        if ((i + t) % 2 == 0) cache.put(key, code);
        const auto read = cache.find(key);
        if (read) ++found;
        if (read && *read != code) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(found, 100);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 3);
}

}  // namespace
}  // namespace tenon::cuda
