// How libjpeg reports that it cannot go on: by a jump back to the one who called it. Between setjmp and the jump no
// object with a destructor may live in a local variable.
#pragma once

#include <cstddef>
#include <cstdio>
// jpeglib.h uses what the two above declare.
#include <jpeglib.h>

#include <csetjmp>

namespace dinh::photo {

struct JpegErrors {
  jpeg_error_mgr manager;  // first: libjpeg knows the struct by it
  std::jmp_buf jump;
};

[[noreturn]] inline void JumpOut(j_common_ptr info) { std::longjmp(reinterpret_cast<JpegErrors*>(info->err)->jump, 1); }

}  // namespace dinh::photo
