#include <tenon/runtime/interop/file_internal.h>

#include <tenon/runtime/ops/creation.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace tenon {

namespace {

constexpr uint64_t kMaxCall = uint64_t{1} << 30;  // bytes per read() or write()

std::string error_text() { return std::strerror(errno); }

// Copies a strided host array to row-major bytes.
void gather_rows(const std::byte* start, std::byte*& out, const Tensor& tensor, int64_t dim) {
  const auto item = static_cast<uint64_t>(tensor.element_size());
  const int64_t step = tensor.stride(dim) * tensor.element_size();
  for (int64_t i = 0; i < tensor.size(dim); ++i) {
    const std::byte* element = start + i * step;
    if (dim + 1 == tensor.dim()) {
      std::memcpy(out, element, item);
      out += item;
    } else {
      gather_rows(element, out, tensor, dim + 1);
    }
  }
}

}  // namespace

InputFile::InputFile(std::string path, std::string_view op) : path_(std::move(path)), op_(op) {
  descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  require(descriptor_ >= 0, "can't be opened: ", error_text(), "; check the path");
  struct stat status {};
  const bool known = ::fstat(descriptor_, &status) == 0;
  if (!known || !S_ISREG(status.st_mode)) {
    ::close(descriptor_);
    require(false, "expected a regular file");
  }
  size_bytes_ = static_cast<uint64_t>(status.st_size);
}

InputFile::InputFile(std::string path, std::string_view op, std::vector<std::byte> bytes)
    : path_(std::move(path)), op_(op), bytes_(std::move(bytes)), size_bytes_(bytes_.size()) {}

InputFile::~InputFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void InputFile::read(uint64_t offset, void* target, uint64_t size_bytes) const {
  require(offset <= size_bytes_ && size_bytes <= size_bytes_ - offset, "expected ", size_bytes,
          " bytes at ", offset, ", the file ends at ", size_bytes_, "; it is cut short");
  auto* out = static_cast<std::byte*>(target);
  if (descriptor_ < 0) {
    std::copy_n(bytes_.data() + offset, size_bytes, out);
    return;
  }
  while (size_bytes > 0) {
    const ssize_t got =
        ::pread(descriptor_, out, std::min(size_bytes, kMaxCall), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    require(got >= 0, "reading failed: ", error_text());
    require(got > 0, "shrank while it was read");
    out += got;
    offset += static_cast<uint64_t>(got);
    size_bytes -= static_cast<uint64_t>(got);
  }
}

OutputFile::OutputFile(std::string path, std::string_view op) : path_(std::move(path)), op_(op) {
  static std::atomic<uint32_t> counter{0};
  for (int attempt = 0; attempt < 100 && descriptor_ < 0; ++attempt) {
    temporary_path_ = join_text(path_, ".", ::getpid(), ".", counter++, ".tmp");
    descriptor_ = ::open(temporary_path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor_ < 0 && errno != EEXIST) break;
  }
  if (descriptor_ < 0) fail_io("can't be created");
}

OutputFile::~OutputFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_path_.c_str());
}

void OutputFile::fail_io(std::string_view action) const {
  fail(ErrorCode::kIo, op_, path_, ": ", action, ": ", error_text(),
       "; check the folder, its permissions and the free space");
}

void OutputFile::write(const void* data, uint64_t size_bytes) {
  const auto* in = static_cast<const std::byte*>(data);
  while (size_bytes > 0) {
    const ssize_t written = ::write(descriptor_, in, std::min(size_bytes, kMaxCall));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_io("writing failed");
    in += written;
    size_bytes -= static_cast<uint64_t>(written);
  }
}

void OutputFile::commit() {
  if (::fsync(descriptor_) != 0) fail_io("flushing failed");
  if (::rename(temporary_path_.c_str(), path_.c_str()) != 0) fail_io("renaming failed");
  ::close(descriptor_);
  descriptor_ = -1;
  // The new name itself; a file system that can't sync folders is no reason to fail.
  const size_t slash = path_.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path_.substr(0, slash + 1);
  const int folder_descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder_descriptor < 0) return;
  (void)::fsync(folder_descriptor);
  ::close(folder_descriptor);
}

HostBytes::HostBytes(const Tensor& tensor) {
  keep_ = tensor.detach();
  if (!keep_.device().is_cpu()) keep_ = keep_.to(Device());
  size_bytes_ = static_cast<uint64_t>(checked_mul(keep_.numel(), keep_.element_size()));
  if (size_bytes_ == 0) return;
  data_ = static_cast<const std::byte*>(keep_.data_ptr());
  if (keep_.is_contiguous()) return;
  copy_.resize(size_bytes_);
  std::byte* out = copy_.data();
  gather_rows(data_, out, keep_, 0);
  data_ = copy_.data();
}

Tensor read_tensor(const InputFile& file, uint64_t offset, const Shape& sizes, DType dtype) {
  Tensor tensor = empty(sizes, TensorOptions(dtype, Device()));
  const auto size = static_cast<uint64_t>(tensor.numel() * tensor.element_size());
  if (size == 0) return tensor;
  file.read(offset, tensor.data_ptr(), size);
  if (dtype == kBool) {
    auto* bytes = static_cast<uint8_t*>(tensor.data_ptr());
    std::replace_if(
        bytes, bytes + size, [](uint8_t byte) { return byte > 1; }, uint8_t{1});
  }
  return tensor;
}

}  // namespace tenon
