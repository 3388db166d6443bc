# What `cmake --install` adds beside the targets: the CMake package and the pkg-config file.
include(CMakePackageConfigHelpers)

set(tenon_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/tenon")
configure_package_config_file("${CMAKE_CURRENT_LIST_DIR}/tenonConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/tenonConfig.cmake" INSTALL_DESTINATION "${tenon_package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/tenonConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(EXPORT tenonTargets NAMESPACE tenon:: DESTINATION "${tenon_package_dir}")
install(FILES "${PROJECT_BINARY_DIR}/tenonConfig.cmake"
              "${PROJECT_BINARY_DIR}/tenonConfigVersion.cmake"
              "${CMAKE_CURRENT_LIST_DIR}/TenonPlugin.cmake" DESTINATION "${tenon_package_dir}")

# The prefix is found from the file's own place, so an installed tree can be moved.
file(RELATIVE_PATH tenon_pc_to_prefix "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
configure_file("${CMAKE_CURRENT_LIST_DIR}/tenon.pc.in" "${PROJECT_BINARY_DIR}/tenon.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/tenon.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")

if(EXISTS "${PROJECT_SOURCE_DIR}/nn/tenon.h")
  install(FILES "${PROJECT_SOURCE_DIR}/nn/tenon.h" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/tenon")
endif()
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")
