#include "services/procedures/catalogue.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "libs/config/data_files.h"
#include "services/procedures/json_data.h"

namespace dinh::procedures {
namespace {

absl::Status Misfit(const Procedure& procedure, std::string_view what) {
  return absl::InvalidArgumentError("procedure " + procedure.code + " version " + std::to_string(procedure.version) +
                                    ": " + std::string(what));
}

bool IsCount(const FormDefinition& form, const std::string& field) {
  const Field* found = form.Find(field);
  return found != nullptr && found->type == FieldType::kInteger;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Catalogue>> Catalogue::Load(const std::string& dir) {
  auto catalogue = std::unique_ptr<Catalogue>(new Catalogue());
  ASSIGN_OR_RETURN(const std::string procedures, config::ReadDataFile(dir + "/procedures.json"));
  ASSIGN_OR_RETURN(catalogue->procedures_, ReadProcedures(procedures));
  ASSIGN_OR_RETURN(const std::string forms_json, config::ReadDataFile(dir + "/forms.json"));
  ASSIGN_OR_RETURN(std::vector<FormDefinition> forms, ReadForms(forms_json));
  for (FormDefinition& form : forms) {
    std::string id = form.id();
    catalogue->forms_.emplace(std::move(id), std::move(form));
  }
  ASSIGN_OR_RETURN(const std::string workflows_json, config::ReadDataFile(dir + "/workflows.json"));
  ASSIGN_OR_RETURN(std::vector<Workflow> workflows, ReadWorkflows(workflows_json));
  for (Workflow& workflow : workflows) {
    std::string id = workflow.id;
    catalogue->workflows_.emplace(std::move(id), std::move(workflow));
  }
  ASSIGN_OR_RETURN(const std::string holidays, config::ReadDataFile(dir + "/holidays.json"));
  ASSIGN_OR_RETURN(const std::vector<base::CalendarDay> days, config::ReadHolidays(holidays));
  ASSIGN_OR_RETURN(catalogue->calendar_, base::WorkingCalendar::Create(days));
  std::sort(catalogue->procedures_.begin(), catalogue->procedures_.end(), [](const Procedure& a, const Procedure& b) {
    return std::tie(a.code, a.version) < std::tie(b.code, b.version);
  });
  RETURN_IF_ERROR(catalogue->Check());
  std::vector<SearchEntry> entries;
  for (const Procedure& p : catalogue->procedures_) entries.push_back({p.code, p.name, p.field});
  catalogue->index_ = std::make_unique<SearchIndex>(entries);
  return catalogue;
}

absl::Status Catalogue::Check() const {
  if (procedures_.empty()) return absl::InvalidArgumentError("procedures.json has no procedure");
  for (size_t i = 0; i < procedures_.size(); ++i) {
    const Procedure& p = procedures_[i];
    const FormDefinition* form = Form(p.form);
    if (form == nullptr) return Misfit(p, "form " + p.form + " does not exist");
    if (WorkflowOf(p) == nullptr) return Misfit(p, "workflow " + p.workflow + " does not exist");
    if (p.valid_to && *p.valid_to <= p.valid_from) return Misfit(p, "valid_to must be after valid_from");
    for (const FeeRule& rule : p.fees.rules) {
      if (rule.kind != FeeKind::kFixed && !IsCount(*form, rule.count_field))
        return Misfit(p, "fee counts an unknown field");
      if (rule.kind == FeeKind::kPerPage && !IsCount(*form, rule.page_field))
        return Misfit(p, "fee counts an unknown field");
    }
    if (i == 0 || procedures_[i - 1].code != p.code) continue;
    const Procedure& before = procedures_[i - 1];
    if (before.version == p.version) return Misfit(p, "the version stands twice");
    if (!before.valid_to || *before.valid_to > p.valid_from) return Misfit(p, "overlaps the version before");
  }
  return absl::OkStatus();
}

const Procedure* Catalogue::Find(std::string_view code, base::CivilDate at) const {
  const std::string normal = NormalizeProcedureCode(code);
  auto it = std::lower_bound(procedures_.begin(), procedures_.end(), normal,
                             [](const Procedure& p, const std::string& key) { return p.code < key; });
  for (; it != procedures_.end() && it->code == normal; ++it) {
    if (it->ValidAt(at)) return &*it;
  }
  return nullptr;
}

const Procedure* Catalogue::FindVersion(std::string_view code, int version) const {
  const auto it = std::lower_bound(procedures_.begin(), procedures_.end(), std::pair(code, version),
                                   [](const Procedure& p, const std::pair<std::string_view, int>& key) {
                                     return std::pair(std::string_view(p.code), p.version) < key;
                                   });
  return it != procedures_.end() && it->code == code && it->version == version ? &*it : nullptr;
}

std::vector<const Procedure*> Catalogue::Search(std::string_view query, std::string_view field,
                                                base::CivilDate at) const {
  std::vector<const Procedure*> out;
  for (size_t i : index_->Find(query, procedures_.size())) {
    const Procedure& p = procedures_[i];
    if (p.ValidAt(at) && (field.empty() || p.field == field)) out.push_back(&p);
  }
  return out;
}

const FormDefinition* Catalogue::Form(std::string_view id) const {
  const auto it = forms_.find(id);
  return it == forms_.end() ? nullptr : &it->second;
}

const Workflow* Catalogue::WorkflowOf(const Procedure& procedure) const {
  const auto it = workflows_.find(procedure.workflow);
  return it == workflows_.end() ? nullptr : &it->second;
}

}  // namespace dinh::procedures
