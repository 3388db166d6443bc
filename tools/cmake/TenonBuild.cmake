# What every target shares: defaults, where results land, warnings, the <tenon/LAYER/...> include tree,
# and tenon_add_layer() for the three core libraries.
include(GNUInstallDirs)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()
if(NOT CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(TENON_CCACHE ccache)
  if(TENON_CCACHE)
    # By the compiler's own list of headers: a miss needs no second run of the preprocessor. What is
    # sloppy is what precompiled headers need: no source of ours reads the time or date.
    set(CMAKE_C_COMPILER_LAUNCHER "${CMAKE_COMMAND}" -E env CCACHE_DEPEND=1
      CCACHE_SLOPPINESS=pch_defines,time_macros "${TENON_CCACHE}")
    set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_C_COMPILER_LAUNCHER}")
  endif()
endif()

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib")
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib")
set(TENON_PLUGIN_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib/tenon")

# Relative run paths, the same in the build tree and after install, so that both can be moved. (CMake
# would pad a build path of another length with empty elements, which mean the working directory.)
file(RELATIVE_PATH tenon_bin_to_lib "/${CMAKE_INSTALL_BINDIR}" "/${CMAKE_INSTALL_LIBDIR}")
set(CMAKE_INSTALL_RPATH "$ORIGIN" "$ORIGIN/../lib" "$ORIGIN/${tenon_bin_to_lib}")
list(REMOVE_DUPLICATES CMAKE_INSTALL_RPATH)
set(CMAKE_BUILD_WITH_INSTALL_RPATH ON)

find_package(Threads REQUIRED)

# Flags of our own code, never seen by users of the installed package.
# fp-contract is off so that a*b+c gives the same bits in every translation unit and on every ISA path.
add_library(tenon_flags INTERFACE)
target_compile_options(tenon_flags INTERFACE
  -Wall -Wextra -Wconversion -Wshadow $<$<BOOL:${TENON_WERROR}>:-Werror>
  -ffp-contract=off -ffunction-sections -fdata-sections)
target_compile_definitions(tenon_flags INTERFACE TENON_VERSION="${PROJECT_VERSION}")
target_link_options(tenon_flags INTERFACE -Wl,--gc-sections -Wl,-z,relro -Wl,-z,now)

# For folders in which nothing is hot: two thirds of the time to compile.
macro(tenon_optimise_less)
  foreach(language C CXX)
    string(REPLACE "-O2" "-O1" CMAKE_${language}_FLAGS_RELEASE "${CMAKE_${language}_FLAGS_RELEASE}")
  endforeach()
endmacro()

set(TENON_NO_UNDEFINED "-Wl,-z,defs")
if(TENON_SANITIZE)
  add_compile_options(-fsanitize=${TENON_SANITIZE} -fno-sanitize-recover=all
                      -fno-omit-frame-pointer -g)
  add_link_options(-fsanitize=${TENON_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
    set(TENON_NO_UNDEFINED "")  # clang leaves the sanitizer's symbols to the executable
  endif()
endif()

# One include tree, <tenon/LAYER/file.h>, before and after install: links to the source folders.
set(TENON_INCLUDE_DIR "${PROJECT_BINARY_DIR}/include")
file(MAKE_DIRECTORY "${TENON_INCLUDE_DIR}/tenon")
foreach(layer IN ITEMS api runtime autograd nn)
  file(CREATE_LINK "${PROJECT_SOURCE_DIR}/${layer}" "${TENON_INCLUDE_DIR}/tenon/${layer}" SYMBOLIC)
endforeach()
file(CREATE_LINK "${PROJECT_SOURCE_DIR}/nn/tenon.h" "${TENON_INCLUDE_DIR}/tenon/tenon.h" SYMBOLIC)

# fmt header-only, so that an installed Tenon needs no libfmt (Debian ships no archive of it). It adds
# about 1.5 s to each file that includes it: keep it to a few .cpp files.
find_package(fmt QUIET)
if(NOT fmt_FOUND)
  message(FATAL_ERROR "fmt was not found: run tools/setup")
endif()
add_library(tenon_fmt INTERFACE)
target_link_libraries(tenon_fmt INTERFACE fmt::fmt-header-only)

# tenon_install_headers(layer [COMPONENT name]): every *.h and *.hpp of the current folder, in place, except private
# ones: those are named *_internal.h. frozen/ keeps released headers and is not installed either.
function(tenon_install_headers layer)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE "${CMAKE_CURRENT_SOURCE_DIR}"
       "${CMAKE_CURRENT_SOURCE_DIR}/*.h" "${CMAKE_CURRENT_SOURCE_DIR}/*.hpp")
  list(FILTER headers EXCLUDE REGEX "(_internal\\.h(pp)?$)|(^frozen/)")
  foreach(header IN LISTS headers)
    get_filename_component(folder "${header}" DIRECTORY)
    install(FILES "${header}" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/tenon/${layer}/${folder}"
            ${ARGN})
  endforeach()
endfunction()

# tenon_add_layer(runtime PUBLIC <lower layers> PRIVATE <third party>): libtenon_<name>.so from every
# .cpp below the current folder. Only what is marked TENON_API is visible outside.
function(tenon_add_layer name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "PUBLIC;PRIVATE")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cpp")
  if(NOT sources)  # a layer without code yet still configures and links
    set(sources "${CMAKE_CURRENT_BINARY_DIR}/empty.cpp")
    file(TOUCH "${sources}")
  endif()
  add_library(tenon_${name} SHARED ${sources})
  add_library(tenon::${name} ALIAS tenon_${name})
  set_target_properties(tenon_${name} PROPERTIES
    EXPORT_NAME ${name} VERSION ${PROJECT_VERSION}
    SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
  target_compile_features(tenon_${name} PUBLIC cxx_std_20)
  # Calls within a layer are direct, and may be inlined: nobody replaces its functions from outside.
  target_compile_options(tenon_${name} PRIVATE -fno-semantic-interposition)
  target_link_options(tenon_${name} PRIVATE -Wl,-Bsymbolic-functions)
  # Headers of third parties mark some of their symbols as exported; ours must be the only ones.
  target_link_options(tenon_${name} PRIVATE ${TENON_NO_UNDEFINED} -Wl,--exclude-libs,ALL
    "-Wl,--version-script=${PROJECT_SOURCE_DIR}/tools/cmake/exports.map")
  set_property(TARGET tenon_${name} APPEND PROPERTY
    LINK_DEPENDS "${PROJECT_SOURCE_DIR}/tools/cmake/exports.map")
  target_link_libraries(tenon_${name} PUBLIC ${arg_PUBLIC}
    PRIVATE $<BUILD_INTERFACE:tenon_flags> ${arg_PRIVATE} Threads::Threads)
  install(TARGETS tenon_${name} EXPORT tenonTargets)
  tenon_install_headers(${name})
endfunction()
