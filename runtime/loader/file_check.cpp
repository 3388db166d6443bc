#include <tenon/runtime/loader/file_check_internal.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <system_error>

#include <tenon/runtime/error.h>

namespace tenon::loader {
namespace {

std::string system_text(int code) { return std::generic_category().message(code); }

[[noreturn]] void fail_open(int code) {
  const bool absent = code == ENOENT || code == ENOTDIR;
  throw LoadFailure(absent ? "absent" : "refused", system_text(code));
}

std::string resolve(const std::string& path) {
  const std::unique_ptr<char, void (*)(void*)> real(::realpath(path.c_str(), nullptr), std::free);
  if (real == nullptr) fail_open(errno);
  return real.get();
}

std::string parent_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

// Whoever may write to a folder may put another one in its place.
void check_ancestors(const std::string& real_path) {
  for (std::string at = real_path; at != "/";) {
    at = parent_of(at);
    struct stat status;
    if (::stat(at.c_str(), &status) != 0) fail_open(errno);
    if ((status.st_mode & S_IWOTH) != 0 && (status.st_mode & S_ISVTX) == 0) {
      throw LoadFailure("refused", join_text("the folder above it, ", at,
                                             ", is writable by everybody; chmod o-w it"));
    }
  }
}

}  // namespace

File::~File() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::string distrust(const Ownership& ownership, uint32_t self) {
  if (ownership.owner != 0 && ownership.owner != self) {
    return join_text("owned by user ", ownership.owner, ", expected root or the user ", self,
                     " who runs this; chown it");
  }
  if ((ownership.mode & S_IWOTH) != 0) return "writable by everybody; chmod o-w it";
  return {};
}

FileIdentity check_folder(const std::string& path) {
  const std::string real_path = resolve(path);
  const File folder(::open(real_path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct stat status;
  if (folder.get() < 0 || ::fstat(folder.get(), &status) != 0) fail_open(errno);
  const std::string reason = distrust({status.st_uid, status.st_mode}, ::geteuid());
  if (!reason.empty()) throw LoadFailure("refused", "the folder is " + reason);
  check_ancestors(real_path);
  return {status.st_dev, status.st_ino};
}

CheckedFile check_file(const std::string& path) {
  CheckedFile checked;
  checked.real_path = resolve(path);
  static_cast<void>(check_folder(parent_of(checked.real_path)));
  // Nonblocking, or a pipe with no writer would hang here.
  checked.file = File(::open(checked.real_path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status;
  if (checked.file.get() < 0 || ::fstat(checked.file.get(), &status) != 0) fail_open(errno);
  if (!S_ISREG(status.st_mode)) throw LoadFailure("refused", "not a regular file");
  const std::string reason = distrust({status.st_uid, status.st_mode}, ::geteuid());
  if (!reason.empty()) throw LoadFailure("refused", "the file is " + reason);
  checked.identity = {status.st_dev, status.st_ino};
  checked.size_bytes = static_cast<uint64_t>(status.st_size);
  return checked;
}

FileIdentity identity_of(const std::string& path) {
  struct stat status;
  if (::stat(path.c_str(), &status) != 0) fail_open(errno);
  return {status.st_dev, status.st_ino};
}

}  // namespace tenon::loader
