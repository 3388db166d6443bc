# What `cmake --install` adds beside the targets: the CMake package and the pkg-config files. The
# component plugin_kit is what a plugin is built of, without libraries:
#   cmake --install build --component plugin_kit --prefix …
include(CMakePackageConfigHelpers)

set(tenon_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/tenon")
configure_package_config_file("${CMAKE_CURRENT_LIST_DIR}/tenonConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/tenonConfig.cmake" INSTALL_DESTINATION "${tenon_package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/tenonConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(EXPORT tenonTargets NAMESPACE tenon:: DESTINATION "${tenon_package_dir}")
install(EXPORT tenonPluginTargets NAMESPACE tenon:: DESTINATION "${tenon_package_dir}"
        COMPONENT plugin_kit)
install(FILES "${PROJECT_BINARY_DIR}/tenonConfig.cmake"
              "${PROJECT_BINARY_DIR}/tenonConfigVersion.cmake"
              "${CMAKE_CURRENT_LIST_DIR}/TenonPlugin.cmake"
              "${CMAKE_CURRENT_LIST_DIR}/plugin_exports.map"
        DESTINATION "${tenon_package_dir}" COMPONENT plugin_kit)

# The prefix is found from the file's own place, so an installed tree can be moved.
file(RELATIVE_PATH tenon_pc_to_prefix "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
foreach(name IN ITEMS tenon tenon-plugin)
  configure_file("${CMAKE_CURRENT_LIST_DIR}/${name}.pc.in" "${PROJECT_BINARY_DIR}/${name}.pc" @ONLY)
endforeach()
install(FILES "${PROJECT_BINARY_DIR}/tenon.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
install(FILES "${PROJECT_BINARY_DIR}/tenon-plugin.pc"
        DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT plugin_kit)

if(EXISTS "${PROJECT_SOURCE_DIR}/nn/tenon.h")
  install(FILES "${PROJECT_SOURCE_DIR}/nn/tenon.h" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/tenon")
endif()
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")
