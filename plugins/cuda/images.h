// What the build embeds: the compiled kernels, and the text of the device headers for programs that
// are compiled at run time.
#ifndef TENON_PLUGINS_CUDA_IMAGES_H
#define TENON_PLUGINS_CUDA_IMAGES_H

#include <span>
#include <string_view>

namespace tenon::cuda {

// The code of kernels/<name>.cu; NULL when there is none.
const void* find_image(std::string_view name);

struct HeaderText {
  const char* name;  // as it is included: "device/math.h"
  const char* text;  // NUL terminated
};
std::span<const HeaderText> header_texts();

}  // namespace tenon::cuda

#endif
