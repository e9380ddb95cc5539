#include "services/procedures/json_data.h"

#include <utility>

#include "libs/base/strings.h"
#include "libs/config/json_object.h"

namespace dinh::procedures {
namespace {

using Object = config::JsonObject;

TimeLimit ReadTimeLimit(Object& o) {
  o.Only({"unit", "online", "desk", "post", "same_day", "note"});
  TimeLimit limit;
  const std::string unit = o.Text("unit");
  if (unit == "working_days") {
    limit.unit = TimeLimit::Unit::kWorkingDays;
  } else if (unit == "calendar_days") {
    limit.unit = TimeLimit::Unit::kCalendarDays;
  } else if (unit != "none") {
    o.Fail("unit", "working_days, calendar_days or none");
  }
  const bool counted = limit.unit != TimeLimit::Unit::kNone;
  for (Channel channel : {Channel::kOnline, Channel::kDesk, Channel::kPost}) {
    const std::string key(ChannelName(channel));
    limit.days[static_cast<size_t>(channel)] = static_cast<int>(o.Int(key.c_str(), 0, counted));
  }
  limit.same_day = o.Bool("same_day");
  limit.note = o.Both("note", false);
  if (const absl::Status s = CheckTimeLimit(limit); !s.ok()) o.Fail("", base::FromAbsl(s.message()));
  return limit;
}

FeeRule ReadFeeRule(Object& o) {
  o.Only({"kind", "channels", "label", "unit", "amount_vnd", "count_field", "page_field", "tiers", "cap_vnd"});
  FeeRule rule;
  const std::string kind = o.Text("kind");
  if (kind == "per_unit") {
    rule.kind = FeeKind::kPerUnit;
  } else if (kind == "per_page") {
    rule.kind = FeeKind::kPerPage;
  } else if (kind != "fixed") {
    o.Fail("kind", "fixed, per_unit or per_page");
  }
  for (const std::string& name : o.Texts("channels", false)) {
    const std::optional<Channel> channel = ParseChannel(name);
    if (!channel) o.Fail("channels", "online, desk or post");
    rule.channels.push_back(channel.value_or(Channel::kOnline));
  }
  rule.label = o.Both("label");
  rule.unit = o.Both("unit", rule.kind != FeeKind::kFixed);
  rule.amount_vnd = o.Int("amount_vnd", 0, rule.kind != FeeKind::kPerPage);
  if (o.Has("count_field")) rule.count_field = o.Text("count_field");
  if (o.Has("page_field")) rule.page_field = o.Text("page_field");
  rule.cap_vnd = o.Int("cap_vnd", 0, false);
  o.Each(
      "tiers",
      [&](Object& t) {
        t.Only({"from", "unit_vnd"});
        rule.tiers.push_back({static_cast<int>(t.Int("from")), t.Int("unit_vnd")});
      },
      false);
  return rule;
}

FeeSchedule ReadFees(Object& o) {
  o.Only({"rules", "exemptions", "note"});
  FeeSchedule fees;
  o.Each("rules", [&](Object& r) { fees.rules.push_back(ReadFeeRule(r)); });
  o.Each(
      "exemptions",
      [&](Object& e) {
        e.Only({"code", "label"});
        fees.exemptions.push_back({e.Text("code"), e.Both("label")});
      },
      false);
  fees.note = o.Both("note", false);
  if (const absl::Status s = CheckFees(fees); !s.ok()) o.Fail("", base::FromAbsl(s.message()));
  return fees;
}

Procedure ReadProcedure(Object& o) {
  o.Only({"code", "version", "valid_from", "valid_to", "name", "field", "executor", "executor_name", "form", "workflow",
          "time_limit", "fees", "papers", "legal_basis", "decision", "confidence", "time_source", "source_url",
          "source_note"});
  Procedure p;
  p.code = o.Text("code");
  if (p.code.empty() || NormalizeProcedureCode(p.code) != p.code) o.Fail("code", "a code like 2.000635");
  p.version = static_cast<int>(o.Int("version"));
  p.valid_from = o.Date("valid_from");
  if (o.Has("valid_to")) p.valid_to = o.Date("valid_to");
  p.name = o.Text("name");
  p.field = o.Text("field");
  const std::string executor = o.Text("executor");
  if (executor == "police") {
    p.executor = Executor::kPolice;
  } else if (executor != "peoples_committee") {
    o.Fail("executor", "peoples_committee or police");
  }
  p.executor_name = o.Text("executor_name");
  p.form = o.Text("form");
  p.workflow = o.Text("workflow");
  o.In("time_limit", [&](Object& t) { p.time_limit = ReadTimeLimit(t); });
  o.In("fees", [&](Object& f) { p.fees = ReadFees(f); });
  p.papers = o.Texts("papers");
  p.legal_basis = o.Texts("legal_basis");
  p.decision = o.Text("decision", false);
  p.confidence = o.Text("confidence", false);
  p.time_source = o.Text("time_source", false);
  p.source_url = o.Text("source_url", false);
  p.source_note = o.Text("source_note", false);
  return p;
}

std::optional<Condition> ReadCondition(Object& o, const char* key) {
  if (!o.Has(key)) return std::nullopt;
  Condition condition;
  o.In(key, [&](Object& c) {
    c.Only({"field", "values"});
    condition.field = c.Text("field");
    condition.values = c.Texts("values");
  });
  return condition;
}

Field ReadField(Object& o) {
  o.Only({"id",           "label",      "hint",    "type",        "required", "personal", "multiline",
          "min_length",   "max_length", "min",     "max",         "min_date", "max_date", "pattern",
          "pattern_text", "options",    "show_if", "required_if", "default",  "prefill"});
  Field f;
  f.id = o.Text("id");
  f.label = o.Both("label");
  f.hint = o.Both("hint", false);
  const std::optional<FieldType> type = ParseFieldType(o.Text("type"));
  if (!type) o.Fail("type", "unknown type");
  f.type = type.value_or(FieldType::kText);
  f.required = o.Bool("required");
  f.personal = o.Bool("personal");
  f.multiline = o.Bool("multiline");
  f.min_length = static_cast<int>(o.Int("min_length", f.min_length, false));
  f.max_length = static_cast<int>(o.Int("max_length", f.max_length, false));
  f.min = o.OptInt("min");
  f.max = o.OptInt("max");
  f.min_date = o.OptText("min_date");
  f.max_date = o.OptText("max_date");
  f.pattern = o.Text("pattern", false);
  f.pattern_text = o.Both("pattern_text", false);
  o.Each(
      "options",
      [&](Object& c) {
        c.Only({"value", "label"});
        f.options.push_back({c.Text("value"), c.Both("label")});
      },
      false);
  f.show_if = ReadCondition(o, "show_if");
  f.required_if = ReadCondition(o, "required_if");
  f.default_value = o.Text("default", false);
  f.prefill = o.Text("prefill", false);
  return f;
}

Workflow ReadWorkflow(Object& o) {
  o.Only({"id", "name", "desk_roles", "steps"});
  Workflow w;
  w.id = o.Text("id");
  w.name = o.Both("name");
  w.desk_roles = o.Texts("desk_roles");
  o.Each("steps", [&](Object& s) {
    s.Only({"id", "name", "kind", "roles", "hours"});
    Step step;
    step.id = s.Text("id");
    step.name = s.Both("name");
    const std::optional<StepKind> kind = ParseStepKind(s.Text("kind"));
    if (!kind) s.Fail("kind", "draft, sign or return");
    step.kind = kind.value_or(StepKind::kDraft);
    step.roles = s.Texts("roles");
    step.hours = static_cast<int>(s.Int("hours"));
    w.steps.push_back(std::move(step));
  });
  if (const absl::Status s = CheckWorkflow(w); o.ok() && !s.ok()) o.Fail("", base::FromAbsl(s.message()));
  return w;
}

}  // namespace

absl::StatusOr<std::vector<Procedure>> ReadProcedures(std::string_view text) {
  std::vector<Procedure> out;
  RETURN_IF_ERROR(config::ReadJson(text, "procedures.json", [&](Object& root) {
    root.Only({"about", "sources", "caveats", "procedures"});
    root.Each("procedures", [&](Object& o) { out.push_back(ReadProcedure(o)); });
  }));
  return out;
}

absl::StatusOr<std::vector<FormDefinition>> ReadForms(std::string_view text) {
  std::vector<FormDefinition> out;
  RETURN_IF_ERROR(config::ReadJson(text, "forms.json", [&](Object& root) {
    root.Only({"about", "sources", "forms"});
    root.Each("forms", [&](Object& o) {
      o.Only({"id", "version", "title", "sections"});
      std::vector<Section> sections;
      o.Each("sections", [&](Object& s) {
        s.Only({"id", "title", "fields"});
        Section section{s.Text("id"), s.Both("title"), {}};
        s.Each("fields", [&](Object& f) { section.fields.push_back(ReadField(f)); });
        sections.push_back(std::move(section));
      });
      absl::StatusOr<FormDefinition> form = FormDefinition::Create(o.Text("id"), static_cast<int>(o.Int("version")),
                                                                   o.Both("title"), std::move(sections));
      if (!form.ok()) return o.Fail("", base::FromAbsl(form.status().message()));
      out.push_back(*std::move(form));
    });
  }));
  return out;
}

absl::StatusOr<std::vector<Workflow>> ReadWorkflows(std::string_view text) {
  std::vector<Workflow> out;
  RETURN_IF_ERROR(config::ReadJson(text, "workflows.json", [&](Object& root) {
    root.Only({"about", "sources", "workflows"});
    root.Each("workflows", [&](Object& o) { out.push_back(ReadWorkflow(o)); });
  }));
  return out;
}

}  // namespace dinh::procedures
