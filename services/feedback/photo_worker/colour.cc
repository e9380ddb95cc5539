#include "services/feedback/photo_worker/colour.h"

#include <lcms2.h>

#include <memory>

namespace dinh::photo {
namespace {

struct CloseProfile {
  void operator()(void* profile) const { cmsCloseProfile(profile); }
};
struct DeleteTransform {
  void operator()(void* transform) const { cmsDeleteTransform(transform); }
};
using Profile = std::unique_ptr<void, CloseProfile>;
using Transform = std::unique_ptr<void, DeleteTransform>;

}  // namespace

void ToSrgb(Picture& picture, std::string_view icc_profile) {
  if (icc_profile.empty()) return;
  const Profile from(cmsOpenProfileFromMem(icc_profile.data(), static_cast<cmsUInt32Number>(icc_profile.size())));
  if (!from || cmsGetColorSpace(from.get()) != cmsSigRgbData) return;
  const Profile to(cmsCreate_sRGBProfile());
  if (!to) return;
  const Transform transform(
      cmsCreateTransform(from.get(), TYPE_RGB_8, to.get(), TYPE_RGB_8, INTENT_RELATIVE_COLORIMETRIC, 0));
  if (!transform) return;
  cmsDoTransform(transform.get(), picture.rgb.data(), picture.rgb.data(),
                 static_cast<cmsUInt32Number>(picture.rgb.size() / kChannels));
}

}  // namespace dinh::photo
