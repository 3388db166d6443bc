# tenon_add_plugin(<name> [SOURCES ...] [LIBRARIES ...]): the device plugin tenon_<name>.so.
# Without SOURCES it takes every .c and .cpp below the current folder. Installed with the package, so a
# vendor's project uses the same function after find_package(tenon).
#
# A plugin links tenon::api, plugins/support (in tree) and its own LIBRARIES, never the runtime; nothing
# but its one entry symbol is visible, and an undefined symbol fails the link. a*b+c is two roundings, as
# PROGRAM.md wants it.
#
# Files named *_avx2.cpp and *_avx512.cpp are compiled for that instruction set. Keep inline functions
# and templates of shared headers out of them (or in an unnamed namespace): the linker keeps one copy of
# each inline function, and it could be the copy a smaller processor cannot run.
function(tenon_add_plugin name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBRARIES")
  if(NOT arg_SOURCES)
    file(GLOB_RECURSE arg_SOURCES CONFIGURE_DEPENDS
         "${CMAKE_CURRENT_SOURCE_DIR}/*.c" "${CMAKE_CURRENT_SOURCE_DIR}/*.cpp")
  endif()
  # GCC 12's own AVX-512 header trips this warning (its "undefined" intrinsics).
  set(avx512_quiet "$<$<CXX_COMPILER_ID:GNU>:-Wno-uninitialized;-Wno-maybe-uninitialized>")
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
    foreach(source IN LISTS arg_SOURCES)
      if(source MATCHES "_avx2\\.cpp$")
        set_source_files_properties("${source}" PROPERTIES COMPILE_OPTIONS "-mavx2;-mfma;-mf16c")
      elseif(source MATCHES "_avx512\\.cpp$")
        set_source_files_properties("${source}" PROPERTIES COMPILE_OPTIONS
          "-mavx512f;-mavx512bw;-mavx512dq;-mavx512vl;-mavx2;-mfma;-mf16c;${avx512_quiet}")
      endif()
    endforeach()
  else()
    list(FILTER arg_SOURCES EXCLUDE REGEX "_avx(2|512)\\.cpp$")
  endif()
  if(NOT arg_SOURCES)
    message(STATUS "tenon: plugin ${name} has no sources, skipped")
    return()
  endif()

  add_library(tenon_plugin_${name} MODULE ${arg_SOURCES})
  set_target_properties(tenon_plugin_${name} PROPERTIES
    PREFIX "" OUTPUT_NAME tenon_${name} SUFFIX .so
    C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    INSTALL_RPATH "")
  target_compile_features(tenon_plugin_${name} PRIVATE c_std_11 cxx_std_20)
  target_compile_options(tenon_plugin_${name} PRIVATE -ffunction-sections -fdata-sections)
  set(exports "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/plugin_exports.map")
  target_link_options(tenon_plugin_${name} PRIVATE "-Wl,--version-script=${exports}"
    -Wl,--exclude-libs,ALL -Wl,--gc-sections -Wl,-z,noexecstack)
  set_property(TARGET tenon_plugin_${name} APPEND PROPERTY LINK_DEPENDS "${exports}")
  target_link_libraries(tenon_plugin_${name} PRIVATE tenon::api ${arg_LIBRARIES})
  if(TARGET tenon_plugin_support)  # in tree
    set_target_properties(tenon_plugin_${name} PROPERTIES
      LIBRARY_OUTPUT_DIRECTORY "${TENON_PLUGIN_OUTPUT_DIRECTORY}")
    target_link_options(tenon_plugin_${name} PRIVATE ${TENON_NO_UNDEFINED})
    target_link_libraries(tenon_plugin_${name} PRIVATE tenon_plugin_support tenon_flags)
    install(TARGETS tenon_plugin_${name} LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}/tenon")
    add_dependencies(tenon_plugins tenon_plugin_${name})
  else()
    target_compile_options(tenon_plugin_${name} PRIVATE -ffp-contract=off)
    target_link_options(tenon_plugin_${name} PRIVATE -Wl,-z,defs)
  endif()
endfunction()
