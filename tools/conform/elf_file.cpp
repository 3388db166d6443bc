#include "elf_file.h"

#include <elf.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>

#include "case.h"

namespace tenon::conform {
namespace {

class Reader {
 public:
  explicit Reader(const std::string& path) {
    std::ifstream stream(path, std::ios::binary);
    require(stream.good(), "cannot be read");
    bytes_.assign(std::istreambuf_iterator<char>(stream), {});
    header_ = at<Elf64_Ehdr>(0);
    const bool right = std::memcmp(header_.e_ident, ELFMAG, SELFMAG) == 0 &&
                       header_.e_ident[EI_CLASS] == ELFCLASS64 && header_.e_type == ET_DYN;
    require(right, "no 64-bit shared object");
  }

  ElfFile read() {
    read_segments();
    read_dynamic();
    read_symbols();
    return std::move(file_);
  }

 private:
  template <class T>
  [[nodiscard]] T at(uint64_t offset) const {
    require(offset <= bytes_.size() && sizeof(T) <= bytes_.size() - offset,
            "truncated: it refers to bytes behind its end");
    T value;
    std::memcpy(&value, bytes_.data() + offset, sizeof value);
    return value;
  }

  [[nodiscard]] std::string text_at(uint64_t offset) const {
    require(offset < bytes_.size(), "truncated: a name lies behind its end");
    return {bytes_.data() + offset, strnlen(bytes_.data() + offset, bytes_.size() - offset)};
  }

  void read_segments() {
    for (uint32_t i = 0; i < header_.e_phnum; ++i) {
      const auto segment = at<Elf64_Phdr>(header_.e_phoff + i * sizeof(Elf64_Phdr));
      const bool executable = (segment.p_flags & PF_X) != 0;
      if (segment.p_type == PT_GNU_STACK) {
        file_.has_stack_header = true;
        file_.executable_stack = executable;
      }
      if (segment.p_type == PT_LOAD && executable && (segment.p_flags & PF_W) != 0) {
        file_.writable_code = true;
      }
      if (segment.p_type == PT_DYNAMIC) dynamic_ = segment;
      if (segment.p_type == PT_NOTE) read_notes(segment);
    }
  }

  void read_notes(const Elf64_Phdr& segment) {
    const uint64_t end = segment.p_offset + segment.p_filesz;
    const uint64_t unit = segment.p_align == 8 ? 8 : 4;
    const auto padded = [unit](uint64_t size) { return (size + unit - 1) / unit * unit; };
    for (uint64_t offset = segment.p_offset; offset + sizeof(Elf64_Nhdr) <= end;) {
      const auto note = at<Elf64_Nhdr>(offset);
      const uint64_t whole = sizeof note + padded(note.n_namesz) + padded(note.n_descsz);
      if (note.n_type == TN_NOTE_TYPE && note.n_namesz == 6 &&
          text_at(offset + sizeof note) == "Tenon") {
        file_.notes.push_back(at<tn_plugin_note>(offset));
      }
      if (whole > end - offset) break;
      offset += whole;
    }
  }

  // Bytes of the file that are loaded at this address.
  [[nodiscard]] uint64_t offset_of(uint64_t address) const {
    for (uint32_t i = 0; i < header_.e_phnum; ++i) {
      const auto segment = at<Elf64_Phdr>(header_.e_phoff + i * sizeof(Elf64_Phdr));
      if (segment.p_type == PT_LOAD && address >= segment.p_vaddr &&
          address - segment.p_vaddr < segment.p_filesz) {
        return segment.p_offset + address - segment.p_vaddr;
      }
    }
    throw Failure("an address of its dynamic section lies in no segment");
  }

  void read_dynamic() {
    require(dynamic_.has_value(), "no dynamic section");
    std::vector<Elf64_Dyn> entries;
    for (uint64_t i = 0; i < dynamic_->p_filesz / sizeof(Elf64_Dyn); ++i) {
      entries.push_back(at<Elf64_Dyn>(dynamic_->p_offset + i * sizeof(Elf64_Dyn)));
    }
    uint64_t strings = 0;
    for (const Elf64_Dyn& e : entries) {
      if (e.d_tag == DT_STRTAB) strings = offset_of(e.d_un.d_ptr);
      if (e.d_tag == DT_TEXTREL) file_.text_relocations = true;
      if (e.d_tag == DT_FLAGS && (e.d_un.d_val & DF_TEXTREL) != 0) file_.text_relocations = true;
    }
    for (const Elf64_Dyn& e : entries) {
      if (e.d_tag == DT_NEEDED) file_.needed.push_back(text_at(strings + e.d_un.d_val));
      if (e.d_tag == DT_RPATH || e.d_tag == DT_RUNPATH) {
        split_paths(text_at(strings + e.d_un.d_val));
      }
    }
  }

  void split_paths(std::string_view text) {
    while (true) {
      const size_t end = text.find(':');
      file_.run_paths.emplace_back(text.substr(0, end));
      if (end == std::string_view::npos) return;
      text.remove_prefix(end + 1);
    }
  }

  void read_symbols() {
    for (uint32_t i = 0; i < header_.e_shnum; ++i) {
      const auto section = at<Elf64_Shdr>(header_.e_shoff + i * sizeof(Elf64_Shdr));
      if (section.sh_type != SHT_DYNSYM) continue;
      const auto names = at<Elf64_Shdr>(header_.e_shoff + section.sh_link * sizeof(Elf64_Shdr));
      for (uint64_t k = 1; k < section.sh_size / sizeof(Elf64_Sym); ++k) {
        const auto symbol = at<Elf64_Sym>(section.sh_offset + k * sizeof(Elf64_Sym));
        sort_in(symbol, text_at(names.sh_offset + symbol.st_name));
      }
      return;
    }
    throw Failure("no section of dynamic symbols");
  }

  void sort_in(const Elf64_Sym& symbol, const std::string& name) {
    const auto binding = ELF64_ST_BIND(symbol.st_info);
    const auto visibility = ELF64_ST_VISIBILITY(symbol.st_other);
    if (symbol.st_shndx == SHN_UNDEF) {
      file_.undefined.push_back(name);
      return;
    }
    if (binding == STB_GNU_UNIQUE) file_.unique.push_back(name);
    const bool visible = visibility == STV_DEFAULT || visibility == STV_PROTECTED;
    if (binding != STB_LOCAL && visible && symbol.st_shndx != SHN_ABS) {
      file_.exported.push_back(name);
    }
  }

  std::vector<char> bytes_;
  Elf64_Ehdr header_{};
  std::optional<Elf64_Phdr> dynamic_;
  ElfFile file_;
};

}  // namespace

ElfFile read_elf(const std::string& path) { return Reader(path).read(); }

}  // namespace tenon::conform
