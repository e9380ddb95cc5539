// From rows to what the API shows. Who looks decides how much: the filer sees the tracking path, and results once they
// were returned; the desk sees the filer's name.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "dinh/procedures/v1/catalogue_service.pb.h"
#include "dinh/procedures/v1/dossier_service.pb.h"
#include "dinh/procedures/v1/resources.pb.h"
#include "services/procedures/catalogue.h"
#include "services/procedures/rows.h"

namespace dinh::procedures {

namespace pb = ::dinh::procedures::v1;

using RoleNames = std::map<std::string, std::string, std::less<>>;  // "one_stop" -> "Cán bộ một cửa"

struct ViewContext {
  const Catalogue& catalogue;
  const RoleNames& roles;
  base::Micros now = 0;
  bool filer = false;  // the filer looks
};

std::string Etag(const DossierRow& row);
std::string TrackingPath(const DossierRow& row);  // "/track/…"; "" before acceptance
std::string ActorName(const RoleNames& roles, ActorKind kind, const std::string& role);

// Without history and files: what lists show.
pb::Dossier Summary(const ViewContext& view, const DossierRow& row);
pb::Dossier Full(const ViewContext& view, const DossierRow& row, const std::vector<TimelineRow>& timeline,
                 const std::vector<AttachmentRow>& files);
// What whoever holds the receipt may see: no names, no notes.
pb::TrackedDossier Tracked(const ViewContext& view, const DossierRow& row, const std::vector<TimelineRow>& timeline);
pb::Attachment ToProto(const AttachmentRow& row);
pb::Procedure ToProto(const Procedure& procedure);
pb::FormDefinition ToProto(const FormDefinition& form, bool english);

}  // namespace dinh::procedures
