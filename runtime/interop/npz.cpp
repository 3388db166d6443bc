#include <tenon/runtime/interop/npz.h>

#include <minizip/unzip.h>
#include <minizip/zip.h>
#include <zlib.h>

#include <algorithm>
#include <memory>
#include <set>

#include <tenon/runtime/interop/npy_internal.h>

namespace tenon {
namespace {

constexpr std::string_view kSuffix = ".npy";
constexpr uint64_t kMaxNameBytes = 4096;
constexpr uint64_t kMaxCall = uint64_t{1} << 30;  // bytes per call of the archive library
// Deflate packs at most 1032 : 1; an entry that claims more is a lie.
constexpr uint64_t kMaxRatio = 1032;

// ---- writing ----

class ZipWriter {
 public:
  explicit ZipWriter(const std::string& path)
      : file_(path, "save_npz"),
        zip_(zipOpen64(file_.temporary_path().c_str(), APPEND_STATUS_CREATE)) {
    require(zip_ != nullptr, "the archive can't be created");
  }
  ~ZipWriter() {
    if (zip_ != nullptr) zipClose(zip_, nullptr);
  }
  ZipWriter(const ZipWriter&) = delete;
  ZipWriter& operator=(const ZipWriter&) = delete;

  void begin(const std::string& name, NpzCompression compression) {
    const bool pack = compression == NpzCompression::kDeflate;
    zip_fileinfo info{};
    info.tmz_date = {0, 0, 0, 1, 0, 1980};  // equal archives for equal tensors
    const int zip64 = 1;
    const int status = zipOpenNewFileInZip64(
        zip_, name.c_str(), &info, nullptr, 0, nullptr, 0, nullptr, pack ? Z_DEFLATED : 0,
        pack ? Z_DEFAULT_COMPRESSION : Z_NO_COMPRESSION, zip64);
    require(status == ZIP_OK, "the entry can't be begun");
  }

  void write(const void* data, uint64_t size_bytes) {
    const auto* in = static_cast<const std::byte*>(data);
    while (size_bytes > 0) {
      const uint64_t part = std::min(size_bytes, kMaxCall);
      require(zipWriteInFileInZip(zip_, in, static_cast<unsigned>(part)) == ZIP_OK,
              "writing failed");
      in += part;
      size_bytes -= part;
    }
  }

  void end() { require(zipCloseFileInZip(zip_) == ZIP_OK, "the entry can't be ended"); }

  void commit() {
    const int status = zipClose(zip_, nullptr);
    zip_ = nullptr;
    require(status == ZIP_OK, "the archive can't be ended");
    file_.commit();
  }

 private:
  void require(bool ok, std::string_view what) const {
    check(ok, ErrorCode::kIo, "save_npz", file_.temporary_path(), ": ", what,
          "; check the folder, its permissions and the free space");
  }

  OutputFile file_;
  zipFile zip_;
};

void check_names(const NamedTensors& tensors) {
  std::set<std::string_view> seen;
  for (const auto& [name, tensor] : tensors) {
    check(!name.empty() && name.size() <= kMaxNameBytes && name.find('\0') == std::string::npos,
          ErrorCode::kInvalidArgument, "save_npz", "names of 1 to ", kMaxNameBytes,
          " bytes were expected, got '", name, "'");
    check(seen.insert(name).second, ErrorCode::kInvalidArgument, "save_npz", "the name '", name,
          "' is there twice");
    check(tensor.defined(), ErrorCode::kInvalidArgument, "save_npz", "the tensor '", name,
          "' is undefined");
  }
}

// ---- reading ----

// The open file as the archive library reads it, whatever becomes of the path meanwhile.
struct ZipSource {
  const InputFile& file;
  uint64_t offset = 0;
  bool failed = false;

  // No exception may pass through the library.
  uLong read(void* target, uLong size) noexcept {
    const uint64_t part = std::min<uint64_t>(size, file.size_bytes() - offset);
    try {
      file.read(offset, target, part);
    } catch (const Error&) {
      failed = true;
      return 0;
    }
    offset += part;
    return part;
  }

