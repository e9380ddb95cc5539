#include "services/feedback/domain/categories.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <set>
#include <utility>

#include "libs/base/strings.h"

namespace dinh::feedback {
namespace {

template <typename E, size_t N>
using Names = std::array<std::pair<E, std::string_view>, N>;

constexpr Names<Kind, 4> kKinds = {
    {{Kind::kGroup, "group"}, {Kind::kReport, "report"}, {Kind::kGuide, "guide"}, {Kind::kEmergency, "emergency"}}};
constexpr Names<AgencyKind, 2> kAgencyKinds = {
    {{AgencyKind::kPeoplesCommittee, "peoples_committee"}, {AgencyKind::kPolice, "police"}}};
constexpr Names<UnitLevel, 2> kUnitLevels = {{{UnitLevel::kCommune, "commune"}, {UnitLevel::kAbove, "above"}}};
constexpr Names<Assign, 3> kAssigns = {
    {{Assign::kManual, "manual"}, {Assign::kRoundRobin, "round_robin"}, {Assign::kLeastLoaded, "least_loaded"}}};
constexpr Names<QuestionType, 4> kQuestionTypes = {{{QuestionType::kText, "text"},
                                                    {QuestionType::kChoice, "choice"},
                                                    {QuestionType::kNumber, "number"},
                                                    {QuestionType::kYesNo, "yes_no"}}};
constexpr Names<EscalationStep::Action, 2> kActions = {
    {{EscalationStep::Action::kRemind, "remind"}, {EscalationStep::Action::kEscalate, "escalate"}}};
constexpr Names<EscalationStep::Target, 3> kTargets = {{{EscalationStep::Target::kAssignee, "assignee"},
                                                        {EscalationStep::Target::kPosition, "position"},
                                                        {EscalationStep::Target::kUnitAbove, "unit_above"}}};

template <typename E, size_t N>
std::string_view NameIn(const Names<E, N>& names, E value) {
  for (const auto& [known, name] : names) {
    if (known == value) return name;
  }
  return "";
}

template <typename E, size_t N>
std::optional<E> ParseIn(const Names<E, N>& names, std::string_view name) {
  for (const auto& [value, known] : names) {
    if (known == name) return value;
  }
  return std::nullopt;
}

bool IsWord(std::string_view text) {
  if (text.empty() || text.front() < 'a' || text.front() > 'z') return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

bool IsCategoryId(std::string_view id) {
  if (id.size() > kCategoryIdMax) return false;
  const std::vector<std::string_view> parts = base::Split(id, '.');
  return std::all_of(parts.begin(), parts.end(), IsWord);
}

// What is wrong, for whoever writes the data; "" nothing.
using Fault = std::string;

bool Complete(const base::Text& text) { return !text.vi.empty() && !text.en.empty(); }

Fault FaultOf(const Question& question) {
  if (!IsWord(question.id) || question.id.size() > kQuestionIdMax) return "malformed question id";
  if (!Complete(question.label)) return "question without a label in both languages";
  if (question.type == QuestionType::kText && (question.max_length < 1 || question.max_length > kAnswerLengthMax)) {
    return "max_length out of range";
  }
  if (question.min && question.max && *question.min > *question.max) return "min above max";
  if ((question.min || question.max) && question.type != QuestionType::kNumber) return "min or max of no number";
  if ((question.type == QuestionType::kChoice) != (question.options.size() >= 2)) {
    return "a choice has two options at least, and nothing else has any";
  }
  std::set<std::string_view> values;
  for (const Option& option : question.options) {
    if (!IsWord(option.value) || !Complete(option.label)) return "malformed option";
    if (!values.insert(option.value).second) return "option twice";
  }
  return "";
}

Fault QuestionsFault(const Category& category) {
  if (category.questions.size() > kQuestionsMax) return "too many questions";
  std::set<std::string_view> ids;
  for (const Question& question : category.questions) {
    if (!ids.insert(question.id).second) return "question \"" + question.id + "\" twice";
    if (Fault fault = FaultOf(question); !fault.empty()) return fault + " (question \"" + question.id + "\")";
  }
  return "";
}

Fault GuidanceFault(const Category& category) {
  const bool needed = category.kind == Kind::kGuide || category.kind == Kind::kEmergency;
  if (!category.guidance) return needed ? "guidance missing" : "";
  const Guidance& guidance = *category.guidance;
  if (!Complete(guidance.title) || !Complete(guidance.text)) return "guidance without title or text";
  if (category.kind == Kind::kEmergency && guidance.phones.empty()) return "an emergency without a number to call";
  for (const Phone& phone : guidance.phones) {
    const bool digits =
        std::all_of(phone.number.begin(), phone.number.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (phone.number.empty() || !digits || !Complete(phone.label)) return "malformed phone";
  }
  for (const Link& link : guidance.links) {
    if (!link.url.starts_with("https://") || !Complete(link.label)) return "malformed link";
  }
  return "";
}

Fault LimitsFault(const Category& category) {
  if (category.answer_hours < 1 || category.answer_hours > kAnswerHoursMax) return "answer_hours out of range";
  if (category.reopen_days < 0 || category.reopen_days > kReopenDaysMax) return "reopen_days out of range";
  if (category.close_after_days < 1 || category.close_after_days > kReopenDaysMax) {
    return "close_after_days out of range";
  }
  if (category.duplicate_radius_m < 0 || category.duplicate_radius_m > kDuplicateRadiusMax) {
    return "duplicate_radius_m out of range";
  }
  if (category.duplicate_radius_m > 0 && !category.may_be_public) {
    return "duplicates of a private category are offered to nobody";
  }
  return "";
}

Fault ReportFault(const Category& category, const std::set<std::string_view>& plans) {
  if (Fault fault = LimitsFault(category); !fault.empty()) return fault;
  if (!IsWord(category.responsible.position)) return "position missing";
  if (category.public_by_default && !category.may_be_public) return "public by default, but may not be public";
  if (category.about_staff && category.responsible.level != UnitLevel::kAbove) {
    return "reports about staff go to the unit above";
  }
  if (!category.escalation.empty() && !plans.contains(category.escalation)) {
    return "unknown escalation \"" + category.escalation + "\"";
  }
  return QuestionsFault(category);
}

Fault PlanFault(const EscalationPlan& plan) {
  if (!IsWord(plan.id) || plan.steps.empty()) return "malformed id, or no steps";
  std::set<std::string_view> ids;
  int last = 0;
  for (const EscalationStep& step : plan.steps) {
    if (!IsWord(step.id) || !ids.insert(step.id).second) return "malformed or repeated step \"" + step.id + "\"";
    if (step.at_percent <= last || step.at_percent > kEscalationPercentMax) return "at_percent must increase";
    last = step.at_percent;
    const bool wants_position = step.target != EscalationStep::Target::kAssignee;
    if (wants_position ? !IsWord(step.position) : !step.position.empty()) return "position of step \"" + step.id + "\"";
    const bool climbs = step.action == EscalationStep::Action::kEscalate;
    if (climbs && !wants_position) return "step \"" + step.id + "\" escalates to the assignee";
  }
  return "";
}

absl::Status Refuse(std::string_view what, const std::string& id, const std::string& fault) {
  return absl::InvalidArgumentError(std::string(what) + " \"" + id + "\": " + fault);
}

}  // namespace

bool TakesReports(Kind kind) { return kind == Kind::kReport || kind == Kind::kEmergency; }

absl::StatusOr<CategoryTree> CategoryTree::Build(std::vector<Category> categories, std::vector<EscalationPlan> plans) {
  CategoryTree tree;
  tree.categories_ = std::move(categories);
  tree.plans_ = std::move(plans);
  RETURN_IF_ERROR(tree.CheckPlans());
  RETURN_IF_ERROR(tree.Index());
  RETURN_IF_ERROR(tree.CheckCategories());
  for (Category& category : tree.categories_) {
    if (category.group.empty()) category.group = tree.Chain(category.id).back()->name.vi;
  }
  return tree;
}

absl::Status CategoryTree::CheckPlans() const {
  std::set<std::string_view> ids;
  for (const EscalationPlan& plan : plans_) {
    if (!ids.insert(plan.id).second) return Refuse("escalation", plan.id, "twice");
    if (const Fault fault = PlanFault(plan); !fault.empty()) return Refuse("escalation", plan.id, fault);
  }
  return absl::OkStatus();
}

absl::Status CategoryTree::Index() {
  if (categories_.empty() || categories_.size() > kCategoriesMax) {
    return absl::InvalidArgumentError("no categories, or too many");
  }
  for (const Category& category : categories_) {
    if (!IsCategoryId(category.id)) return Refuse("category", category.id, "malformed id");
    if (!by_id_.emplace(category.id, &category).second) return Refuse("category", category.id, "twice");
    children_[category.parent].push_back(&category);
    if (category.kind != Kind::kGroup) leaves_.push_back(&category);
  }
  for (const Category& category : categories_) {
    if (!category.parent.empty() && Find(category.parent) == nullptr) {
      return Refuse("category", category.id, "unknown parent \"" + category.parent + "\"");
    }
    // Up to the root in at most so many steps: neither a cycle nor too deep.
    const Category* up = &category;
    for (size_t depth = 1; up != nullptr && !up->parent.empty(); ++depth, up = Find(up->parent)) {
      if (depth >= kCategoryDepthMax) return Refuse("category", category.id, "in a cycle, or too deep");
    }
  }
  return absl::OkStatus();
}

absl::Status CategoryTree::CheckCategories() const {
  std::set<std::string_view> plans;
  for (const EscalationPlan& plan : plans_) plans.insert(plan.id);
  for (const Category& category : categories_) {
    const bool has_children = children_.contains(category.id);
    Fault fault;
    if (!Complete(category.name)) {
      fault = "no name in both languages";
    } else if ((category.kind == Kind::kGroup) != has_children) {
      fault = has_children ? "only a group has children" : "a group without children";
    } else if (TakesReports(category.kind)) {
      fault = ReportFault(category, plans);
    }
    if (fault.empty()) fault = GuidanceFault(category);
    if (!fault.empty()) return Refuse("category", category.id, fault);
  }
  return absl::OkStatus();
}

const Category* CategoryTree::Find(std::string_view id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second;
}

std::vector<const Category*> CategoryTree::Chain(std::string_view id) const {
  std::vector<const Category*> out;
  for (const Category* at = Find(id); at != nullptr; at = Find(at->parent)) out.push_back(at);
  return out;
}

std::vector<const Category*> CategoryTree::Children(std::string_view id) const {
  const auto found = children_.find(id);
  return found == children_.end() ? std::vector<const Category*>() : found->second;
}

std::vector<const Category*> CategoryTree::LeavesUnder(std::string_view id) const {
  std::vector<const Category*> out;
  for (const Category* leaf : leaves_) {
    const std::vector<const Category*> chain = Chain(leaf->id);
    if (std::any_of(chain.begin(), chain.end(), [&](const Category* at) { return at->id == id; })) out.push_back(leaf);
  }
  return out;
}

const EscalationPlan* CategoryTree::Plan(std::string_view id) const {
  for (const EscalationPlan& plan : plans_) {
    if (plan.id == id) return &plan;
  }
  return nullptr;
}

std::string_view KindName(Kind kind) { return NameIn(kKinds, kind); }
std::optional<Kind> ParseKind(std::string_view name) { return ParseIn(kKinds, name); }
std::string_view AgencyKindName(AgencyKind kind) { return NameIn(kAgencyKinds, kind); }
std::optional<AgencyKind> ParseAgencyKind(std::string_view name) { return ParseIn(kAgencyKinds, name); }
std::string_view UnitLevelName(UnitLevel level) { return NameIn(kUnitLevels, level); }
std::optional<UnitLevel> ParseUnitLevel(std::string_view name) { return ParseIn(kUnitLevels, name); }
std::string_view AssignName(Assign assign) { return NameIn(kAssigns, assign); }
std::optional<Assign> ParseAssign(std::string_view name) { return ParseIn(kAssigns, name); }
std::string_view QuestionTypeName(QuestionType type) { return NameIn(kQuestionTypes, type); }
std::optional<QuestionType> ParseQuestionType(std::string_view name) { return ParseIn(kQuestionTypes, name); }
std::string_view ActionName(EscalationStep::Action action) { return NameIn(kActions, action); }
std::optional<EscalationStep::Action> ParseAction(std::string_view name) { return ParseIn(kActions, name); }
std::string_view TargetName(EscalationStep::Target target) { return NameIn(kTargets, target); }
std::optional<EscalationStep::Target> ParseTarget(std::string_view name) { return ParseIn(kTargets, name); }

}  // namespace dinh::feedback
