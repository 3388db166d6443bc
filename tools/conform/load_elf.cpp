// What the file's bytes must say before anything of it runs.
#include <algorithm>
#include <filesystem>

#include "elf_file.h"
#include "load_cases.h"

namespace tenon::conform {
namespace {

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < names.size() && i < 4; ++i) text += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > 4) text += ", … (" + std::to_string(names.size()) + ")";
  return text;
}

ElfFile elf_of(Context& c) { return read_elf(c.target().plugin); }

// A symbol of the runtime's, or of the ABI's own name space.
bool is_ours(const std::string& name) {
  return name.find("N5tenon") != std::string::npos || name.starts_with("tn_") ||
         name.starts_with("tenon_");
}

void check_exports(Context& c) {
  std::vector<std::string> names = elf_of(c).exported;
  const auto entry = std::find(names.begin(), names.end(), TN_ENTRY_SYMBOL);
  require(entry != names.end(), "tn_plugin_entry is not exported");
  names.erase(entry);
  require(names.empty(), "exports more than tn_plugin_entry: " + listed(names) +
                             "; hide them (-fvisibility=hidden and an export list)");
}

void check_needs(Context& c) {
  std::vector<std::string> wrong;
  const ElfFile file = elf_of(c);
  for (const std::string& name : file.undefined) {
    if (is_ours(name)) wrong.push_back(name);
  }
  require(wrong.empty(), "wants symbols of the runtime: " + listed(wrong));
  for (const std::string& name : file.needed) {
    require(!name.starts_with("libtenon"), "needs " + name + "; a plugin links nothing of Tenon");
  }
}

void check_run_paths(Context& c) {
  for (const std::string& path : elf_of(c).run_paths) {
    require(path.starts_with("/") || path.starts_with("$ORIGIN"),
            "searches libraries in \"" + path + "\", which depends on the working directory");
  }
}

void check_note(Context& c) {
  const ElfFile file = elf_of(c);
  require(file.notes.size() == 1,
          "expected one Tenon note, found " + std::to_string(file.notes.size()));
  const tn_plugin_note& note = file.notes[0];
  const tn_plugin_descriptor card = card_of(c);
  const std::string name(note.name, strnlen(note.name, sizeof note.name));
  require(name == std::string(card.name, card.name_size),
          "the note names " + name + ", the descriptor " + std::string(card.name, card.name_size));
  require(note.abi_major == card.abi_major && note.abi_minor == card.abi_minor &&
              note.abi_major_min == card.abi_major_min &&
              note.host_minor_min == card.host_minor_min,
          "the note and the descriptor state different ABI versions");
}

void check_file_name(Context& c) {
  const tn_plugin_descriptor card = card_of(c);
  const std::string wanted = "tenon_" + std::string(card.name, card.name_size) + ".so";
  const std::string name = std::filesystem::path(c.target().plugin).filename();
  require(name == wanted, "the file is called " + name + "; searches look for " + wanted);
}

}  // namespace

void add_elf_cases(Cases& cases) {
  cases.push_back(
      {"load/file/is_a_shared_object", [](Context& c) { static_cast<void>(elf_of(c)); }});
  cases.push_back({"load/file/exports_one_symbol", check_exports});
  cases.push_back({"load/file/has_no_unique_symbols", [](Context& c) {
                     const ElfFile file = elf_of(c);
                     require(file.unique.empty(),
                             "symbols of binding GNU_UNIQUE are shared with other plugins and "
                             "forbid unloading: " +
                                 listed(file.unique));
                   }});
  cases.push_back({"load/file/wants_nothing_of_the_runtime", check_needs});
  cases.push_back({"load/file/has_no_text_relocations", [](Context& c) {
                     require(!elf_of(c).text_relocations,
                             "has text relocations; compile with -fPIC");
                   }});
  cases.push_back({"load/file/stack_is_not_executable", [](Context& c) {
                     const ElfFile file = elf_of(c);
                     require(file.has_stack_header && !file.executable_stack,
                             "asks for an executable stack; link with -z noexecstack");
                   }});
  cases.push_back({"load/file/code_is_not_writable", [](Context& c) {
                     require(!elf_of(c).writable_code, "a segment is writable and executable");
                   }});
  cases.push_back({"load/file/search_paths_are_absolute", check_run_paths});
  cases.push_back({"load/file/note_agrees_with_descriptor", check_note});
  cases.push_back({"load/file/is_named_for_its_device", check_file_name});
}

}  // namespace tenon::conform
