// How a report comes into being.
#include <algorithm>
#include <utility>

#include "libs/base/strings.h"
#include "libs/base/text.h"
#include "libs/db/dialect.h"
#include "services/feedback/domain/answers.h"
#include "services/feedback/errors.h"
#include "services/feedback/handlers/handlers.h"
#include "services/feedback/limits.h"

namespace dinh::feedback {
namespace {

constexpr std::string_view kReports = "reports";

// What the screening says, as flags of the report.
void SetFlags(const std::vector<HoldReason>& reasons, ReportRow& row) {
  for (const HoldReason reason : reasons) {
    switch (reason) {
      case HoldReason::kPersonName:
        row.Set(pb::Report::FLAG_NAMES_PERSON);
        break;
      case HoldReason::kProfanity:
        row.Set(pb::Report::FLAG_ABUSIVE);
        break;
      case HoldReason::kPhoneNumber:
      case HoldReason::kPersonalNumber:
      case HoldReason::kBankAccount:
      case HoldReason::kPlate:
      case HoldReason::kHouseAddress:
      case HoldReason::kEmail:
        row.Set(pb::Report::FLAG_HOLDS_NUMBERS);
        break;
    }
  }
}

// Of whom a day's reports are counted.
struct Allowance {
  std::string who;  // "" is not counted: officers and other systems answer for themselves
  int64_t at_most = 0;
};

std::string PhonesOf(const Guidance& guidance) {
  std::string phones;
  for (const Phone& phone : guidance.phones) phones += (phones.empty() ? "" : ",") + phone.number;
  return phones;
}

// "v-quang-trung-15952.12" -> "v-quang-trung-15952"
std::string VillageOf(const std::string& house_code) { return house_code.substr(0, house_code.rfind('.')); }

}  // namespace

struct Handlers::Draft {
  const Category* category = nullptr;
  ReportRow row;
  std::string tracking_token;
  std::string photo_owner;
  Allowance allowance;
};

absl::StatusOr<pb::PhonePass> Handlers::ConfirmPhone(rpc::Context& ctx, const pb::ConfirmPhoneRequest& request) {
  ASSIGN_OR_RETURN(const std::string phone,
                   p_.identity.ConfirmOtp(ctx, request.challenge(), request.code(), ctx.principal().address));
  pb::PhonePass pass;
  pass.set_phone_pass(p_.passes.Issue(phone, ctx.Now()));
  pass.set_expires_in(static_cast<int32_t>(kPhonePassLife / base::kMicrosPerSecond));
  return pass;
}

absl::StatusOr<pb::Report> Handlers::CreateReport(rpc::Context& ctx, const pb::CreateReportRequest& request) {
  return Make(ctx, request, {});
}

absl::StatusOr<const Category*> Handlers::CategoryFor(const pb::CreateReportRequest& request) const {
  const Category* category = p_.data.categories.Find(request.category());
  if (category == nullptr) return CategoryUnknown();
  if (category->kind == Kind::kGuide) return LegalChannel(category->id, GuidanceText(*category->guidance));
  if (!TakesReports(category->kind)) return CategoryUnknown();
  if (category->kind == Kind::kEmergency && !request.emergency_confirmed()) {
    return EmergencyNotConfirmed(PhonesOf(*category->guidance), GuidanceText(*category->guidance));
  }
  return category;
}

absl::Status Handlers::FillReporter(rpc::Context& ctx, const pb::CreateReportRequest& request,
                                    const ForeignOrigin& origin, Draft& draft) const {
  const auth::Principal& principal = ctx.principal();
  ReportRow& row = draft.row;
  if (!origin.client.empty()) {
    row.filed_by = "open311:" + origin.client;
    row.contact.set_name(origin.name);
    row.contact.set_phone(origin.phone);
  } else if (principal.kind == auth::CallerKind::kCitizen) {
    row.reporter_account = principal.id;
    row.reporter_person = principal.person;
    draft.photo_owner = principal.id;
    draft.allowance = {principal.id, p_.config.reports_per_login};
  } else if (principal.kind == auth::CallerKind::kOfficer) {
    row.filed_by = principal.id;
    row.contact.set_name(request.caller_name());
    row.contact.set_phone(request.caller_phone());
    draft.photo_owner = principal.id;
  } else {
    const std::optional<std::string> phone = p_.passes.Open(request.phone_pass(), ctx.Now());
    if (!phone) return PhonePassInvalid();
    row.contact.set_phone(*phone);
    draft.tracking_token = base::Base64UrlEncode(p_.random.Bytes(kTrackingTokenBytes));
    row.tracking_hash = base::HexEncode(base::Sha256(draft.tracking_token));
  }
  if (!row.contact.phone().empty()) row.contact_index = p_.store.ContactIndex(row.contact.phone());
  if (draft.photo_owner.empty()) draft.photo_owner = base::HexEncode(row.contact_index);
  if (!draft.tracking_token.empty()) draft.allowance = {draft.photo_owner, p_.config.reports_per_phone};
  return absl::OkStatus();
}

absl::Status Handlers::FillPlace(rpc::Context& ctx, const pb::CreateReportRequest& request, Draft& draft) const {
  const pb::Place& place = request.place();
  std::string code = place.house_code().empty() ? place.unit() : VillageOf(place.house_code());
  if (place.has_point()) {
    const Point point{place.point().lat(), place.point().lng()};
    RETURN_IF_ERROR(CheckPoint(point, "place.point"));
    if (!Contains(p_.data.service_area, point)) {
      if (p_.config.outside_area == "refuse") return OutsideArea();
      draft.row.Set(pb::Report::FLAG_OUTSIDE_AREA);
    }
    if (code.empty()) {
      const auto near = NearestFirst(p_.data.places, point, p_.data.suggest_within_m);
      if (!near.empty()) code = near.front()->unit;
    }
  } else if (code.empty() && draft.category->needs_place) {
    return PlaceNeeded();
  }
  if (code.empty()) return PlaceUnknown();
  const absl::StatusOr<UnitPlace> commune = p_.territory.CommuneOf(ctx, code);
  if (absl::IsNotFound(commune.status())) return PlaceUnknown();
  RETURN_IF_ERROR(commune.status());
  const RouteTarget target = TargetOf(*draft.category);
  const absl::StatusOr<AgencyPlace> agency = p_.territory.AgencyFor(ctx, *commune, target.agency, target.level);
  if (absl::IsNotFound(agency.status())) return UnitHasNoAgency(commune->code);
  RETURN_IF_ERROR(agency.status());
  ReportRow& row = draft.row;
  row.agency = agency->agency;
  row.unit = agency->unit;
  row.position = target.position;
  if (draft.category->about_staff) {
    row.bypass_officer = request.about_officer();
    row.bypass_unit = commune->code;
  }
  const std::string about = draft.category->about_staff ? request.about_officer() : place.house_code();
  if (!about.empty()) row.target_index = p_.store.TargetIndex(about);
  return absl::OkStatus();
}

absl::Status Handlers::FillContent(const pb::CreateReportRequest& request, Draft& draft) const {
  ReportRow& row = draft.row;
  Answers answers(request.answers().begin(), request.answers().end());
  std::vector<base::FieldViolation> violations = CheckAnswers(*draft.category, answers);
  if (!violations.empty()) return base::InvalidFields(std::move(violations));
  row.content.set_description(request.description());
  *row.content.mutable_place() = request.place();
  for (const auto& [id, answer] : answers) (*row.content.mutable_answers())[id] = answer;
  row.anonymous = request.anonymous();
  const bool wanted = request.publicity() == pb::PUBLICITY_UNSPECIFIED ? draft.category->public_by_default
                                                                       : request.publicity() == pb::PUBLICITY_PUBLIC;
  row.asked_public = wanted && draft.category->may_be_public;
  const std::vector<HoldReason> reasons = p_.screener.Screen(request.description());
  SetFlags(reasons, row);
  row.moderation = row.asked_public ? ModerationOf(*draft.category, !reasons.empty()) : Moderation::kNotNeeded;
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> Handlers::CandidatesFor(rpc::Context& ctx, const ReportRow& row) const {
  ASSIGN_OR_RETURN(const std::vector<std::string> officers,
                   p_.identity.InPosition(ctx, row.agency, row.unit, row.position));
  std::vector<Candidate> candidates;
  candidates.reserve(officers.size());
  for (const std::string& officer : officers) candidates.push_back({officer, row.unit});
  return Eligible(candidates, {row.bypass_officer, row.bypass_unit});
}

absl::StatusOr<std::string> Handlers::ChooseOfficer(db::Tx& tx, const ReportRow& row, Assign way,
                                                    const std::vector<std::string>& candidates) const {
  const Office office{row.agency, row.unit};
  ASSIGN_OR_RETURN(Turn turn, p_.store.TakeTurn(tx, office, row.position));
  if (!turn.held && !candidates.empty()) {
    // Nobody waits for a turn: whoever finds it taken begins anywhere, which is as fair in the long run.
    uint64_t bits = 0;
    p_.random.Fill(&bits, sizeof bits);
    turn.last = candidates[bits % candidates.size()];
  }
  std::optional<std::string> chosen;
  if (way == Assign::kLeastLoaded) {
    ASSIGN_OR_RETURN(const auto loads, p_.store.Loads(tx, candidates));
    chosen = ChooseLeastLoaded(candidates, loads, turn.last);
  } else {
    chosen = ChooseRoundRobin(candidates, turn.last);
  }
  if (!chosen) return std::string();
  if (turn.held) RETURN_IF_ERROR(p_.store.SetTurn(tx, office, row.position, *chosen));
  return *chosen;
}

absl::StatusOr<pb::Report> Handlers::Make(rpc::Context& ctx, const pb::CreateReportRequest& request,
                                          const ForeignOrigin& origin) {
  Draft draft;
  ASSIGN_OR_RETURN(draft.category, CategoryFor(request));
  RETURN_IF_ERROR(FillReporter(ctx, request, origin, draft));
  draft.row.id = p_.ids.Next();
  draft.row.category = draft.category->id;
  uint64_t bits = 0;
  p_.random.Fill(&bits, sizeof bits);
  draft.row.code = PublicCode(bits);
  RETURN_IF_ERROR(FillContent(request, draft));
  RETURN_IF_ERROR(FillPlace(ctx, request, draft));
  if (!origin.media_url.empty()) {
    draft.row.content.set_description(draft.row.content.description() + "\n" + origin.media_url);
    // An address nobody has looked at is for the office only until a moderator has.
    if (draft.row.asked_public) draft.row.moderation = Moderation::kPending;
  }
  const Assign way = draft.category->responsible.assign;
  std::vector<std::string> candidates;
  if (way != Assign::kManual) {
    ASSIGN_OR_RETURN(candidates, CandidatesFor(ctx, draft.row));
  }

  Event submit;
  submit.kind = EventKind::kSubmit;
  submit.actor = draft.row.filed_by.empty() ? ActorKind::kReporter : ActorKind::kOfficer;
  submit.actor_id = draft.row.filed_by.empty() ? draft.row.reporter_person : draft.row.filed_by;
  submit.at = ctx.Now();
  const std::string title = ctx.principal().kind == auth::CallerKind::kOfficer ? OfficerTitle(ctx, draft.row) : "";
  const auto make = [&](db::Tx& tx) -> absl::StatusOr<pb::Report> {
    ReportRow row = draft.row;
    if (!draft.allowance.who.empty()) {
      RETURN_IF_ERROR(CountToday(tx, kReports, draft.allowance.who, draft.allowance.at_most, TooManyReports()));
    }
    if (!row.target_index.empty()) {
      RETURN_IF_ERROR(db::LockName(tx, "target:" + base::HexEncode(row.target_index)));
      ASSIGN_OR_RETURN(
          const int64_t before,
          p_.store.CountByTarget(tx, row.target_index, submit.at - kRepeatedTargetWindow, kRepeatedTargetReports));
      if (before + 1 >= kRepeatedTargetReports) {
        row.Set(pb::Report::FLAG_REPEATED_TARGET);
        if (row.asked_public) row.moderation = Moderation::kPending;
      }
    }
    std::string officer;
    if (way != Assign::kManual) {
      ASSIGN_OR_RETURN(officer, ChooseOfficer(tx, row, way, candidates));
    }
    RETURN_IF_ERROR(p_.book.Open(tx, row, submit, title, officer));
    if (row.moderation == Moderation::kPending) {
      RETURN_IF_ERROR(p_.book.Hold(tx, row, pb::ModerationItem::KIND_DESCRIPTION, ""));
    }
    RETURN_IF_ERROR(TakePhotos(tx, request.photos(), draft.photo_owner, row, pb::Photo::KIND_BEFORE));
    ASSIGN_OR_RETURN(pb::Report report,
                     Show(ctx, tx, row, View(ctx, row, ctx.principal().kind == auth::CallerKind::kOfficer)));
    report.set_tracking_token(draft.tracking_token);
    return report;
  };
  // It adds rows, counts what it is limited by in rows that are locked, and takes photos that are locked.
  return p_.database.Transact(ctx, make, db::Isolation::kReadCommitted);
}

}  // namespace dinh::feedback
