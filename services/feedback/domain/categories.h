// What can be reported, as data: a tree of any depth whose leaves say who is responsible, how long it may take, what is
// asked in addition and what the public may see; and the steps by which a late report climbs.
//
// Pure. A CategoryTree is built once and then shared by threads.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/base/status.h"

namespace dinh::feedback {

enum class Kind {
  kGroup,      // has children, takes no reports
  kReport,     // takes reports
  kGuide,      // takes none: tells the legal channel (khiếu nại, tố cáo)
  kEmergency,  // the guidance (113, 114, 115) is shown first; takes reports
};

// The names are those of territory's agency kinds.
enum class AgencyKind { kPeoplesCommittee, kPolice };
// Whose agency: of the commune the place lies in, or of the unit above it.
enum class UnitLevel { kCommune, kAbove };
enum class Assign { kManual, kRoundRobin, kLeastLoaded };

struct Responsible {
  AgencyKind agency = AgencyKind::kPeoplesCommittee;
  UnitLevel level = UnitLevel::kCommune;
  std::string position;  // role name, "specialist"
  Assign assign = Assign::kManual;
};

enum class QuestionType { kText, kChoice, kNumber, kYesNo };

struct Option {
  std::string value;
  base::Text label;
};

struct Question {
  std::string id;  // [a-z][a-z0-9_]*, at most kQuestionIdMax characters; unique in its category
  base::Text label;
  QuestionType type = QuestionType::kText;
  bool required = false;
  bool personal = false;            // never public and sealed at rest; the others may be shown with a public report
  int max_length = 200;             // code points, kText
  std::optional<int64_t> min, max;  // kNumber
  std::vector<Option> options;      // kChoice
};

struct Phone {
  std::string number;  // "114"
  base::Text label;
};

struct Link {
  std::string url;  // https
  base::Text label;
};

// What to do instead of, or before, reporting here.
struct Guidance {
  base::Text title;
  base::Text text;
  std::vector<Phone> phones;
  std::vector<Link> links;
  std::vector<std::string> legal_basis;  // "Luật Khiếu nại 2011"
};

struct Category {
  std::string id;      // "road.pothole": parts [a-z][a-z0-9_]*, the parent's id is not part of the rule
  std::string parent;  // "" for a root
  base::Text name;
  base::Text description;  // what belongs here; may be empty
  Kind kind = Kind::kReport;
  Responsible responsible;
  int answer_hours = 0;    // working hours until the answer
  std::string escalation;  // id of an EscalationPlan; "" none
  bool public_by_default = false;
  bool may_be_public = false;
  bool moderate_text = true;  // an officer reads the text before it shows
  bool about_staff = false;   // bypasses the named officer and that officer's unit (domain/routing.h)
  bool needs_place = true;
  int reopen_days = 0;         // calendar days, domain/transitions.h
  int close_after_days = 0;    // calendar days
  int duplicate_radius_m = 0;  // open reports so near are offered to be joined; 0: none are
  std::vector<Question> questions;
  std::optional<Guidance> guidance;   // required for kGuide and kEmergency
  std::string group;                  // Open311 <group>; Build fills in the root's Vietnamese name where it is empty
  std::vector<std::string> keywords;  // what citizens call it, for search and Open311 <keywords>
};

bool TakesReports(Kind kind);

struct EscalationStep {
  enum class Action { kRemind, kEscalate };
  enum class Target { kAssignee, kPosition, kUnitAbove };

  std::string id;      // unique in its plan: a step is done once per round of a report, and this names it
  int at_percent = 0;  // of the time limit, in working time; 100 is the due time
  Action action = Action::kRemind;
  Target target = Target::kAssignee;
  std::string position;  // kPosition: a role in the same agency; kUnitAbove: the role there
};

struct EscalationPlan {
  std::string id;
  std::vector<EscalationStep> steps;  // at_percent increases
};

inline constexpr size_t kCategoriesMax = 1000;
inline constexpr size_t kCategoryDepthMax = 8;
inline constexpr size_t kCategoryIdMax = 64;   // characters
inline constexpr size_t kQuestionIdMax = 40;   // characters
inline constexpr size_t kQuestionsMax = 20;    // of one category
inline constexpr int kAnswerLengthMax = 1000;  // code points
inline constexpr int kAnswerHoursMax = 8 * 90;
inline constexpr int kReopenDaysMax = 365;
inline constexpr int kDuplicateRadiusMax = 2000;  // metres
inline constexpr int kEscalationPercentMax = 1000;

class CategoryTree {
 public:
  // INVALID_ARGUMENT, the message naming the category (for the operator, in English): ids that are malformed or used
  // twice, a parent that does not exist, a cycle, too deep, a group without and another kind with children, limits that
  // are not above zero, a position missing, questions that cannot be answered, a guide or emergency without guidance,
  // about_staff whose level is not kAbove, public by default where nothing may be public, an unknown plan, a plan whose
  // steps do not increase.
  static absl::StatusOr<CategoryTree> Build(std::vector<Category> categories, std::vector<EscalationPlan> plans);

  CategoryTree() = default;  // an empty one
  CategoryTree(CategoryTree&&) = default;
  CategoryTree& operator=(CategoryTree&&) = default;
  CategoryTree(const CategoryTree&) = delete;  // the pointers go into categories_
  CategoryTree& operator=(const CategoryTree&) = delete;

  // In the order given to Build. Pointers are valid as long as the tree.
  const std::vector<Category>& all() const { return categories_; }
  const std::vector<const Category*>& leaves() const { return leaves_; }
  const Category* Find(std::string_view id) const;                      // nullptr: none
  std::vector<const Category*> Chain(std::string_view id) const;        // itself, its parent, … the root; empty: none
  std::vector<const Category*> Children(std::string_view id) const;     // "" : the roots
  std::vector<const Category*> LeavesUnder(std::string_view id) const;  // itself if it is a leaf
  const std::vector<EscalationPlan>& plans() const { return plans_; }
  const EscalationPlan* Plan(std::string_view id) const;

 private:
  absl::Status CheckPlans() const;
  absl::Status Index();
  absl::Status CheckCategories() const;

  std::vector<Category> categories_;
  std::vector<EscalationPlan> plans_;
  std::vector<const Category*> leaves_;
  std::map<std::string, const Category*, std::less<>> by_id_;  // into categories_, which never changes after Build
  std::map<std::string, std::vector<const Category*>, std::less<>> children_;
};

std::string_view KindName(Kind kind);  // "report"
std::optional<Kind> ParseKind(std::string_view name);
std::string_view AgencyKindName(AgencyKind kind);  // "peoples_committee"
std::optional<AgencyKind> ParseAgencyKind(std::string_view name);
std::string_view UnitLevelName(UnitLevel level);  // "commune", "above"
std::optional<UnitLevel> ParseUnitLevel(std::string_view name);
std::string_view AssignName(Assign assign);  // "round_robin"
std::optional<Assign> ParseAssign(std::string_view name);
std::string_view QuestionTypeName(QuestionType type);  // "yes_no"
std::optional<QuestionType> ParseQuestionType(std::string_view name);
std::string_view ActionName(EscalationStep::Action action);  // "remind"
std::optional<EscalationStep::Action> ParseAction(std::string_view name);
std::string_view TargetName(EscalationStep::Target target);  // "unit_above"
std::optional<EscalationStep::Target> ParseTarget(std::string_view name);

}  // namespace dinh::feedback
