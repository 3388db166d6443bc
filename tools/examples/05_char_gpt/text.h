// Characters of a text as numbers.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <tenon/tenon.h>

// All plain files of a folder, in the order of their names; links are left out.
// Errors: Io when the folder or a file can't be read, or there is less than `least` bytes.
[[nodiscard]] std::string read_folder(const std::string& folder, size_t least);

// The bytes that occur in a text, numbered in their order.
class Alphabet {
 public:
  explicit Alphabet(const std::string& text);
  [[nodiscard]] int64_t size() const noexcept { return static_cast<int64_t>(letters_.size()); }
  // Bytes that are not in the alphabet become its first.
  [[nodiscard]] std::vector<int64_t> encode(const std::string& text) const;
  [[nodiscard]] char letter(int64_t number) const {
    return letters_.at(static_cast<size_t>(number));
  }

 private:
  std::string letters_;
  std::array<int64_t, 256> numbers_{};
};

// Pieces of a text: example i is the `context` characters from i·context/2 on, and those one
// further.
class Pieces : public tenon::data::Dataset {
 public:
  Pieces(std::vector<int64_t> text, int64_t context) : text_(std::move(text)), context_(context) {}
  [[nodiscard]] int64_t size() const override;
  [[nodiscard]] tenon::data::Example get(int64_t index) const override;

 private:
  std::vector<int64_t> text_;
  int64_t context_;
};
