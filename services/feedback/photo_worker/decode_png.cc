#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <cstring>
#include <memory>

#include "services/feedback/photo_worker/decode.h"

namespace dinh::photo {
namespace {

// libpng leaves by longjmp on errors: what must be freed is a member, never a local of a function that calls it.
class Decoder {
 public:
  explicit Decoder(std::string_view bare) : rest_(bare) {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, OnError, OnWarning);
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
  }
  ~Decoder() { png_destroy_read_struct(&png_, &info_, nullptr); }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  Verdict Run(Picture* picture) {
    if (info_ == nullptr) return Verdict::kTooManyPixels;
    if (setjmp(png_jmpbuf(png_)) != 0) return Verdict::kDamaged;
    png_set_read_fn(png_, this, Read);
    png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);  // CheckSize decides
    png_set_benign_errors(png_, 0);                               // more data than the picture has: refused
    png_read_info(png_, info_);
    verdict_ = Prepare();
    if (verdict_ != Verdict::kOk) return verdict_;
    if (whole_.empty()) {
      for (int y = 0; y < size_.height; ++y) {
        png_read_row(png_, row_.data(), nullptr);
        Add(row_.data());
      }
    } else {
      ReadInterlaced();
    }
    png_read_end(png_, nullptr);
    *picture = scaler_->Take();
    return Verdict::kOk;
  }

 private:
  [[noreturn]] static void OnError(png_structp png, png_const_charp) { png_longjmp(png, 1); }
  static void OnWarning(png_structp, png_const_charp) {}
  static void Read(png_structp png, png_bytep to, size_t bytes) {
    auto* self = static_cast<Decoder*>(png_get_io_ptr(png));
    if (self->rest_.size() < bytes) png_error(png, "end of data");
    std::memcpy(to, self->rest_.data(), bytes);
    self->rest_.remove_prefix(bytes);
  }

  Verdict Prepare() {
    const int64_t width = png_get_image_width(png_, info_);
    const int64_t height = png_get_image_height(png_, info_);
    const Verdict checked = CheckSize(width, height);
    if (checked != Verdict::kOk) return checked;
    size_ = {static_cast<int>(width), static_cast<int>(height)};
    png_set_expand(png_);
    png_set_scale_16(png_);
    png_set_gray_to_rgb(png_);
    passes_ = png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    row_bytes_ = png_get_rowbytes(png_, info_);
    alpha_ = png_get_channels(png_, info_) == 4;
    row_.resize(row_bytes_);
    flat_.resize(static_cast<size_t>(width) * kChannels);
    if (passes_ > 1) {
      if (static_cast<int64_t>(row_bytes_) * height > kDecoderBytesMax) return Verdict::kTooManyPixels;
      whole_.resize(row_bytes_ * static_cast<size_t>(height));
    }
    scaler_ = std::make_unique<RowScaler>(size_, FitWithin(size_, kFullSideMax));
    return Verdict::kOk;
  }

  void ReadInterlaced() {
    for (int pass = 0; pass < passes_; ++pass) {
      for (int y = 0; y < size_.height; ++y) png_read_row(png_, whole_.data() + y * row_bytes_, nullptr);
    }
    for (int y = 0; y < size_.height; ++y) Add(whole_.data() + y * row_bytes_);
  }

  void Add(const uint8_t* row) {
    if (alpha_) {
      FlattenAlpha(row, size_.width, flat_.data());
      row = flat_.data();
    }
    scaler_->Add(row);
  }

  std::string_view rest_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  Verdict verdict_ = Verdict::kOk;
  Size size_;
  int passes_ = 1;
  bool alpha_ = false;
  size_t row_bytes_ = 0;
  std::vector<uint8_t> row_;    // as libpng gives it
  std::vector<uint8_t> flat_;   // without alpha
  std::vector<uint8_t> whole_;  // an interlaced picture comes in seven passes over all of it
  std::unique_ptr<RowScaler> scaler_;
};

}  // namespace

Verdict DecodePng(std::string_view bare, Picture* picture) { return Decoder(bare).Run(picture); }

}  // namespace dinh::photo
