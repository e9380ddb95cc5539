#include "services/gateway/app_files.h"

#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "libs/base/status.h"

namespace dinh::gateway {
namespace {

std::string_view TypeOf(const std::string& extension) {
  constexpr std::pair<std::string_view, std::string_view> kTypes[] = {
      {".html", "text/html; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".json", "application/json"},
      {".webmanifest", "application/manifest+json"},
      {".svg", "image/svg+xml"},
      {".png", "image/png"},
      {".ico", "image/x-icon"},
      {".woff2", "font/woff2"},
      {".txt", "text/plain; charset=utf-8"},
  };
  for (const auto& [name, type] : kTypes) {
    if (extension == name) return type;
  }
  return "application/octet-stream";
}

absl::Status Unusable(std::string_view why) {
  const std::string text = "gateway.app_dir: " + std::string(why);
  return base::FailedPrecondition("APP_FILES", {"Không dùng được thư mục ứng dụng web. " + text,
                                                "The folder of the web app cannot be used. " + text});
}

}  // namespace

absl::Status AddAppFiles(const std::filesystem::path& folder, bool required, Edge& edge) {
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error)) {
    return required ? Unusable("no such folder") : absl::OkStatus();
  }
  size_t files = 0;
  size_t bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder, error)) {
    if (!entry.is_regular_file(error) || entry.is_symlink(error)) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    std::string content((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    if (!in.good() && !in.eof()) return Unusable("a file cannot be read");
    bytes += content.size();
    if (++files > kAppFilesMax || bytes > kAppBytesMax) return Unusable("too many or too large files");
    const std::string path = "/" + std::filesystem::relative(entry.path(), folder, error).generic_string();
    const bool html = entry.path().extension() == ".html";
    Page page = {std::string(TypeOf(entry.path().extension().string())),
                 std::make_shared<const std::string>(std::move(content)), "", true};
    page.html = html || page.content_type.starts_with("text/javascript");
    if (path == "/index.html") {
      edge.AddPage("/", page);
      edge.UseAppForNavigation();
    }
    edge.AddPage(path, std::move(page));
  }
  return error ? Unusable("it cannot be read") : absl::OkStatus();
}

}  // namespace dinh::gateway
