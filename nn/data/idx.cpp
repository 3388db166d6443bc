#include <tenon/nn/data/idx.h>

#include <tenon/runtime/ops/creation.h>

#include <sys/stat.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

namespace tenon::data {

namespace {

constexpr std::string_view kOp = "load_idx";
// Deflate can't expand by more than this.
constexpr uint64_t kMaxExpansion = 1032;

// Reads plain files as they are and gzipped ones decompressed.
class GzipReader {
 public:
  explicit GzipReader(const std::string& path) : path_(path) {
    struct stat status {};
    require(::stat(path.c_str(), &status) == 0, "can't be opened: ", std::strerror(errno),
            "; check the path");
    require(S_ISREG(status.st_mode), "expected a regular file");
    file_.reset(::gzopen(path.c_str(), "rb"));
    require(file_ != nullptr, "can't be opened: ", std::strerror(errno));
    ::gzbuffer(file_.get(), 1u << 17);
    file_bytes_ = static_cast<uint64_t>(status.st_size);
  }

  // How many bytes the file can hold at most.
  [[nodiscard]] uint64_t max_bytes() const {
    return ::gzdirect(file_.get()) != 0 ? file_bytes_ : file_bytes_ * kMaxExpansion;
  }

  void read(void* target, uint64_t size_bytes) {
    auto* out = static_cast<std::byte*>(target);
    while (size_bytes > 0) {
      const auto part = static_cast<unsigned>(std::min<uint64_t>(size_bytes, 1u << 30));
      const int got = ::gzread(file_.get(), out, part);
      require(got > 0, "ended ", size_bytes, " bytes early", details());
      out += got;
      size_bytes -= static_cast<uint64_t>(got);
    }
  }

  // The last `size_bytes` (0 or 1), asked for together with one more that must not be there: zlib
  // looks at the checksum behind the data only on its way to more of it.
  void read_end(std::byte* target, int size_bytes) {
    std::array<std::byte, 2> bytes{};
    const int got = ::gzread(file_.get(), bytes.data(), static_cast<unsigned>(size_bytes + 1));
    int code = Z_OK;
    ::gzerror(file_.get(), &code);
    require(got >= 0 && (code == Z_OK || code == Z_STREAM_END), "is damaged", details());
    require(got >= size_bytes, "ended 1 bytes early", details());
    require(got == size_bytes, "is longer than its header says");
    std::copy_n(bytes.data(), size_bytes, target);
  }

  template <class... Parts>
  void require(bool ok, const Parts&... parts) const {
    check(ok, ErrorCode::kIo, kOp, path_, ": ", parts...);
  }

 private:
  struct Close {
    void operator()(gzFile_s* file) const { ::gzclose(file); }
  };

  [[nodiscard]] std::string details() const {
    int code = Z_OK;
    const char* text = ::gzerror(file_.get(), &code);
    return code == Z_OK || code == Z_STREAM_END ? "; it is cut short" : join_text(" (", text, ")");
  }

  std::string path_;
  std::unique_ptr<gzFile_s, Close> file_;
  uint64_t file_bytes_ = 0;
};

DType dtype_of_code(const GzipReader& reader, unsigned code) {
  switch (code) {
    case 0x08:
      return kUInt8;
    case 0x09:
      return kInt8;
    case 0x0B:
      return kInt16;
    case 0x0C:
      return kInt32;
    case 0x0D:
      return kFloat32;
    case 0x0E:
      return kFloat64;
    default:
      break;
  }
  reader.require(false, "has the type code ", code, ", expected 8, 9, 11, 12, 13 or 14");
  return kUInt8;
}

Shape read_sizes(GzipReader& reader, int rank) {
  Shape sizes;
  for (int d = 0; d < rank; ++d) {
    std::array<uint8_t, 4> bytes{};
    reader.read(bytes.data(), bytes.size());
    uint32_t size = 0;
    for (const uint8_t byte : bytes) size = size << 8 | byte;
    sizes.push_back(size);
  }
  return sizes;
}

// IDX is big endian.
void swap_bytes(std::byte* values, uint64_t count, int64_t item_bytes) {
  if (item_bytes == 1) return;
  for (uint64_t i = 0; i < count; ++i, values += item_bytes)
    std::reverse(values, values + item_bytes);
}

}  // namespace

Tensor load_idx(const std::string& path) {
  GzipReader reader(path);
  std::array<uint8_t, 4> magic{};
  reader.read(magic.data(), magic.size());
  reader.require(magic[0] == 0 && magic[1] == 0, "begins with ", int{magic[0]}, " ", int{magic[1]},
                 ", expected 0 0; it is no IDX file");
  const DType dtype = dtype_of_code(reader, magic[2]);
  reader.require(magic[3] <= kMaxRank, "has ", int{magic[3]}, " dimensions, at most ", kMaxRank,
                 " are supported");
  const Shape sizes = read_sizes(reader, magic[3]);

  auto bytes = static_cast<uint64_t>(size_bytes(dtype));
  bool fits = true;
  for (const int64_t size : sizes)
    fits = fits && !__builtin_mul_overflow(bytes, static_cast<uint64_t>(size), &bytes);
  reader.require(fits && bytes <= reader.max_bytes(), "claims the shape ", sizes, " of ",
                 name(dtype), ", more than the file can hold; it is cut short or no IDX file");

  Tensor tensor = empty(sizes, TensorOptions(dtype, Device()));
  auto* values = static_cast<std::byte*>(tensor.data_ptr());
  const uint64_t last = bytes > 0 ? bytes - 1 : 0;
  reader.read(values, last);
  reader.read_end(values + last, bytes > 0 ? 1 : 0);
  swap_bytes(values, static_cast<uint64_t>(tensor.numel()), size_bytes(dtype));
  return tensor;
}

}  // namespace tenon::data
