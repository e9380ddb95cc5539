# proto/**/*.proto and the Google and gRPC protos they import -> dinh_proto (messages and descriptors; no gRPC stubs:
# one generic adapter serves every method).
set(DINH_PROTO_GOOGLE /usr/share/gocode/src/github.com/gogo/googleapis)
set(DINH_PROTO_GRPC /usr/share/grpc-proto)
set(DINH_PROTO_OUT ${CMAKE_BINARY_DIR}/gen)
file(MAKE_DIRECTORY ${DINH_PROTO_OUT})
file(GLOB_RECURSE DINH_PROTO_FILES CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR}/proto ${CMAKE_SOURCE_DIR}/proto/*.proto)
set(DINH_PROTO_FOREIGN google/api/annotations.proto google/api/http.proto google/rpc/status.proto
    google/rpc/error_details.proto google/rpc/code.proto grpc/health/v1/health.proto
    grpc/reflection/v1alpha/reflection.proto)
if(DINH_FUZZ) # the only messages that fuzz targets use
  set(DINH_PROTO_FILES dinh/testing/v1/transcode.proto)
  set(DINH_PROTO_FOREIGN "")
endif()
set(proto_sources)
foreach(proto IN LISTS DINH_PROTO_FILES DINH_PROTO_FOREIGN)
  if(proto IN_LIST DINH_PROTO_FILES)
    set(source ${CMAKE_SOURCE_DIR}/proto/${proto})
  elseif(proto MATCHES "^grpc/")
    set(source ${DINH_PROTO_GRPC}/${proto})
  else()
    set(source ${DINH_PROTO_GOOGLE}/${proto})
  endif()
  string(REGEX REPLACE "\\.proto$" "" stem ${proto})
  add_custom_command(
    OUTPUT ${DINH_PROTO_OUT}/${stem}.pb.cc ${DINH_PROTO_OUT}/${stem}.pb.h
    COMMAND protobuf::protoc -I${CMAKE_SOURCE_DIR}/proto -I${DINH_PROTO_GOOGLE} -I${DINH_PROTO_GRPC}
            --cpp_out=${DINH_PROTO_OUT} ${proto}
    DEPENDS ${source} VERBATIM)
  list(APPEND proto_sources ${DINH_PROTO_OUT}/${stem}.pb.cc)
endforeach()
add_library(dinh_proto STATIC ${proto_sources})
target_include_directories(dinh_proto SYSTEM PUBLIC ${DINH_PROTO_OUT})
target_link_libraries(dinh_proto PUBLIC protobuf::libprotobuf)
target_compile_options(dinh_proto PRIVATE -O1 -w)

# The same files as one descriptor set, comments included: what OpenAPI's texts are made from.
set(DINH_DESCRIPTOR_SET ${CMAKE_BINARY_DIR}/gen/dinh.binpb)
add_custom_command(
  OUTPUT ${DINH_DESCRIPTOR_SET}
  COMMAND protobuf::protoc -I${CMAKE_SOURCE_DIR}/proto -I${DINH_PROTO_GOOGLE} -I${DINH_PROTO_GRPC}
          --include_imports --include_source_info --descriptor_set_out=${DINH_DESCRIPTOR_SET} ${DINH_PROTO_FILES}
  WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}/proto
  DEPENDS ${proto_sources} VERBATIM)
add_custom_target(dinh_descriptors ALL DEPENDS ${DINH_DESCRIPTOR_SET})
