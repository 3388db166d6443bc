# tenon_add_tests() and tenon_add_example_tests(): what ctest runs, once for each device.

set(TENON_TEST_DEVICES cpu reference opaque CACHE STRING "Devices that every device test runs on")
set(tenon_test_timeout 120)
if(TENON_SANITIZE)
  set(tenon_test_timeout 600)
endif()

# tenon_add_tests(<name> [DEVICES ...] [LABELS ...] [LIBRARIES ...])
# One program build/bin/tests_<name> from every .cpp below the current folder (or below <name>/ when that
# folder exists). Each gtest case is one ctest test `<device>/<Suite>.<Case>`, so ctest's closing line
# counts cases. DEVICES empty means: run once, no device chosen.
function(tenon_add_tests name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "DEVICES;LABELS;LIBRARIES")
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

  if(arg_DEVICES)
    foreach(device IN LISTS arg_DEVICES)
      tenon_discover(tests_${name} "${device}/" "${arg_LABELS}" "TENON_DEVICE=${device}")
    endforeach()
  else()
    tenon_discover(tests_${name} "" "${arg_LABELS}" "")
  endif()
endfunction()

# Listing runs at test time (PRE_TEST) and without TENON_DEVICE: which cases exist must not depend on it.
function(tenon_discover program prefix labels environment)
  list(APPEND environment "TENON_PLUGIN_PATH=${TENON_PLUGIN_OUTPUT_DIRECTORY}")
  string(REPLACE ";" "\\;" labels "${labels}")
  string(REPLACE ";" "\\;" environment "${environment}")
  string(MAKE_C_IDENTIFIER "${program}_${prefix}" list_name)
  gtest_discover_tests(${program} TEST_PREFIX "${prefix}" TEST_LIST ${list_name}
    DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS "${labels}" ENVIRONMENT "${environment}" TIMEOUT ${tenon_test_timeout})
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
    set_tests_properties(${device}/example.${name} PROPERTIES LABELS "unit;example"
      TIMEOUT ${tenon_test_timeout}
      ENVIRONMENT "TENON_DEVICE=${device};TENON_PLUGIN_PATH=${TENON_PLUGIN_OUTPUT_DIRECTORY}")
  endforeach()
endfunction()
