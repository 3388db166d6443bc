// A recorded launch as one JSON file.
#include <fstream>

#include <nlohmann/json.hpp>

#include <tenon/runtime/error.h>
#include <tenon/runtime/layers/recorded_launch_internal.h>

namespace tenon::layers {
namespace {

using Json = nlohmann::json;
constexpr int kFormat = 1;
constexpr char kDigits[] = "0123456789abcdef";

std::string to_hex(const std::vector<std::byte>& bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::byte byte : bytes) {
    text += kDigits[std::to_integer<unsigned>(byte) >> 4];
    text += kDigits[std::to_integer<unsigned>(byte) & 15];
  }
  return text;
}

std::vector<std::byte> from_hex(const std::string& text) {
  const auto digit = [](char c) {
    const char* at = std::char_traits<char>::find(kDigits, 16, c);
    check(at != nullptr, ErrorCode::kIo, "replay", "bytes must be hexadecimal");
    return static_cast<unsigned>(at - kDigits);
  };
  check(text.size() % 2 == 0, ErrorCode::kIo, "replay", "bytes must be hexadecimal");
  std::vector<std::byte> bytes;
  for (size_t i = 0; i < text.size(); i += 2)
    bytes.push_back(static_cast<std::byte>(digit(text[i]) << 4 | digit(text[i + 1])));
  return bytes;
}

Json to_json(const RecordedLaunch& launch) {
  Json json = {{"op", launch.op},           {"kernel", launch.kernel},
               {"flags", launch.flags},     {"outputs", launch.output_count},
               {"classes", launch.classes}, {"attributes", launch.attributes},
               {"scalars", launch.scalars}, {"operands", Json::array()}};
  if (launch.has_program) {
    json["program"] = {{"inputs", launch.program.input_count},
                       {"scalar_dtypes", launch.program.scalar_dtypes},
                       {"instructions", launch.program.instructions},
                       {"outputs", launch.program.outputs},
                       {"tail", launch.program.tail},
                       {"tail_dims", launch.program.tail_dims}};
  }
  for (const RecordedOperand& operand : launch.operands) {
    json["operands"].push_back({{"dtype", operand.dtype},
                                {"shape", operand.shape},
                                {"strides", operand.strides},
                                {"memory", operand.memory},
                                {"bytes", to_hex(operand.bytes)}});
  }
  return json;
}

RecordedLaunch from_json(const Json& json) {
  RecordedLaunch launch;
  json.at("op").get_to(launch.op);
  json.at("kernel").get_to(launch.kernel);
  json.at("flags").get_to(launch.flags);
  json.at("outputs").get_to(launch.output_count);
  json.at("classes").get_to(launch.classes);
  json.at("attributes").get_to(launch.attributes);
  json.at("scalars").get_to(launch.scalars);
  launch.has_program = json.contains("program");
  if (launch.has_program) {
    const Json& program = json.at("program");
    program.at("inputs").get_to(launch.program.input_count);
    program.at("scalar_dtypes").get_to(launch.program.scalar_dtypes);
    program.at("instructions").get_to(launch.program.instructions);
    program.at("outputs").get_to(launch.program.outputs);
    program.at("tail").get_to(launch.program.tail);
    program.at("tail_dims").get_to(launch.program.tail_dims);
  }
  for (const Json& from : json.at("operands")) {
    RecordedOperand& operand = launch.operands.emplace_back();
    from.at("dtype").get_to(operand.dtype);
    from.at("shape").get_to(operand.shape);
    from.at("strides").get_to(operand.strides);
    from.at("memory").get_to(operand.memory);
    operand.bytes = from_hex(from.at("bytes").get<std::string>());
  }
  check(launch.operands.size() == launch.classes.size() &&
            launch.output_count <= launch.operands.size(),
        ErrorCode::kIo, "replay", "operands and classes do not go together");
  return launch;
}

}  // namespace

void write_launch(const std::string& path, const RecordedLaunch& launch,
                  std::string_view first_device, std::string_view second_device) {
  Json json = to_json(launch);
  json["format"] = kFormat;
  json["devices"] = {first_device, second_device};
  std::ofstream file(path);
  file << json.dump() << '\n';
  file.flush();
  check(file.good(), ErrorCode::kIo, "shadow", "can't write ", path);
}

LaunchFile read_launch(const std::string& path) {
  std::ifstream file(path);
  check(file.good(), ErrorCode::kIo, "replay", "can't read ", path);
  try {
    const Json json = Json::parse(file);
    check(json.at("format") == kFormat, ErrorCode::kIo, "replay", path,
          " is of another format than 1");
    return {from_json(json), json.at("devices").at(0), json.at("devices").at(1)};
  } catch (const Json::exception& e) {
    fail(ErrorCode::kIo, "replay", path, " holds no recorded launch: ", e.what());
  }
}

}  // namespace tenon::layers
