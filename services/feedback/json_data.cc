#include "services/feedback/json_data.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "libs/base/strings.h"
#include "libs/config/json_object.h"

namespace dinh::feedback {
namespace {

using Object = config::JsonObject;

// A name of an enumeration; the fallback where the key is absent.
template <typename E, typename Parse>
E ReadEnum(Object& o, const char* key, std::optional<E> fallback, Parse&& parse) {
  if (!o.Has(key) && fallback) return *fallback;
  const std::optional<E> value = parse(o.Text(key));
  if (!value) o.Fail(key, "unknown value");
  return value.value_or(E{});
}

int ReadInt(Object& o, const char* key, int fallback) {
  constexpr int64_t kMost = 1'000'000;
  const int64_t value = o.Int(key, fallback, false);
  if (value < -kMost || value > kMost) o.Fail(key, "out of range");
  return static_cast<int>(std::clamp(value, -kMost, kMost));
}

Question ReadQuestion(Object& o) {
  o.Only({"id", "label", "type", "required", "personal", "max_length", "min", "max", "options"});
  Question q;
  q.id = o.Text("id");
  q.label = o.Both("label");
  q.type = ReadEnum<QuestionType>(o, "type", std::nullopt, ParseQuestionType);
  q.required = o.Bool("required");
  q.personal = o.Bool("personal");
  q.max_length = ReadInt(o, "max_length", q.max_length);
  q.min = o.OptInt("min");
  q.max = o.OptInt("max");
  o.Each(
      "options",
      [&](Object& option) {
        option.Only({"value", "label"});
        q.options.push_back({option.Text("value"), option.Both("label")});
      },
      false);
  return q;
}

Guidance ReadGuidance(Object& o) {
  o.Only({"title", "text", "phones", "links", "legal_basis"});
  Guidance g;
  g.title = o.Both("title");
  g.text = o.Both("text");
  o.Each(
      "phones",
      [&](Object& phone) {
        phone.Only({"number", "label"});
        g.phones.push_back({phone.Text("number"), phone.Both("label")});
      },
      false);
  o.Each(
      "links",
      [&](Object& link) {
        link.Only({"url", "label"});
        g.links.push_back({link.Text("url"), link.Both("label")});
      },
      false);
  g.legal_basis = o.Texts("legal_basis", false);
  return g;
}

Responsible ReadResponsible(Object& o, const Responsible& inherited) {
  o.Only({"agency", "level", "position", "assign"});
  Responsible r;
  r.agency = ReadEnum<AgencyKind>(o, "agency", inherited.agency, ParseAgencyKind);
  r.level = ReadEnum<UnitLevel>(o, "level", inherited.level, ParseUnitLevel);
  r.position = o.Has("position") ? o.Text("position") : inherited.position;
  r.assign = ReadEnum<Assign>(o, "assign", inherited.assign, ParseAssign);
  return r;
}

// What a category has from its parent unless it says otherwise.
void ReadInherited(Object& o, Category& c) {
  if (o.Has("responsible")) o.In("responsible", [&](Object& r) { c.responsible = ReadResponsible(r, c.responsible); });
  c.answer_hours = ReadInt(o, "answer_hours", c.answer_hours);
  if (o.Has("escalation")) c.escalation = o.Text("escalation");
  c.public_by_default = o.Bool("public_by_default", c.public_by_default);
  c.may_be_public = o.Bool("may_be_public", c.may_be_public);
  c.moderate_text = o.Bool("moderate_text", c.moderate_text);
  c.about_staff = o.Bool("about_staff", c.about_staff);
  c.needs_place = o.Bool("needs_place", c.needs_place);
  c.reopen_days = ReadInt(o, "reopen_days", c.reopen_days);
  c.close_after_days = ReadInt(o, "close_after_days", c.close_after_days);
  c.duplicate_radius_m = ReadInt(o, "duplicate_radius_m", c.duplicate_radius_m);
  if (o.Has("group")) c.group = o.Text("group");
}

// `category` comes with what its parent hands down.
void ReadCategory(Object& o, Category category, std::vector<Category>& out) {
  o.Only({"id",
          "name",
          "description",
          "kind",
          "keywords",
          "questions",
          "guidance",
          "children",
          "responsible",
          "answer_hours",
          "escalation",
          "public_by_default",
          "may_be_public",
          "moderate_text",
          "about_staff",
          "needs_place",
          "reopen_days",
          "close_after_days",
          "duplicate_radius_m",
          "group"});
  category.id = o.Text("id");
  category.name = o.Both("name");
  category.description = o.Both("description", false);
  const Kind usual = o.Has("children") ? Kind::kGroup : Kind::kReport;
  category.kind = ReadEnum<Kind>(o, "kind", usual, ParseKind);
  category.keywords = o.Texts("keywords", false);
  ReadInherited(o, category);
  Category handed_down = category;
  handed_down.parent = category.id;
  o.Each(
      "questions", [&](Object& q) { category.questions.push_back(ReadQuestion(q)); }, false);
  if (o.Has("guidance")) o.In("guidance", [&](Object& g) { category.guidance = ReadGuidance(g); });
  out.push_back(std::move(category));
  o.Each(
      "children", [&](Object& child) { ReadCategory(child, handed_down, out); }, false);
}

EscalationPlan ReadPlan(Object& o) {
  o.Only({"id", "steps"});
  EscalationPlan plan;
  plan.id = o.Text("id");
  o.Each("steps", [&](Object& s) {
    s.Only({"id", "at_percent", "action", "target", "position"});
    EscalationStep step;
    step.id = s.Text("id");
    step.at_percent = ReadInt(s, "at_percent", 0);
    step.action = ReadEnum<EscalationStep::Action>(s, "action", std::nullopt, ParseAction);
    step.target = ReadEnum<EscalationStep::Target>(s, "target", std::nullopt, ParseTarget);
    step.position = s.Text("position", false);
    plan.steps.push_back(std::move(step));
  });
  return plan;
}

AnswerTemplate ReadTemplate(Object& o) {
  o.Only({"id", "title", "text", "events", "categories"});
  AnswerTemplate t;
  t.id = o.Text("id");
  t.title = o.Text("title");
  t.text = o.Text("text");
  for (const std::string& name : o.Texts("events")) {
    const std::optional<EventKind> event = ParseEvent(name);
    if (!event) o.Fail("events", "unknown event " + name);
    t.events.push_back(event.value_or(EventKind::kAnswer));
  }
  t.categories = o.Texts("categories", false);
  const absl::StatusOr<std::vector<std::string>> names = TemplateVariables(t.text);
  if (!names.ok()) {
    o.Fail("text", base::FromAbsl(names.status().message()));
    return t;
  }
  const std::vector<std::string>& known = KnownVariables();
  for (const std::string& name : *names) {
    if (std::find(known.begin(), known.end(), name) == known.end()) o.Fail("text", "unknown variable " + name);
  }
  return t;
}

void ReadArea(Object& o, FeedbackData& data) {
  o.Only({"about", "bbox", "suggest_within_m", "places"});
  o.In("bbox", [&](Object& box) {
    box.Only({"west", "south", "east", "north"});
    data.service_area = {box.Number("west"), box.Number("south"), box.Number("east"), box.Number("north")};
    if (const absl::Status s = CheckBbox(data.service_area); !s.ok()) box.Fail("", base::FromAbsl(s.message()));
  });
  data.suggest_within_m = o.Number("suggest_within_m");
  o.Each("places", [&](Object& p) {
    p.Only({"unit", "name", "lat", "lon"});
    const ReferencePoint place{p.Text("unit"), p.Text("name"), {p.Number("lat"), p.Number("lon")}};
    if (!Contains(data.service_area, place.point)) p.Fail("", "outside of bbox");
    data.places.push_back(place);
  });
}

absl::Status CheckTemplates(const FeedbackData& data) {
  std::set<std::string_view> ids;
  for (const AnswerTemplate& t : data.templates) {
    if (!ids.insert(t.id).second) return absl::InvalidArgumentError("feedback.json: template \"" + t.id + "\" twice");
    for (const std::string& category : t.categories) {
      if (data.categories.Find(category) != nullptr) continue;
      return absl::InvalidArgumentError("feedback.json: template \"" + t.id + "\": unknown category " + category);
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<FeedbackData> ReadFeedback(std::string_view json) {
  std::vector<Category> categories;
  std::vector<EscalationPlan> plans;
  FeedbackData data;
  RETURN_IF_ERROR(config::ReadJson(json, "feedback.json", [&](Object& root) {
    root.Only({"about", "sources", "notes", "area", "escalations", "defaults", "categories", "templates", "profanity"});
    root.In("area", [&](Object& area) { ReadArea(area, data); });
    root.Each("escalations", [&](Object& plan) { plans.push_back(ReadPlan(plan)); });
    Category defaults;
    root.In("defaults", [&](Object& d) {
      d.Only({"responsible", "answer_hours", "escalation", "public_by_default", "may_be_public", "moderate_text",
              "about_staff", "needs_place", "reopen_days", "close_after_days", "duplicate_radius_m"});
      ReadInherited(d, defaults);
    });
    root.Each("categories", [&](Object& category) { ReadCategory(category, defaults, categories); });
    root.Each("templates", [&](Object& t) { data.templates.push_back(ReadTemplate(t)); });
    data.profanity = root.Texts("profanity");
  }));
  absl::StatusOr<CategoryTree> tree = CategoryTree::Build(std::move(categories), std::move(plans));
  if (!tree.ok()) {
    return absl::InvalidArgumentError("feedback.json: " + std::string(base::FromAbsl(tree.status().message())));
  }
  data.categories = *std::move(tree);
  RETURN_IF_ERROR(CheckTemplates(data));
  return data;
}

}  // namespace dinh::feedback
