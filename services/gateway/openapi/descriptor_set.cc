// The descriptor set with comments, put into the binary by the assembler: a string literal of its size would take the
// compiler seconds.
#include <cstddef>

#include "services/gateway/openapi/openapi.h"

asm(".section .rodata\n"
    ".global dinh_descriptor_set_begin\n"
    ".global dinh_descriptor_set_end\n"
    "dinh_descriptor_set_begin:\n"
    ".incbin \"" DINH_DESCRIPTOR_SET
    "\"\n"
    "dinh_descriptor_set_end:\n"
    ".byte 0\n"
    ".text\n");

extern "C" {
extern const char dinh_descriptor_set_begin[];
extern const char dinh_descriptor_set_end[];
}

namespace dinh::gateway {

std::string_view EmbeddedDescriptorSet() {
  return {dinh_descriptor_set_begin, static_cast<size_t>(dinh_descriptor_set_end - dinh_descriptor_set_begin)};
}

}  // namespace dinh::gateway
