#include "libs/app/resources.h"

#include <filesystem>
#include <vector>

#include "libs/base/status.h"

namespace dinh::app {

absl::StatusOr<std::string> FindResources(const std::string& configured) {
  std::error_code error;
  std::vector<std::filesystem::path> places;
  if (!configured.empty()) {
    places = {configured};
  } else {
    const std::filesystem::path binary = std::filesystem::read_symlink("/proc/self/exe", error);
    places = {binary.parent_path() / "../share/dinh", DINH_BUILT_FROM "/deploy/data",
              binary.parent_path() / "../../../deploy/data"};
  }
  for (const std::filesystem::path& place : places) {
    if (std::filesystem::exists(place / "territory.json", error)) return std::filesystem::canonical(place).string();
  }
  return base::FailedPrecondition("RESOURCES_MISSING",
                                  {"Không thấy dữ liệu đi kèm (deploy/data). Hãy đặt --dinh-resource-dir.",
                                   "The shipped data (deploy/data) was not found. Set --dinh-resource-dir."});
}

}  // namespace dinh::app
