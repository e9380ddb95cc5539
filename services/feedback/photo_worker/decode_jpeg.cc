#include <algorithm>
#include <memory>

#include "services/feedback/photo_worker/decode.h"
#include "services/feedback/photo_worker/jpeg_errors.h"
// Message codes, by the types of jpeglib.h.
#include <jerror.h>

namespace dinh::photo {
namespace {

constexpr int kScaleSteps = 8;  // libjpeg decodes at 1/8 … 8/8
constexpr int kCoefficientBytes = 2;

// A picture with missing or broken data is refused rather than filled with grey. These three are oddities of encoders.
void OnMessage(j_common_ptr info, int level) {
  const int code = info->err->msg_code;
  const bool harmless = code == JWRN_EXTRANEOUS_DATA || code == JWRN_ADOBE_XFORM || code == JWRN_JFIF_MAJOR;
  if (level < 0 && !harmless) JumpOut(info);
}

// libjpeg leaves by longjmp on errors: what must be freed is a member, never a local of a function that calls it.
class Decoder {
 public:
  Decoder() {
    info_.err = jpeg_std_error(&errors_.manager);
    errors_.manager.error_exit = JumpOut;
    errors_.manager.emit_message = OnMessage;
  }
  ~Decoder() { jpeg_destroy_decompress(&info_); }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  Verdict Run(std::string_view bare, Picture* picture) {
    if (setjmp(errors_.jump) != 0) {
      return info_.err->msg_code == JERR_OUT_OF_MEMORY ? Verdict::kTooManyPixels : Verdict::kDamaged;
    }
    jpeg_create_decompress(&info_);
    jpeg_mem_src(&info_, reinterpret_cast<const unsigned char*>(bare.data()), bare.size());
    jpeg_read_header(&info_, TRUE);
    verdict_ = Prepare();
    if (verdict_ != Verdict::kOk) return verdict_;
    jpeg_start_decompress(&info_);
    StartRows();
    while (info_.output_scanline < info_.output_height) {
      JSAMPROW row = row_.data();
      jpeg_read_scanlines(&info_, &row, 1);
      if (info_.out_color_space == JCS_CMYK) InkToRgb();
      scaler_->Add(row_.data());
    }
    jpeg_finish_decompress(&info_);
    *picture = scaler_->Take();
    return Verdict::kOk;
  }

 private:
  Verdict Prepare() {
    const Verdict size = CheckSize(info_.image_width, info_.image_height);
    if (size != Verdict::kOk) return size;
    if (info_.num_components != 1 && info_.num_components != 3 && info_.num_components != 4) {
      return Verdict::kTypeRefused;
    }
    if (jpeg_has_multiple_scans(&info_) && CoefficientBytes() > kDecoderBytesMax) return Verdict::kTooManyPixels;
    info_.out_color_space = info_.num_components == 4 ? JCS_CMYK : JCS_RGB;
    target_ = FitWithin({static_cast<int>(info_.image_width), static_cast<int>(info_.image_height)}, kFullSideMax);
    // The smallest of libjpeg's sizes that is not below the target; the rest of the way is RowScaler's.
    info_.scale_denom = kScaleSteps;
    for (info_.scale_num = 1; info_.scale_num < kScaleSteps; ++info_.scale_num) {
      jpeg_calc_output_dimensions(&info_);
      if (static_cast<int>(info_.output_width) >= target_.width &&
          static_cast<int>(info_.output_height) >= target_.height) {
        break;
      }
    }
    return Verdict::kOk;
  }

  // Of a picture that comes in several scans, and is therefore held whole.
  int64_t CoefficientBytes() const {
    int64_t bytes = 0;
    for (int i = 0; i < info_.num_components; ++i) {
      const jpeg_component_info& component = info_.comp_info[i];
      const auto blocks = [](int64_t side, int factor, int factor_max) {
        return (side * factor + factor_max * DCTSIZE - 1) / (factor_max * DCTSIZE);
      };
      bytes += blocks(info_.image_width, component.h_samp_factor, info_.max_h_samp_factor) *
               blocks(info_.image_height, component.v_samp_factor, info_.max_v_samp_factor) * DCTSIZE2 *
               kCoefficientBytes;
    }
    return bytes;
  }

  void StartRows() {
    row_.resize(static_cast<size_t>(info_.output_width) * std::max(info_.output_components, kChannels));
    scaler_ = std::make_unique<RowScaler>(
        Size{static_cast<int>(info_.output_width), static_cast<int>(info_.output_height)}, target_);
  }

  // Cyan, magenta, yellow, black in place; Adobe stores them inverted.
  void InkToRgb() {
    const uint8_t invert = info_.saw_Adobe_marker ? 0 : 0xFF;
    for (size_t x = 0; x < info_.output_width; ++x) {
      const uint8_t* ink = row_.data() + 4 * x;
      const int black = ink[3] ^ invert;
      for (int c = 0; c < kChannels; ++c) {
        row_[x * kChannels + c] = static_cast<uint8_t>((ink[c] ^ invert) * black / 255);
      }
    }
  }

  jpeg_decompress_struct info_ = {};
  JpegErrors errors_ = {};
  Verdict verdict_ = Verdict::kOk;
  Size target_;
  std::vector<uint8_t> row_;
  std::unique_ptr<RowScaler> scaler_;
};

}  // namespace

Verdict DecodeJpeg(std::string_view bare, Picture* picture) { return Decoder().Run(bare, picture); }

}  // namespace dinh::photo
