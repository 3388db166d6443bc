#include <tenon/runtime/loader/elf_note_internal.h>

#include <elf.h>
#include <unistd.h>

#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

#include <tenon/api/device_plugin.h>

#include <tenon/runtime/error.h>
#include <tenon/runtime/loader/text_internal.h>

namespace tenon::loader {
namespace {

constexpr uint64_t kMaxNoteBytes = 65536;
constexpr uint32_t kMaxSegments = 256;

#if defined(__x86_64__)
constexpr uint16_t kMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr uint16_t kMachine = EM_AARCH64;
#elif defined(__riscv)
constexpr uint16_t kMachine = EM_RISCV;
#elif defined(__powerpc64__)
constexpr uint16_t kMachine = EM_PPC64;
#else
constexpr uint16_t kMachine = EM_NONE;  // not checked here; the loader refuses what does not fit
#endif
constexpr uint8_t kByteOrder =
    __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;

template <class... Parts>
[[noreturn]] void refuse(const Parts&... parts) {
  throw LoadFailure("refused", join_text(parts...));
}

// Whether [offset, offset + size) lies inside a file of `total` bytes.
bool fits(uint64_t offset, uint64_t size, uint64_t total) {
  return offset <= total && size <= total - offset;
}

std::vector<char> read_range(const CheckedFile& file, uint64_t offset, uint64_t size) {
  std::vector<char> bytes(size);
  uint64_t done = 0;
  while (done < size) {
    const ssize_t got = ::pread(file.file.get(), bytes.data() + done, size - done,
                                static_cast<off_t>(offset + done));
    if (got <= 0) refuse("the file ended while it was read");
    done += static_cast<uint64_t>(got);
  }
  return bytes;
}

template <class T>
T value_at(const std::vector<char>& bytes, uint64_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

Elf64_Ehdr read_header(const CheckedFile& file) {
  if (file.size_bytes == 0) refuse("the file is empty");
  if (file.size_bytes < sizeof(Elf64_Ehdr)) refuse("not an ELF file: ", file.size_bytes, " bytes");
  const auto header = value_at<Elf64_Ehdr>(read_range(file, 0, sizeof(Elf64_Ehdr)), 0);
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) refuse("not an ELF file");
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != kByteOrder) {
    refuse("not for this machine: expected a 64-bit ELF file of this byte order, got class ",
           header.e_ident[EI_CLASS], " order ", header.e_ident[EI_DATA]);
  }
  if (kMachine != EM_NONE && header.e_machine != kMachine) {
    refuse("not for this processor: expected ELF machine ", kMachine, ", got ", header.e_machine);
  }
  if (header.e_type != ET_DYN) refuse("not a shared object: ELF type ", header.e_type);
  if (header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phnum == 0 ||
      header.e_phnum > kMaxSegments) {
    refuse("malformed ELF file: ", header.e_phnum, " program headers of ", header.e_phentsize,
           " bytes");
  }
  if (!fits(header.e_phoff, uint64_t{header.e_phnum} * sizeof(Elf64_Phdr), file.size_bytes)) {
    refuse("truncated ELF file: the program headers lie behind its end");
  }
  return header;
}

PluginNote decode_note(const std::vector<char>& bytes, uint64_t offset, uint64_t size) {
  struct Facts {
    uint32_t abi_major, abi_minor, abi_major_min, host_minor_min;
    char name[TN_MAX_NAME];
  };
  if (size < sizeof(Facts)) {
    refuse("malformed Tenon note: expected at least ", sizeof(Facts), " bytes, got ", size);
  }
  const auto facts = value_at<Facts>(bytes, offset);
  const std::string_view name(facts.name, ::strnlen(facts.name, sizeof facts.name));
  if (!is_device_type(name)) {
    refuse("the name in its Tenon note must be [a-z0-9_]{1,32}, got \"", clean_text(name, 64),
           "\"");
  }
  return {std::string(name), facts.abi_major, facts.abi_minor, facts.abi_major_min,
          facts.host_minor_min};
}

// Walks the notes of one segment. Names and descriptions are padded to `align` bytes.
void scan_notes(const std::vector<char>& bytes, uint64_t align, std::optional<PluginNote>* found) {
  const auto padded = [align](uint64_t size) { return (size + align - 1) / align * align; };
  uint64_t at = 0;
  while (fits(at, sizeof(Elf64_Nhdr), bytes.size())) {
    const auto note = value_at<Elf64_Nhdr>(bytes, at);
    const uint64_t owner = at + sizeof note;
    const uint64_t facts = owner + padded(note.n_namesz);
    if (!fits(owner, note.n_namesz, bytes.size()) || !fits(facts, note.n_descsz, bytes.size())) {
      return;  // whatever it is, it is not a note of ours
    }
    if (note.n_type == TN_NOTE_TYPE && note.n_namesz == 6 &&
        std::memcmp(bytes.data() + owner, "Tenon", 6) == 0) {
      if (found->has_value()) refuse("more than one Tenon note in the file");
      *found = decode_note(bytes, facts, note.n_descsz);
    }
    at = facts + padded(note.n_descsz);
  }
}

}  // namespace

PluginNote read_note(const CheckedFile& file) {
  const Elf64_Ehdr header = read_header(file);
  const auto table =
      read_range(file, header.e_phoff, uint64_t{header.e_phnum} * sizeof(Elf64_Phdr));
  std::optional<PluginNote> found;
  for (uint32_t i = 0; i < header.e_phnum; ++i) {
    const auto segment = value_at<Elf64_Phdr>(table, i * sizeof(Elf64_Phdr));
    const bool used = segment.p_type == PT_LOAD || segment.p_type == PT_NOTE;
    if (used && !fits(segment.p_offset, segment.p_filesz, file.size_bytes)) {
      refuse("truncated ELF file: ", file.size_bytes, " bytes, but a segment ends behind them");
    }
    if (segment.p_type != PT_NOTE || segment.p_filesz > kMaxNoteBytes) continue;
    const auto bytes = read_range(file, segment.p_offset, segment.p_filesz);
    scan_notes(bytes, segment.p_align == 8 ? 8 : 4, &found);
  }
  if (!found) refuse("no Tenon note in the file: not a plugin, or built without TN_PLUGIN");
  return *found;
}

}  // namespace tenon::loader
