#include "services/standalone/backup/manifest.h"

#include <filesystem>

#include "nlohmann/json.hpp"
#include "services/standalone/backup/errors.h"

namespace dinh::standalone {
namespace {

using nlohmann::json;

// db/x.sqlite, service/files/ab/abcd…, keys.export: nothing else is ever written by a restore.
bool IsBackupPath(const std::string& text) {
  if (text == kKeysFile) return true;
  int parts = 0;
  for (const std::filesystem::path& part : std::filesystem::path(text)) {
    const std::string name = part.string();
    if (name.empty() || name.front() == '.' || name.find('/') != std::string::npos || name == "keys") return false;
    ++parts;
  }
  if (text.starts_with("db/")) return parts == 2 && text.ends_with(".sqlite");
  return parts == 4;
}

Manifest Read(const json& in) {
  Manifest manifest;
  manifest.version = in.at("version").get<std::string>();
  manifest.at = in.at("at").get<int64_t>();
  manifest.keys = in.at("keys").get<std::vector<std::string>>();
  for (const json& store : in.at("stores")) {
    manifest.stores.push_back({store.at("name").get<std::string>(),
                               store.at("schema").get<std::map<std::string, int64_t>>(),
                               store.at("audit_head").get<std::string>()});
  }
  for (const json& file : in.at("files")) {
    manifest.files.push_back(
        {file.at("path").get<std::string>(), file.at("size").get<int64_t>(), file.at("sha256").get<std::string>()});
  }
  return manifest;
}

}  // namespace

std::string ManifestJson(const Manifest& manifest) {
  json out = {{"format", manifest.format}, {"version", manifest.version}, {"at", manifest.at},
              {"keys", manifest.keys},     {"stores", json::array()},     {"files", json::array()}};
  for (const BackupStore& store : manifest.stores) {
    out["stores"].push_back({{"name", store.name}, {"schema", store.schema}, {"audit_head", store.audit_head}});
  }
  for (const BackupFile& file : manifest.files) {
    out["files"].push_back({{"path", file.path}, {"size", file.size}, {"sha256", file.sha256}});
  }
  return out.dump(1) + "\n";
}

absl::StatusOr<Manifest> ParseManifest(std::string_view text) {
  const std::string name(kManifestFile);
  const json in = json::parse(text, nullptr, false);
  if (!in.is_object() || !in.contains("format") || !in["format"].is_number_integer()) return BackupDamaged(name);
  if (in["format"].get<int>() > kBackupFormat) return BackupTooNew();
  Manifest manifest;
  try {
    manifest = Read(in);
  } catch (const json::exception&) {
    return BackupDamaged(name);
  }
  if (manifest.stores.empty()) return BackupDamaged(name);
  for (const BackupFile& file : manifest.files) {
    if (!IsBackupPath(file.path)) return BackupDamaged(name);
  }
  return manifest;
}

}  // namespace dinh::standalone
