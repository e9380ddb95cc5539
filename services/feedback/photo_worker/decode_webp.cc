#include <webp/decode.h>

#include "services/feedback/photo_worker/decode.h"

namespace dinh::photo {
namespace {

constexpr int kFormatLossless = 2;  // WebPBitstreamFeatures::format
constexpr int kArgbBytes = 4;

}  // namespace

Verdict DecodeWebp(std::string_view bare, Picture* picture) {
  const auto* data = reinterpret_cast<const uint8_t*>(bare.data());
  WebPDecoderConfig config;
  if (WebPInitDecoderConfig(&config) == 0) return Verdict::kDamaged;
  if (WebPGetFeatures(data, bare.size(), &config.input) != VP8_STATUS_OK) return Verdict::kDamaged;
  const Size size{config.input.width, config.input.height};
  if (const Verdict checked = CheckSize(size.width, size.height); checked != Verdict::kOk) return checked;
  // Lossless data is decoded whole, and so is an alpha plane beside lossy data.
  const int64_t bytes_per_pixel =
      (config.input.format == kFormatLossless ? kArgbBytes : 0) + (config.input.has_alpha != 0 ? 1 : 0);
  if (static_cast<int64_t>(size.width) * size.height * bytes_per_pixel > kDecoderBytesMax) {
    return Verdict::kTooManyPixels;
  }

  const Size target = FitWithin(size, kFullSideMax);
  config.options.use_scaling = target.width != size.width || target.height != size.height ? 1 : 0;
  config.options.scaled_width = target.width;
  config.options.scaled_height = target.height;
  const bool alpha = config.input.has_alpha != 0;
  const int channels = alpha ? kArgbBytes : kChannels;
  std::vector<uint8_t> pixels(static_cast<size_t>(target.width) * target.height * channels);
  config.output.colorspace = alpha ? MODE_RGBA : MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = pixels.data();
  config.output.u.RGBA.stride = target.width * channels;
  config.output.u.RGBA.size = pixels.size();
  const VP8StatusCode status = WebPDecode(data, bare.size(), &config);
  WebPFreeDecBuffer(&config.output);
  if (status == VP8_STATUS_OUT_OF_MEMORY) return Verdict::kTooManyPixels;
  if (status != VP8_STATUS_OK) return Verdict::kDamaged;

  if (alpha) {
    *picture = Picture(target.width, target.height);
    FlattenAlpha(pixels.data(), target.width * target.height, picture->rgb.data());
  } else {
    picture->width = target.width;
    picture->height = target.height;
    picture->rgb = std::move(pixels);
  }
  return Verdict::kOk;
}

}  // namespace dinh::photo
