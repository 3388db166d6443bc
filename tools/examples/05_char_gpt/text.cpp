#include "text.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

using namespace tenon;

std::string read_folder(const std::string& folder, size_t least) {
  namespace fs = std::filesystem;
  std::vector<fs::path> files;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error))
    if (entry.is_regular_file() && !entry.is_symlink()) files.push_back(entry.path());
  check(!error, ErrorCode::kIo, "--text", folder, ": ", error.message(), "; name another folder");
  std::sort(files.begin(), files.end());
  std::string text;
  for (const fs::path& file : files) {
    std::ifstream stream(file, std::ios::binary);
    text.append(std::istreambuf_iterator<char>(stream), {});
    check(!stream.bad(), ErrorCode::kIo, "--text", file.string(), " can't be read");
  }
  check(text.size() >= least, ErrorCode::kIo, "--text", folder, " holds ", text.size(),
        " bytes in plain files, at least ", least, " are needed; name a folder with more text");
  return text;
}

Alphabet::Alphabet(const std::string& text) {
  std::array<bool, 256> seen{};
  for (const char letter : text) seen[static_cast<unsigned char>(letter)] = true;
  for (size_t byte = 0; byte < seen.size(); ++byte) {
    if (!seen[byte]) continue;
    numbers_[byte] = size();
    letters_ += static_cast<char>(byte);
  }
}

std::vector<int64_t> Alphabet::encode(const std::string& text) const {
  std::vector<int64_t> numbers;
  numbers.reserve(text.size());
  for (const char letter : text) numbers.push_back(numbers_[static_cast<unsigned char>(letter)]);
  return numbers;
}

int64_t Pieces::size() const {
  const int64_t last = static_cast<int64_t>(text_.size()) - context_ - 1;
  return last < 0 ? 0 : last / (context_ / 2) + 1;
}

data::Example Pieces::get(int64_t index) const {
  const auto begin = static_cast<size_t>(index * (context_ / 2));
  const auto piece = [&](size_t from) {
    return tensor(std::span<const int64_t>(text_).subspan(from, static_cast<size_t>(context_)),
                  {context_}, Device());
  };
  return {piece(begin), piece(begin + 1)};
}
