#include "services/feedback/photo_worker/encode_jpeg.h"

#include <cstdlib>

#include "services/feedback/photo_worker/jpeg_errors.h"

namespace dinh::photo {
namespace {

class Encoder {
 public:
  Encoder() {
    info_.err = jpeg_std_error(&errors_.manager);
    errors_.manager.error_exit = JumpOut;
    errors_.manager.output_message = [](j_common_ptr) {};
  }
  ~Encoder() {
    jpeg_destroy_compress(&info_);
    std::free(out_);  // jpeg_mem_dest's
  }
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;

  bool Run(const Picture& picture, JpegKind kind) {
    if (setjmp(errors_.jump) != 0) return false;
    jpeg_create_compress(&info_);
    jpeg_mem_dest(&info_, &out_, &out_bytes_);
    info_.image_width = static_cast<JDIMENSION>(picture.width);
    info_.image_height = static_cast<JDIMENSION>(picture.height);
    info_.input_components = kChannels;
    info_.in_color_space = JCS_RGB;
    jpeg_set_defaults(&info_);  // YCbCr 4:2:0
    jpeg_set_quality(&info_, kJpegQuality, TRUE);
    info_.optimize_coding = TRUE;
    info_.write_JFIF_header = FALSE;
    if (kind == JpegKind::kProgressive) jpeg_simple_progression(&info_);
    jpeg_start_compress(&info_, TRUE);
    while (info_.next_scanline < info_.image_height) {
      JSAMPROW row = const_cast<JSAMPROW>(picture.row(static_cast<int>(info_.next_scanline)));
      jpeg_write_scanlines(&info_, &row, 1);
    }
    jpeg_finish_compress(&info_);
    return true;
  }
  std::string Take() const { return {reinterpret_cast<const char*>(out_), out_bytes_}; }

 private:
  jpeg_compress_struct info_ = {};
  JpegErrors errors_ = {};
  unsigned char* out_ = nullptr;
  unsigned long out_bytes_ = 0;  // NOLINT(google-runtime-int): libjpeg's type
};

}  // namespace

std::string EncodeJpeg(const Picture& picture, JpegKind kind) {
  Encoder encoder;
  return encoder.Run(picture, kind) ? encoder.Take() : std::string();
}

}  // namespace dinh::photo
