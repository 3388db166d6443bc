// The modules that the build made out of shaders/, by name.
#ifndef TENON_PLUGINS_VULKAN_SHADERS_H
#define TENON_PLUGINS_VULKAN_SHADERS_H

#include <string_view>

#include "pipelines.h"

namespace tenon::vulkan {

// Throws INTERNAL when the build made no such module.
const Shader& shader(std::string_view name);

}  // namespace tenon::vulkan

#endif
