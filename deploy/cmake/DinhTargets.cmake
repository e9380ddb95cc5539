# dinh_lib(name DEPS …)      libs/name/*.cc -> dinh_name, alias dinh::name; *_test.cc -> name_test
# dinh_service(name DEPS …)  services/name/**.cc -> dinh_svc_name, alias dinh::svc_name; main.cc -> named (standalone: dinh)
# dinh_test(name SOURCES … DEPS …)
# Files are found by pattern, so adding one needs no change here.

if(DINH_PCH)
  file(WRITE ${CMAKE_BINARY_DIR}/pch.cc "// the precompiled header's own translation unit\n")
  add_library(dinh_pch OBJECT ${CMAKE_BINARY_DIR}/pch.cc)
  target_link_libraries(dinh_pch PRIVATE dinh_flags Threads::Threads absl::status absl::statusor protobuf::libprotobuf)
  target_include_directories(dinh_pch PRIVATE ${CMAKE_SOURCE_DIR})
  target_precompile_headers(dinh_pch PRIVATE
    <utility> <string> <string_view> <vector> <map> <unordered_map> <memory> <functional> <mutex> <optional>
    <variant> <chrono> <algorithm> <thread> <atomic> <condition_variable>
    <absl/status/status.h> <absl/status/statusor.h> <google/protobuf/message.h> <google/protobuf/descriptor.h>)
endif()

# Tests and benches run in the source folder and name files relative to it, so that the command line of a compilation
# is the same in every checkout and ccache serves them all.
file(RELATIVE_PATH DINH_BINARY_RELATIVE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR})
set(DINH_PATHS DINH_SOURCE_DIR="." DINH_BINARY_DIR="${DINH_BINARY_RELATIVE}")

function(dinh_configure target)
  target_link_libraries(${target} PRIVATE dinh_flags)
  target_include_directories(${target} PUBLIC ${CMAKE_SOURCE_DIR})
  target_compile_definitions(${target} PRIVATE ${DINH_PATHS} DINH_VERSION="${PROJECT_VERSION}")
  if(DINH_PCH)
    target_link_libraries(${target} PUBLIC Threads::Threads absl::status absl::statusor protobuf::libprotobuf)
    target_precompile_headers(${target} REUSE_FROM dinh_pch)
  endif()
endfunction()

function(dinh_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  if(NOT BUILD_TESTING OR NOT ARG_SOURCES)
    return()
  endif()
  add_executable(${name} ${ARG_SOURCES})
  dinh_configure(${name})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} GTest::gmock GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES TIMEOUT 300)
endfunction()

function(dinh_split_sources dir out_sources out_tests out_main)
  file(GLOB_RECURSE all CONFIGURE_DEPENDS ${dir}/*.cc)
  # A folder with a CMakeLists.txt of its own is a program of its own.
  file(GLOB apart CONFIGURE_DEPENDS ${dir}/*/CMakeLists.txt)
  foreach(list_file IN LISTS apart)
    get_filename_component(folder ${list_file} DIRECTORY)
    list(FILTER all EXCLUDE REGEX "^${folder}/")
  endforeach()
  set(tests ${all})
  list(FILTER all EXCLUDE REGEX "(_test|/main|_fuzz)\\.cc$")
  list(FILTER all EXCLUDE REGEX "/gateway/app/")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  set(${out_sources} ${all} PARENT_SCOPE)
  set(${out_tests} ${tests} PARENT_SCOPE)
  if(EXISTS ${dir}/main.cc)
    set(${out_main} ${dir}/main.cc PARENT_SCOPE)
  else()
    set(${out_main} "" PARENT_SCOPE)
  endif()
endfunction()

# services/<name>/migrations/NNNN_title.sql -> `std::vector<db::Migration> Migrations()` in namespace dinh::<name>
# (declared in services/<name>/store.h), so that a binary carries its schema.
function(dinh_migrations name out)
  set(dir ${CMAKE_SOURCE_DIR}/services/${name}/migrations)
  file(GLOB files CONFIGURE_DEPENDS ${dir}/*.sql)
  if(NOT files)
    set(${out} "" PARENT_SCOPE)
    return()
  endif()
  set(generated ${CMAKE_BINARY_DIR}/gen/services/${name}/migrations.cc)
  add_custom_command(
    OUTPUT ${generated}
    COMMAND ${CMAKE_COMMAND} -DNAME=${name} -DDIR=${dir} -DOUT=${generated} -P ${CMAKE_SOURCE_DIR}/deploy/cmake/EmbedMigrations.cmake
    DEPENDS ${files} ${CMAKE_SOURCE_DIR}/deploy/cmake/EmbedMigrations.cmake VERBATIM)
  set(${out} ${generated} PARENT_SCOPE)
endfunction()

function(dinh_component target alias dir)
  cmake_parse_arguments(ARG "" "" "DEPS" ${ARGN})
  dinh_split_sources(${dir} sources tests main)
  if(dir MATCHES "/services/([a-z_]+)$")
    dinh_migrations(${CMAKE_MATCH_1} migrations)
    list(APPEND sources ${migrations})
  endif()
  if(sources)
    add_library(${target} STATIC ${sources})
    dinh_configure(${target})
    target_link_libraries(${target} PUBLIC ${ARG_DEPS})
  else()
    add_library(${target} INTERFACE)
    target_include_directories(${target} INTERFACE ${CMAKE_SOURCE_DIR})
    target_link_libraries(${target} INTERFACE ${ARG_DEPS})
  endif()
  add_library(${alias} ALIAS ${target})
  set(COMPONENT_TESTS "${tests}" PARENT_SCOPE)
  set(COMPONENT_MAIN "${main}" PARENT_SCOPE)
endfunction()

function(dinh_lib name)
  cmake_parse_arguments(ARG "" "" "DEPS" ${ARGN})
  dinh_component(dinh_${name} dinh::${name} ${CMAKE_SOURCE_DIR}/libs/${name} DEPS ${ARG_DEPS})
  # libs/testing stands to the right of every lib: a lib's own tests use only its header-only helpers.
  dinh_test(${name}_test SOURCES ${COMPONENT_TESTS} DEPS dinh::${name})
endfunction()

function(dinh_service name)
  cmake_parse_arguments(ARG "" "" "DEPS" ${ARGN})
  dinh_component(dinh_svc_${name} dinh::svc_${name} ${CMAKE_SOURCE_DIR}/services/${name} DEPS dinh::app ${ARG_DEPS})
  dinh_test(${name}_service_test SOURCES ${COMPONENT_TESTS} DEPS dinh::svc_${name} dinh_testing ZXing::ZXing)
  # The same tests on the other engine (libs/testing/service_harness.h), where a service has a store.
  if(BUILD_TESTING AND COMPONENT_TESTS AND EXISTS ${CMAKE_SOURCE_DIR}/services/${name}/store.cc)
    add_test(NAME ${name}_service_postgres_test COMMAND ${name}_service_test WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(${name}_service_postgres_test PROPERTIES TIMEOUT 300 ENVIRONMENT DINH_TEST_ENGINE=postgres)
  endif()
  if(COMPONENT_MAIN)
    # One process with every service is the program `dinh`; a single service is its name with a d.
    set(program ${name}d)
    if(name STREQUAL "standalone")
      set(program dinh)
    endif()
    add_executable(${program} ${COMPONENT_MAIN})
    dinh_configure(${program})
    target_link_libraries(${program} PRIVATE dinh::svc_${name})
  endif()
endfunction()