  long seek(uint64_t distance, int origin) noexcept {
    const uint64_t from = origin == ZLIB_FILEFUNC_SEEK_SET   ? 0
                          : origin == ZLIB_FILEFUNC_SEEK_CUR ? offset
                                                             : file.size_bytes();
    if (distance > file.size_bytes() - from) return -1;
    offset = from + distance;
    return 0;
  }
};

ZipSource& source_of(void* opaque) { return *static_cast<ZipSource*>(opaque); }

struct CloseUnzip {
  void operator()(void* zip) const { unzClose(zip); }
};
using Unzip = std::unique_ptr<void, CloseUnzip>;

// `source` must outlive the result, which is null for what is no archive.
Unzip open_unzip(ZipSource& source) {
  zlib_filefunc64_def functions{};
  functions.zopen64_file = [](void* opaque, const void*, int) { return opaque; };
  functions.zread_file = [](void* opaque, void*, void* target, uLong size) {
    return source_of(opaque).read(target, size);
  };
  functions.ztell64_file = [](void* opaque, void*) -> ZPOS64_T { return source_of(opaque).offset; };
  functions.zseek64_file = [](void* opaque, void*, ZPOS64_T distance, int origin) {
    return source_of(opaque).seek(distance, origin);
  };
  functions.zclose_file = [](void*, void*) { return 0; };
  functions.zerror_file = [](void* opaque, void*) { return source_of(opaque).failed ? 1 : 0; };
  functions.opaque = &source;
  return Unzip(unzOpen2_64(nullptr, &functions));
}

struct Entry {
  std::string name;
  uint64_t size_bytes = 0;
};

Entry current_entry(const InputFile& archive, const Unzip& zip) {
  unz_file_info64 info{};
  archive.require(
      unzGetCurrentFileInfo64(zip.get(), &info, nullptr, 0, nullptr, 0, nullptr, 0) == UNZ_OK,
      "an entry can't be read; it is damaged");
  archive.require(info.size_filename <= kMaxNameBytes, "has a name of ",
                  uint64_t{info.size_filename}, " bytes, expected at most ", kMaxNameBytes);
  std::string name(info.size_filename, '\0');
  (void)unzGetCurrentFileInfo64(zip.get(), &info, name.data(), info.size_filename, nullptr, 0,
                                nullptr, 0);
  archive.require(info.compressed_size <= archive.size_bytes() &&
                      info.uncompressed_size / kMaxRatio <= info.compressed_size,
                  "the entry '", name, "' claims ", uint64_t{info.uncompressed_size}, " bytes in ",
                  uint64_t{info.compressed_size}, " of a file of ", archive.size_bytes());
  archive.require((info.flag & 1u) == 0, "the entry '", name, "' is encrypted");
  return {std::move(name), info.uncompressed_size};
}

std::vector<std::byte> unpack(const InputFile& archive, const Unzip& zip, const Entry& entry) {
  archive.require(unzOpenCurrentFile(zip.get()) == UNZ_OK, "the entry '", entry.name,
                  "' can't be opened; it is damaged, or packed by an unknown method");
  std::vector<std::byte> bytes(entry.size_bytes);
  uint64_t done = 0;
  while (done < bytes.size()) {
    const auto part = static_cast<unsigned>(std::min(bytes.size() - done, kMaxCall));
    const int got = unzReadCurrentFile(zip.get(), bytes.data() + done, part);
    archive.require(got > 0, "the entry '", entry.name, "' ends after ", done, " of ", bytes.size(),
                    " bytes; it is damaged");
    done += static_cast<uint64_t>(got);
  }
  archive.require(unzCloseCurrentFile(zip.get()) == UNZ_OK, "the checksum of the entry '",
                  entry.name, "' is wrong; it is damaged");
  return bytes;
}

}  // namespace

void save_npz(const std::string& path, const NamedTensors& tensors, NpzCompression compression) {
  check_names(tensors);
  std::vector<std::string> headers;
  for (const auto& [name, tensor] : tensors) headers.push_back(npy_header(tensor, "save_npz"));
  ZipWriter writer(path);
  for (size_t i = 0; i < tensors.size(); ++i) {
    const HostBytes bytes(tensors[i].second);
    writer.begin(tensors[i].first + std::string(kSuffix), compression);
    writer.write(headers[i].data(), headers[i].size());
    writer.write(bytes.data(), bytes.size_bytes());
    writer.end();
  }
  writer.commit();
}

NamedTensors load_npz(const std::string& path) {
  const InputFile archive(path, "load_npz");
  ZipSource source{archive};
  const Unzip zip = open_unzip(source);
  archive.require(zip != nullptr, "is no zip archive, or cut short");
  NamedTensors tensors;
  std::set<std::string> seen;
  int status = unzGoToFirstFile(zip.get());
  for (; status == UNZ_OK; status = unzGoToNextFile(zip.get())) {
    const Entry entry = current_entry(archive, zip);
    std::string name = entry.name;
    archive.require(name.ends_with(kSuffix), "the entry '", name, "' is no .npy file");
    name.resize(name.size() - kSuffix.size());
    archive.require(seen.insert(name).second, "has the name '", name, "' twice");
    const InputFile file(join_text(path, ": ", entry.name), "load_npz",
                         unpack(archive, zip, entry));
    tensors.emplace_back(std::move(name), read_npy(file));
  }
  archive.require(status == UNZ_END_OF_LIST_OF_FILE, "its list of entries is damaged");
  return tensors;
}

}  // namespace tenon
