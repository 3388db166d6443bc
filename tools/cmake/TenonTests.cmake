# tenon_add_tests() and tenon_add_example_tests(): what ctest runs, once for each device.

set(TENON_TEST_DEVICES cpu reference opaque CACHE STRING "Devices that every device test runs on")
set(tenon_test_timeout 120)
if(TENON_SANITIZE)
  set(tenon_test_timeout 600)
endif()

# tenon_add_tests(<name> [DEVICES ...] [LABELS ...] [LIBRARIES ...] [BY_SUITE <regex>] [ONCE <regex>])
# One program build/bin/tests_<name> from every .cpp below the folder <name>/, or below the current folder
# where there is none. Each gtest case is one ctest test `<device>/<Suite>.<Case>`, so ctest's closing line
# counts cases. Without DEVICES the cases run once, with no device chosen. Cases run as processes of
# their own, with TENON_DEVICE set; the list of cases is made without it and must not depend on it.
# Suites whose name matches BY_SUITE are one ctest test and one process each, `<device>/<Suite>.*`: for
# tables of thousands of short cases. None of their cases may be skipped. Those that match ONCE name
# their device or plugin themselves and run once, as without DEVICES.
function(tenon_add_tests name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "BY_SUITE;ONCE" "DEVICES;LABELS;LIBRARIES")
  set(folder "${CMAKE_CURRENT_SOURCE_DIR}")
  if(IS_DIRECTORY "${folder}/${name}")
    string(APPEND folder "/${name}")
  endif()
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${folder}/*.cpp")
  if(NOT sources MATCHES "_test\\.cpp")
    return()
  endif()

  add_executable(tests_${name} ${sources})
  target_include_directories(tests_${name} PRIVATE "${PROJECT_SOURCE_DIR}/tests")
  target_link_libraries(tests_${name} PRIVATE tenon::nn tenon_flags tenon_test_support ${arg_LIBRARIES})
  if(TARGET tenon_test_headers)
    target_precompile_headers(tests_${name} REUSE_FROM tenon_test_headers)
  endif()

  set(listing "${CMAKE_CURRENT_BINARY_DIR}/tests_${name}.cmake")
  file(GENERATE OUTPUT "${listing}" CONTENT "
set(program \"$<TARGET_FILE:tests_${name}>\")
set(devices \"${arg_DEVICES}\")
set(labels \"${arg_LABELS}\")
set(plugin_path \"${TENON_PLUGIN_OUTPUT_DIRECTORY}\")
set(timeout ${tenon_test_timeout})
set(by_suite [=[${arg_BY_SUITE}]=])
set(once [=[${arg_ONCE}]=])
include(\"${PROJECT_SOURCE_DIR}/tools/cmake/list_tests.cmake\")
")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES "${listing}")
endfunction()

function(tenon_add_example_tests name args_file)
  if(NOT TENON_TESTS OR NOT EXISTS "${args_file}")
    return()
  endif()
  file(READ "${args_file}" args)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${args_file}")
  separate_arguments(args UNIX_COMMAND "${args}")
  foreach(device IN LISTS TENON_TEST_DEVICES)
    set(scratch "${CMAKE_CURRENT_BINARY_DIR}/${device}/${name}")
    file(MAKE_DIRECTORY "${scratch}")
    add_test(NAME ${device}/example.${name} COMMAND ${name} ${args} WORKING_DIRECTORY "${scratch}")
    set_tests_properties(${device}/example.${name} PROPERTIES LABELS "unit;example;${device}"
      TIMEOUT ${tenon_test_timeout}
      ENVIRONMENT "TENON_DEVICE=${device};TENON_PLUGIN_PATH=${TENON_PLUGIN_OUTPUT_DIRECTORY}")
  endforeach()
endfunction()
