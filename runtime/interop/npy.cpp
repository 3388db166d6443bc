#include <tenon/runtime/interop/npy.h>

#include <tenon/runtime/interop/npy_internal.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace tenon {

namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr uint64_t kMaxHeaderBytes = 1 << 20;  // NumPy writes about 128
constexpr uint64_t kAlignment = 64;

struct Descriptor {
  DType dtype;
  std::string_view text;
};
constexpr Descriptor kDescriptors[] = {{kBool, "|b1"},    {kUInt8, "|u1"},   {kInt8, "|i1"},
                                       {kInt16, "<i2"},   {kInt32, "<i4"},   {kInt64, "<i8"},
                                       {kFloat16, "<f2"}, {kFloat32, "<f4"}, {kFloat64, "<f8"}};

struct Header {
  std::string descriptor;
  bool fortran_order = false;
  Shape sizes;
};

// Reads the dictionary {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }.
class HeaderParser {
 public:
  HeaderParser(const InputFile& file, std::string_view text) : file_(file), text_(text) {}

  Header parse() {
    bool seen[3] = {};
    expect('{');
    while (!accept('}')) {
      const std::string key = quoted();
      expect(':');
      const int which = key == "descr" ? 0 : key == "fortran_order" ? 1 : key == "shape" ? 2 : 3;
      file_.require(which < 3, "the header has the unknown key '", key, "'");
      file_.require(!seen[which], "the header has '", key, "' twice");
      seen[which] = true;
      if (which == 0)
        header_.descriptor = descriptor();
      else if (which == 1)
        header_.fortran_order = boolean();
      else
        header_.sizes = shape();
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    file_.require(position_ == text_.size(), "the header goes on after its }");
    file_.require(seen[0] && seen[1] && seen[2],
                  "the header lacks one of 'descr', 'fortran_order', 'shape'");
    return std::move(header_);
  }

 private:
  void skip_space() {
    while (position_ < text_.size() && std::strchr(" \t\n\r", text_[position_]) != nullptr &&
           text_[position_] != '\0')
      ++position_;
  }

  bool accept(char c) {
    skip_space();
    if (position_ >= text_.size() || text_[position_] != c) return false;
    ++position_;
    return true;
  }

  void expect(char c) {
    file_.require(accept(c), "expected ", c, " at byte ", position_, " of the header");
  }

  std::string quoted() {
    skip_space();
    const char quote = position_ < text_.size() ? text_[position_] : '\0';
    file_.require(quote == '\'' || quote == '"', "expected a quoted text at byte ", position_,
                  " of the header");
    const size_t end = text_.find(quote, position_ + 1);
    file_.require(end != std::string_view::npos, "a quoted text in the header has no end");
    const std::string_view inner = text_.substr(position_ + 1, end - position_ - 1);
    position_ = end + 1;
    return std::string(inner);
  }

  std::string descriptor() {
    skip_space();
    file_.require(position_ < text_.size() && text_[position_] != '[',
                  "holds records; expected one plain dtype");
    return quoted();
  }

  bool boolean() {
    skip_space();
    for (const bool value : {false, true}) {
      const std::string_view word = value ? "True" : "False";
      if (!text_.substr(position_).starts_with(word)) continue;
      position_ += word.size();
      return value;
    }
    file_.require(false, "expected True or False at byte ", position_, " of the header");
    return false;
  }

  Shape shape() {
    Shape sizes;
    expect('(');
    while (!accept(')')) {
      int64_t size = 0;
      skip_space();
      const char* const begin = text_.data() + position_;
      const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), size);
      file_.require(error == std::errc() && size >= 0, "expected a size >= 0 at byte ", position_,
                    " of the header");
      position_ += static_cast<size_t>(end - begin);
      file_.require(sizes.rank() < kMaxRank, "has more than ", kMaxRank, " dimensions");
      sizes.push_back(size);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return sizes;
  }

  const InputFile& file_;
  std::string_view text_;
  size_t position_ = 0;
  Header header_;
};

DType find_dtype(const InputFile& file, std::string text) {
  const std::string given = text;
  file.require(text.empty() || text[0] != '>' || text.ends_with('1'), "is big endian (", given,
               "); write it little endian: a.astype(a.dtype.newbyteorder('<'))");
  if (!text.empty() && (text[0] == '=' || text[0] == '<' || text[0] == '>' || text[0] == '|'))
    text[0] = text.ends_with('1') ? '|' : '<';
  for (const Descriptor& row : kDescriptors)
    if (row.text == text) return row.dtype;
  file.require(false, "has the dtype '", given,
               "', expected one of |b1 |u1 |i1 <i2 <i4 <i8 <f2 <f4 <f8");
  return kFloat32;
}

