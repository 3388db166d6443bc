#include <tenon/runtime/interop/safetensors.h>

#include <tenon/runtime/interop/file_internal.h>
#include <tenon/runtime/interop/safetensors_header_internal.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <set>

namespace tenon {

namespace {

constexpr uint64_t kLengthBytes = 8;
constexpr std::string_view kOp = "save_safetensors";

void check_names(const NamedTensors& tensors, const Metadata& metadata) {
  std::set<std::string_view> seen;
  for (const auto& [name, tensor] : tensors) {
    check(seen.insert(name).second, ErrorCode::kInvalidArgument, kOp, "names must differ, got \"",
          name, "\" twice");
    check(name != kMetadataKey, ErrorCode::kInvalidArgument, kOp, "the name ", kMetadataKey,
          " is reserved");
    check(tensor.defined(), ErrorCode::kInvalidArgument, kOp, "the tensor \"", name,
          "\" is undefined; leave it out");
  }
  seen.clear();
  for (const auto& [key, value] : metadata)
    check(seen.insert(key).second, ErrorCode::kInvalidArgument, kOp,
          "metadata keys must differ, got \"", key, "\" twice");
}

// Positions of the tensors in the data part: wide dtypes first, so that each one is aligned.
std::vector<size_t> data_order(const NamedTensors& tensors) {
  std::vector<size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return tensors[a].second.element_size() > tensors[b].second.element_size();
  });
  return order;
}

// The entries must tile [0, size): each begins where the one before it ends.
void check_layout(const InputFile& file, const SafetensorsHeader& header, uint64_t size_bytes) {
  std::vector<const SafetensorsEntry*> sorted;
  for (const SafetensorsEntry& entry : header.entries) sorted.push_back(&entry);
  std::sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) {
    return std::pair(a->begin, a->end) < std::pair(b->begin, b->end);
  });
  uint64_t expected = 0;
  for (const SafetensorsEntry* entry : sorted) {
    file.require(entry->begin == expected, "\"", entry->name, "\" begins at byte ", entry->begin,
                 ", expected ", expected, ": the data has ",
                 entry->begin > expected ? "a hole" : "an overlap");
    file.require(entry->end <= size_bytes, "\"", entry->name, "\" ends at byte ", entry->end,
                 " of the data, which has ", size_bytes, "; the file is cut short");
    expected = entry->end;
  }
  file.require(expected == size_bytes, "the tensors end at byte ", expected, ", the data at ",
               size_bytes, "; expected both to be equal");
}

}  // namespace

void save_safetensors(const std::string& path, const NamedTensors& tensors,
                      const Metadata& metadata) {
  check_names(tensors, metadata);
  SafetensorsHeader header{{}, metadata};
  for (const auto& [name, tensor] : tensors)
    header.entries.push_back({name, tensor.dtype(), tensor.sizes(), 0, 0});
  const std::vector<size_t> order = data_order(tensors);
  uint64_t offset = 0;
  for (const size_t i : order) {
    const Tensor& tensor = tensors[i].second;
    header.entries[i].begin = offset;
    offset += static_cast<uint64_t>(tensor.numel() * tensor.element_size());
    header.entries[i].end = offset;
  }
  std::string text = write_safetensors_header(header);
  text.resize((text.size() + 7) / 8 * 8, ' ');  // the data begins aligned
  check(text.size() <= kMaxHeaderBytes, ErrorCode::kInvalidArgument, kOp, "the header has ",
        text.size(), " bytes, at most ", kMaxHeaderBytes, " are allowed; use fewer tensors");

  OutputFile file(path, kOp);
  const uint64_t length = text.size();  // little endian, as the host
  file.write(&length, kLengthBytes);
  file.write(text.data(), text.size());
  for (const size_t i : order) {
    const HostBytes bytes(tensors[i].second);
    file.write(bytes.data(), bytes.size_bytes());
  }
  file.commit();
}

SafetensorsFile load_safetensors(const std::string& path) {
  const InputFile file(path, "load_safetensors");
  file.require(file.size_bytes() >= kLengthBytes, "expected at least ", kLengthBytes,
               " bytes, got ", file.size_bytes(), "; it is no safetensors file");
  uint64_t length = 0;
  file.read(0, &length, kLengthBytes);
  file.require(length <= kMaxHeaderBytes && length <= file.size_bytes() - kLengthBytes,
               "claims a header of ", length, " bytes in a file of ", file.size_bytes(),
               " (at most ", kMaxHeaderBytes, " allowed); it is cut short or no safetensors file");
  std::string text(length, '\0');
  file.read(kLengthBytes, text.data(), length);
  SafetensorsHeader header = parse_safetensors_header(file, text);
  const uint64_t data_begin = kLengthBytes + length;
  check_layout(file, header, file.size_bytes() - data_begin);

  SafetensorsFile result;
  result.metadata = std::move(header.metadata);
  result.tensors.reserve(header.entries.size());
  for (SafetensorsEntry& entry : header.entries)
    result.tensors.emplace_back(std::move(entry.name), read_tensor(file, data_begin + entry.begin,
                                                                   entry.sizes, entry.dtype));
  return result;
}

}  // namespace tenon
