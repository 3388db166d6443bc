#include <tenon/runtime/interop/safetensors_header_internal.h>

#include <nlohmann/json.hpp>

#include <set>

namespace tenon {

namespace {

using nlohmann::json;

struct DTypeName {
  DType dtype;
  std::string_view name;
};
constexpr DTypeName kDTypeNames[] = {
    {kBool, "BOOL"}, {kUInt8, "U8"},    {kInt8, "I8"},       {kInt16, "I16"},   {kInt32, "I32"},
    {kInt64, "I64"}, {kFloat16, "F16"}, {kBFloat16, "BF16"}, {kFloat32, "F32"}, {kFloat64, "F64"}};

std::string_view file_name(DType dtype) {
  for (const DTypeName& row : kDTypeNames)
    if (row.dtype == dtype) return row.name;
  return {};
}

// Reads the header event by event, because a document tree would silently drop duplicate names.
//   { NAME: { "dtype": TEXT, "shape": [INT…], "data_offsets": [BEGIN, END] }, …,
//     "__metadata__": { TEXT: TEXT, … } }
class HeaderReader : public nlohmann::json_sax<json> {
 public:
  explicit HeaderReader(const InputFile& file) : file_(file) {}
  [[nodiscard]] SafetensorsHeader take() { return std::move(header_); }

  bool null() override { return unexpected("null"); }
  bool boolean(bool) override { return unexpected("a bool"); }
  bool number_integer(number_integer_t) override { return unexpected("a negative number"); }
  bool number_float(number_float_t, const string_t&) override {
    return unexpected("a number that is no 64-bit integer");
  }
  bool binary(binary_t&) override { return unexpected("binary data"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (place_ != Place::kNumbers) return unexpected("a number");
    require(numbers_.size() < static_cast<size_t>(kMaxRank), "has more than ", kMaxRank,
            " numbers in its ", key_);
    numbers_.push_back(value);
    return true;
  }

  bool string(string_t& value) override {
    if (place_ == Place::kMetadata) {
      header_.metadata.emplace_back(key_, value);
      return true;
    }
    if (place_ != Place::kEntry || key_ != "dtype") return unexpected("a text");
    for (const DTypeName& row : kDTypeNames) {
      if (row.name != value) continue;
      header_.entries.back().dtype = row.dtype;
      return true;
    }
    require(false, "has the dtype ", value,
            ", expected BOOL, U8, I8, I16, I32, I64, F16, BF16, F32 or F64");
    return false;
  }

  bool start_object(std::size_t) override {
    if (place_ == Place::kStart) {
      place_ = Place::kNames;
    } else if (place_ == Place::kNames && key_ == kMetadataKey) {
      place_ = Place::kMetadata;
      keys_.clear();
    } else if (place_ == Place::kNames) {
      place_ = Place::kEntry;
      keys_.clear();
      header_.entries.emplace_back().name = key_;
    } else {
      return unexpected("a nested object");
    }
    return true;
  }

  bool key(string_t& name) override {
    const bool outer = place_ == Place::kNames;
    key_ = name;
    file_.require((outer ? names_ : keys_).insert(name).second, "the header has \"", name,
                  "\" twice");
    if (place_ == Place::kEntry)
      require(name == "dtype" || name == "shape" || name == "data_offsets",
              "has the unknown field \"", name, "\"");
    return true;
  }

  bool start_array(std::size_t) override {
    if (place_ != Place::kEntry || key_ == "dtype") return unexpected("a list");
    place_ = Place::kNumbers;
    numbers_.clear();
    return true;
  }

  bool end_array() override {
    place_ = Place::kEntry;
    SafetensorsEntry& entry = header_.entries.back();
    if (key_ == "shape") {
      for (const uint64_t size : numbers_) {
        require(size <= INT64_MAX, "has the impossible size ", size);
        entry.sizes.push_back(static_cast<int64_t>(size));
      }
      return true;
    }
    require(numbers_.size() == 2 && numbers_[0] <= numbers_[1],
            "needs data_offsets [begin, end] with begin <= end");
    entry.begin = numbers_[0];
    entry.end = numbers_[1];
    return true;
  }

  bool end_object() override {
    if (place_ == Place::kEntry) check_entry();
    place_ = place_ == Place::kNames ? Place::kEnd : Place::kNames;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    file_.require(false, "the header is no valid JSON at byte ", position, ": ", error.what());
    return false;
  }

 private:
  enum class Place : uint8_t { kStart, kNames, kMetadata, kEntry, kNumbers, kEnd };

  bool unexpected(std::string_view what) {
    file_.require(false, "the header has ", what, key_.empty() ? "" : " at \"", key_,
                  key_.empty() ? "" : "\"", ", expected {name: {dtype, shape, data_offsets}, …}");
    return false;
  }

  template <class... Parts>
  void require(bool ok, const Parts&... parts) const {
    if (!ok) file_.require(false, "\"", header_.entries.back().name, "\" ", parts...);
  }

  // Shape, dtype and offsets must tell the same number of bytes.
  void check_entry() {
    require(keys_.size() == 3, "lacks one of dtype, shape, data_offsets");
    const SafetensorsEntry& entry = header_.entries.back();
    uint64_t bytes = static_cast<uint64_t>(size_bytes(entry.dtype));
    bool fits = true;
    for (const int64_t size : entry.sizes)
      fits = fits && !__builtin_mul_overflow(bytes, static_cast<uint64_t>(size), &bytes);
    require(fits && bytes == entry.end - entry.begin, "of shape ", entry.sizes, " and dtype ",
            file_name(entry.dtype), " does not fill its ", entry.end - entry.begin, " bytes");
  }

  const InputFile& file_;
  SafetensorsHeader header_;
  Place place_ = Place::kStart;
  std::string key_;
  std::set<std::string> names_, keys_;
  std::vector<uint64_t> numbers_;
};

}  // namespace

std::string write_safetensors_header(const SafetensorsHeader& header) {
  nlohmann::ordered_json root = nlohmann::ordered_json::object();
  if (!header.metadata.empty()) {
    auto& metadata = root[std::string(kMetadataKey)] = nlohmann::ordered_json::object();
    for (const auto& [key, value] : header.metadata) metadata[key] = value;
  }
  for (const SafetensorsEntry& entry : header.entries)
    root[entry.name] = {{"dtype", std::string(file_name(entry.dtype))},
                        {"shape", std::vector<int64_t>(entry.sizes.begin(), entry.sizes.end())},
                        {"data_offsets", {entry.begin, entry.end}}};
  try {
    return root.dump();
  } catch (const nlohmann::json::exception&) {
    fail(ErrorCode::kInvalidArgument, "save_safetensors", "names and metadata must be UTF-8");
  }
}

SafetensorsHeader parse_safetensors_header(const InputFile& file, std::string_view text) {
  file.require(text.starts_with('{'), "the header must begin with {; it is no safetensors file");
  HeaderReader reader(file);
  json::sax_parse(text, &reader);
  return reader.take();
}

}  // namespace tenon