// Bytes of an array, or an error before anything is allocated.
uint64_t array_bytes(const InputFile& file, const Shape& sizes, DType dtype) {
  uint64_t bytes = static_cast<uint64_t>(size_bytes(dtype));
  bool fits = true;
  for (const int64_t size : sizes)
    fits = fits && !__builtin_mul_overflow(bytes, static_cast<uint64_t>(size), &bytes);
  file.require(fits, "the shape ", sizes, " is impossible");
  return bytes;
}

std::string header_text(std::string_view descriptor, const Shape& sizes) {
  std::string text = join_text("{'descr': '", descriptor, "', 'fortran_order': False, 'shape': (");
  for (int64_t d = 0; d < sizes.rank(); ++d)
    text += join_text(d > 0 ? " " : "", sizes[d], d + 1 < sizes.rank() || d == 0 ? "," : "");
  text += "), }";
  const size_t before = kMagic.size() + 4;
  const size_t total = (before + text.size() + 1 + kAlignment - 1) / kAlignment * kAlignment;
  text.resize(total - before - 1, ' ');
  return text + '\n';
}

}  // namespace

std::string npy_header(const Tensor& tensor, std::string_view op) {
  check(tensor.dtype() != kBFloat16, ErrorCode::kDType, op,
        "NumPy has no bfloat16; convert with .to(kFloat32), or use save_safetensors");
  const auto* row = std::find_if(std::begin(kDescriptors), std::end(kDescriptors),
                                 [&](const Descriptor& d) { return d.dtype == tensor.dtype(); });
  const std::string text = header_text(row->text, tensor.sizes());
  const char version[] = {1, 0, static_cast<char>(text.size() & 0xff),
                          static_cast<char>(text.size() >> 8)};
  return join_text(kMagic, std::string_view(version, sizeof version), text);
}

void save_npy(const std::string& path, const Tensor& tensor) {
  constexpr std::string_view kOp = "save_npy";
  const std::string header = npy_header(tensor, kOp);
  const HostBytes bytes(tensor);
  OutputFile file(path, kOp);
  file.write(header.data(), header.size());
  file.write(bytes.data(), bytes.size_bytes());
  file.commit();
}

Tensor load_npy(const std::string& path) { return read_npy(InputFile(path, "load_npy")); }

Tensor read_npy(const InputFile& file) {
  unsigned char start[12] = {};
  file.require(file.size_bytes() >= 10, "expected a header, got ", file.size_bytes(),
               " bytes; it is no .npy file");
  file.read(0, start, std::min<uint64_t>(sizeof start, file.size_bytes()));
  file.require(std::memcmp(start, kMagic.data(), kMagic.size()) == 0,
               "does not begin with \\x93NUMPY; it is no .npy file");
  const unsigned major = start[6];
  file.require(major >= 1 && major <= 3 && start[7] == 0, "has format ", major, ".", int{start[7]},
               ", expected 1.0, 2.0 or 3.0");
  uint64_t length = start[8] | uint64_t{start[9]} << 8;
  if (major > 1) length |= uint64_t{start[10]} << 16 | uint64_t{start[11]} << 24;
  const uint64_t text_begin = major > 1 ? 12 : 10;
  file.require(length <= kMaxHeaderBytes && text_begin + length <= file.size_bytes(),
               "claims a header of ", length, " bytes in a file of ", file.size_bytes(),
               "; it is cut short");
  std::string text(length, '\0');
  file.read(text_begin, text.data(), length);
  const Header header = HeaderParser(file, text).parse();
  const DType dtype = find_dtype(file, header.descriptor);

  const uint64_t data_begin = text_begin + length;
  const uint64_t expected = array_bytes(file, header.sizes, dtype);
  file.require(expected == file.size_bytes() - data_begin, "the shape ", header.sizes, " of ",
               name(dtype), " needs ", expected, " bytes, got ", file.size_bytes() - data_begin);
  if (!header.fortran_order) return read_tensor(file, data_begin, header.sizes, dtype);

  Shape reversed_sizes, reversed_dims;
  for (int64_t d = header.sizes.rank() - 1; d >= 0; --d) {
    reversed_sizes.push_back(header.sizes[d]);
    reversed_dims.push_back(d);
  }
  return read_tensor(file, data_begin, reversed_sizes, dtype).permute(reversed_dims);
}

}  // namespace tenon
