#include "shaders.h"

#include <tenon/api/plugin.hpp>

#include <shader_words.inc>  // kShaders: made by the build

namespace tenon::vulkan {

const Shader& shader(std::string_view name) {
  for (const Shader& s : kShaders) {
    if (name == s.name) return s;
  }
  throw plugin::Status(TN_INTERNAL, "there is no shader " + std::string(name));
}

}  // namespace tenon::vulkan
