// The service from filing to the result, through the real pipeline on SQLite.
#include <set>

#include "google/protobuf/util/message_differencer.h"
#include "libs/base/strings.h"
#include "services/procedures/test_support.h"

namespace dinh::procedures {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

class StoryTest : public ProceduresServiceTest {};

TEST_F(StoryTest, FilingGivesACodeAndNothingMore) {
  const auto file = Upload(CitizenA(), Pdf());
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->content_type(), "application/pdf");
  EXPECT_EQ(file->sha256(), base::HexEncode(base::Sha256(Pdf())));
  pb::CreateDossierRequest filing = Filing();
  filing.add_attachments(file->id());
  const auto filed = File(filing);
  ASSERT_TRUE(filed.ok()) << filed.status();
  EXPECT_EQ(filed->code(), "H56.15865-260213-0001");
  EXPECT_EQ(filed->national_state(), 1);
  EXPECT_EQ(filed->due_date(), "");
  EXPECT_EQ(filed->charge(), "");
  EXPECT_EQ(filed->tracking_path(), "");
  EXPECT_EQ(filed->receiving_agency(), "ubnd-15865");
  EXPECT_EQ(filed->attachments_size(), 1);
  EXPECT_EQ(filed->timeline_size(), 1);
  EXPECT_EQ(filed->subjects(0).relation(), "self");
  EXPECT_EQ(filed->form().fields().at("copies").number_value(), 2);
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(*filed, *Get(filed->code()))) << "as it is stored";
  pb::GetReceiptRequest receipt;
  receipt.set_code(filed->code());
  EXPECT_EQ(ReasonOf(Call<options::v1::RawBody>("GetReceipt", receipt, CitizenA()).status()), "RECEIPT_NOT_YET");
  // The desk sees it at once.
  pb::ListDossiersRequest inbox;
  inbox.add_states(1);
  const auto listed = Call<pb::ListDossiersResponse>("ListDossiers", inbox, Desk());
  ASSERT_TRUE(listed.ok()) << listed.status();
  ASSERT_EQ(listed->dossiers_size(), 1);
  EXPECT_EQ(listed->dossiers(0).filer_name(), "Công dân Một");
}

TEST_F(StoryTest, AcceptanceBringsReceiptDueDateAndCharge) {
  const std::string code = File(Filing())->code();
  const auto accepted = Accept(code);
  ASSERT_TRUE(accepted.ok()) << accepted.status();
  EXPECT_EQ(accepted->national_state(), 2);
  EXPECT_EQ(accepted->due_date(), "2026-02-13");
  const auto charge = payments_->Find(accepted->charge());
  ASSERT_TRUE(charge.has_value()) << "the charge exists as soon as the answer is there";
  EXPECT_EQ(charge->amount_vnd(), 16000);
  EXPECT_EQ(charge->purpose_ref(), code);
  EXPECT_EQ(accepted->tracking_path(), "") << "the desk does not get the token";
  EXPECT_THAT(Get(code)->tracking_path(), StartsWith("/track/"));
  pb::GetReceiptRequest receipt;
  receipt.set_code(code);
  const auto pdf = Call<options::v1::RawBody>("GetReceipt", receipt, CitizenA());
  ASSERT_TRUE(pdf.ok()) << pdf.status();
  EXPECT_THAT(pdf->data(), StartsWith("%PDF"));
  EXPECT_EQ(pdf->data(), Call<options::v1::RawBody>("GetReceipt", receipt, Desk())->data()) << "the same paper for all";
  PayAndWait(*accepted);
  const auto processing = Get(code);
  EXPECT_EQ(processing->national_state(), 4);
  EXPECT_TRUE(processing->charge_paid());
  EXPECT_EQ(processing->current_step().id(), "draft");
  EXPECT_EQ(processing->current_step().role(), "specialist");
}

TEST_F(StoryTest, DraftSignatureAndReturnAreDifferentHands) {
  const std::string code = InProcessing(Filing());
  EXPECT_EQ(ReasonOf(Sign(code, Chair()).status()), "STATE_DOES_NOT_ALLOW");
  EXPECT_EQ(ReasonOf(Forward(code, Specialist()).status()), "RESULT_MISSING");
  const auto draft = Upload(Specialist(), Pdf("RESULT"), "ket-qua.pdf");
  ASSERT_TRUE(draft.ok());
  EXPECT_EQ(ReasonOf(Forward(code, Desk(), {draft->id()}).status()), "STEP_ROLE");
  const auto forwarded = Forward(code, Specialist(), {draft->id()});
  ASSERT_TRUE(forwarded.ok()) << forwarded.status();
  EXPECT_EQ(forwarded->current_step().id(), "sign");
  // The filer sees no draft, and whoever drafted may not sign, even with the signer's role.
  EXPECT_EQ(Get(code)->results_size(), 0);
  pb::GetAttachmentRequest download;
  download.set_id(draft->id());
  EXPECT_TRUE(absl::IsPermissionDenied(Call<options::v1::RawBody>("GetAttachment", download, CitizenA()).status()));
  Principal both = Specialist();
  both.grants.push_back(Chair().grants[0]);
  EXPECT_EQ(ReasonOf(Sign(code, both).status()), "PROCESSOR_MAY_NOT_SIGN");
  EXPECT_TRUE(absl::IsPermissionDenied(Sign(code, Specialist()).status()));
  const auto signed_off = Sign(code, Chair());
  ASSERT_TRUE(signed_off.ok()) << signed_off.status();
  EXPECT_EQ(signed_off->national_state(), 9);
  EXPECT_EQ(Get(code)->results_size(), 0) << "until it is returned";
  ASSERT_TRUE((Do<pb::ReturnDossierRequest>("ReturnDossier", code, Desk())).ok());
  EXPECT_EQ(Get(code)->results_size(), 1);
  const auto bytes = Call<options::v1::RawBody>("GetAttachment", download, CitizenA());
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  EXPECT_EQ(bytes->data(), Pdf("RESULT"));
  EXPECT_EQ(bytes->file_name(), "ket-qua.pdf");
}

TEST_F(StoryTest, TheSignerSendsBackAndSignsLater) {
  const std::string code = InProcessing();
  const auto draft = Upload(Specialist(), Pdf("FIRST"));
  ASSERT_TRUE(Forward(code, Specialist(), {draft->id()}).ok());
  const auto back = Do<pb::SendBackDossierRequest>("SendBackDossier", code, Chair());
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->current_step().id(), "draft");
  EXPECT_EQ(back->results_size(), 0);
  EXPECT_EQ(ReasonOf(Forward(code, Specialist()).status()), "RESULT_MISSING") << "the draft that was refused is none";
  const auto better = Upload(Specialist(), Pdf("SECOND"));
  ASSERT_TRUE(Forward(code, Specialist(), {better->id()}).ok());
  EXPECT_TRUE(Sign(code, Chair()).ok());
  ASSERT_TRUE((Do<pb::ReturnDossierRequest>("ReturnDossier", code, Desk())).ok());
  const auto returned = Get(code);
  ASSERT_EQ(returned->results_size(), 1);
  EXPECT_EQ(returned->results(0).id(), better->id());
  pb::GetAttachmentRequest download;
  download.set_id(draft->id());
  EXPECT_TRUE(absl::IsPermissionDenied(Call<options::v1::RawBody>("GetAttachment", download, CitizenA()).status()));
  EXPECT_TRUE(Call<options::v1::RawBody>("GetAttachment", download, Specialist()).ok()) << "the office keeps it";
}

TEST_F(StoryTest, RatingOnceAndTrackingByAnybodyWithoutNames) {
  const std::string code = InProcessing(Filing());
  ASSERT_TRUE(Forward(code, Specialist(), {Upload(Specialist(), Pdf())->id()}).ok());
  ASSERT_TRUE(Sign(code, Chair()).ok());
  EXPECT_EQ(ReasonOf((Do<pb::RateDossierRequest>("RateDossier", code, CitizenA())).status()), "STATE_DOES_NOT_ALLOW");
  ASSERT_TRUE((Do<pb::ReturnDossierRequest>("ReturnDossier", code, Desk())).ok());
  ASSERT_TRUE((Do<pb::RateDossierRequest>("RateDossier", code, CitizenA())).ok());
  EXPECT_EQ(ReasonOf((Do<pb::RateDossierRequest>("RateDossier", code, CitizenA())).status()), "ALREADY_RATED");
  pb::TrackDossierRequest track;
  track.set_token(Get(code)->tracking_path().substr(7));
  const auto tracked = Call<pb::TrackedDossier>("TrackDossier", track, ::dinh::testing::Anonymous());
  ASSERT_TRUE(tracked.ok()) << tracked.status();
  EXPECT_EQ(tracked->national_state(), 10);
  EXPECT_THAT(tracked->SerializeAsString(), Not(HasSubstr("Công dân Một")));
  std::vector<std::string> history;
  for (const auto& entry : tracked->timeline()) history.push_back(entry.action() + " / " + entry.actor());
  EXPECT_THAT(history, ElementsAre("Nộp hồ sơ / Công dân", "Tiếp nhận hồ sơ / Cán bộ một cửa",
                                   "Đã nộp phí, lệ phí / Hệ thống", "Bắt đầu xử lý / Hệ thống",
                                   "Chuyển bước xử lý / Công chức chuyên môn", "Ký duyệt kết quả / Chủ tịch",
                                   "Trả kết quả / Cán bộ một cửa", "Đánh giá mức độ hài lòng / Công dân"));
  track.set_token(std::string(43, 'A'));
  EXPECT_EQ(ReasonOf(Call<pb::TrackedDossier>("TrackDossier", track, ::dinh::testing::Anonymous()).status()),
            "TRACKING_NOT_FOUND");
}

TEST_F(StoryTest, WithoutAFeeAcceptingStartsTheWorkInOneStep) {
  const auto filed = File(FreeFiling());
  ASSERT_TRUE(filed.ok()) << filed.status();
  const auto accepted = Accept(filed->code());
  ASSERT_TRUE(accepted.ok());
  EXPECT_EQ(accepted->national_state(), 4);
  EXPECT_EQ(accepted->charge(), "");
  EXPECT_EQ(accepted->due_date(), "2026-02-25");  // three working days over Tết
  std::vector<int> states;
  for (const auto& entry : accepted->timeline()) states.push_back(entry.national_state());
  EXPECT_THAT(states, ElementsAre(1, 2, 4));
}

TEST_F(StoryTest, SameDayRuleAroundThreeOClock) {
  At({2026, 2, 13}, 14, 59);
  EXPECT_EQ(Accept(File(Filing())->code())->due_date(), "2026-02-13");
  At({2026, 2, 13}, 15, 1);
  EXPECT_EQ(Accept(File(Filing())->code())->due_date(), "2026-02-23");
}

TEST_F(StoryTest, SupplementStopsTheClock) {
  At({2026, 3, 2}, 9);
  const std::string code = InProcessing();
  EXPECT_EQ(Get(code)->due_date(), "2026-03-05");
  At({2026, 3, 3}, 8);
  const auto asked = Do<pb::RequestSupplementRequest>("RequestSupplement", code, Desk());
  ASSERT_TRUE(asked.ok()) << asked.status();
  EXPECT_EQ(asked->national_state(), 5);
  EXPECT_EQ(asked->reason(), "Lý do để thử nghiệm");
  pb::GetReceiptRequest paper;
  paper.set_code(code);
  paper.set_form("02");
  EXPECT_TRUE(Call<options::v1::RawBody>("GetReceipt", paper, CitizenA()).ok());
  paper.set_form("03");
  EXPECT_EQ(ReasonOf(Call<options::v1::RawBody>("GetReceipt", paper, CitizenA()).status()), "RECEIPT_NOT_YET");
  At({2026, 3, 10}, 9);
  EXPECT_FALSE(Get(code)->overdue()) << "the citizen's time does not make it late";
  At({2026, 3, 4}, 8);
  const auto file = Upload(CitizenA(), Pdf());
  pb::SupplyDossierRequest supply;
  supply.set_code(code);
  supply.add_attachments(file->id());
  const auto supplied = Call<pb::Dossier>("SupplyDossier", supply, CitizenA());
  ASSERT_TRUE(supplied.ok()) << supplied.status();
  EXPECT_EQ(supplied->national_state(), 4);
  EXPECT_EQ(supplied->due_date(), "2026-03-06") << "one working day waited";
  EXPECT_EQ(supplied->attachments_size(), 1);
  EXPECT_EQ(supplied->reason(), "");
  At({2026, 3, 7}, 0, 1);
  EXPECT_TRUE(Get(code)->overdue());
  pb::ListDossiersRequest late;
  late.set_overdue_only(true);
  EXPECT_EQ(Call<pb::ListDossiersResponse>("ListDossiers", late, Desk())->dossiers_size(), 1);
}

TEST_F(StoryTest, RefusalsAndStopsHaveTheirPapers) {
  const std::string refused = File(FreeFiling())->code();
  const auto rejected = Do<pb::RejectDossierRequest>("RejectDossier", refused, Desk());
  ASSERT_TRUE(rejected.ok()) << rejected.status();
  EXPECT_EQ(rejected->national_state(), 3);
  EXPECT_EQ(rejected->due_date(), "");
  pb::GetReceiptRequest paper;
  paper.set_code(refused);
  paper.set_form("03");
  EXPECT_TRUE(Call<options::v1::RawBody>("GetReceipt", paper, CitizenA()).ok());

  const std::string stopped = InProcessing();
  ASSERT_TRUE((Do<pb::StopDossierRequest>("StopDossier", stopped, Specialist())).ok());
  EXPECT_EQ(Get(stopped)->national_state(), 8);
  paper.set_code(stopped);
  paper.set_form("05");
  EXPECT_TRUE(Call<options::v1::RawBody>("GetReceipt", paper, CitizenA()).ok());
}

TEST_F(StoryTest, WithdrawingCancelsTheChargeAndALatePaymentMovesNothing) {
  const std::string code = File(Filing())->code();
  const auto accepted = Accept(code);
  const auto withdrawn = Do<pb::WithdrawDossierRequest>("WithdrawDossier", code, CitizenA());
  ASSERT_TRUE(withdrawn.ok()) << withdrawn.status();
  EXPECT_EQ(withdrawn->national_state(), 7);
  EXPECT_EQ(payments_->Find(accepted->charge())->state(), payments::v1::Charge::STATE_CANCELLED);
  // Another dossier's payment after it shows that the event was gone through.
  ASSERT_TRUE(payments_->Pay(accepted->charge()).ok());
  PayAndWait(*Accept(File(Filing())->code()));
  EXPECT_EQ(Get(code)->national_state(), 7);
}

TEST_F(StoryTest, PaymentsBeingDownDelaysTheChargeOnly) {
  payments_->SetDown(true);
  const auto accepted = Accept(File(Filing())->code());
  ASSERT_TRUE(accepted.ok()) << accepted.status();
  EXPECT_EQ(accepted->national_state(), 2);
  EXPECT_FALSE(payments_->Find(accepted->charge()).has_value());
  payments_->SetDown(false);
  // The worker tries again when its pause is over; another acceptance proves that payments is back.
  harness_->clock().Advance(60 * base::kMicrosPerSecond);
  const auto other = Accept(File(Filing())->code());
  EXPECT_TRUE(payments_->Find(other->charge()).has_value());
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!payments_->Find(accepted->charge()) && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_TRUE(payments_->Find(accepted->charge()).has_value());
}

TEST_F(StoryTest, APaymentIsAppliedOnceHoweverOftenItIsTold) {
  const auto accepted = Accept(File(Filing())->code());
  PayAndWait(*accepted);
  ASSERT_TRUE(payments_->Pay(accepted->charge()).ok());
  PayAndWait(*Accept(File(Filing())->code()));
  int paid = 0;
  const auto dossier = Get(accepted->code());
  for (const auto& entry : dossier->timeline()) paid += entry.action() == "Đã nộp phí, lệ phí";
  EXPECT_EQ(paid, 1);
}

TEST_F(StoryTest, RestartKeepsEverything) {
  ::dinh::testing::TempDir dir;
  // Keys are the harness' own and change with it, so only the public columns are compared: numbers go on.
  Start(dir.path(), 2);
  EXPECT_EQ(File(Filing())->code(), "H56.15865-260213-0001");
  Start(dir.path(), 3);
  EXPECT_EQ(File(Filing())->code(), "H56.15865-260213-0002");
}

TEST_F(StoryTest, WatchingResumesWhereItStopped) {
  const std::string code = File(FreeFiling())->code();
  auto first = Watch(code);
  ASSERT_TRUE(first->WaitFor(1));
  ASSERT_TRUE(Accept(code).ok());
  ASSERT_TRUE(first->WaitFor(3));
  const auto updates = first->Messages<pb::DossierUpdate>();
  EXPECT_EQ(updates[0].action(), "submit");
  EXPECT_EQ(updates[1].national_state(), 2);
  EXPECT_EQ(updates[2].national_state(), 4);
  EXPECT_EQ(updates[2].state_name(), "Đang xử lý");
  first->Close();
  auto again = Watch(code, Desk(), updates[0].sequence());
  ASSERT_TRUE(again->WaitFor(2));
  EXPECT_EQ(again->Messages<pb::DossierUpdate>()[0].sequence(), updates[1].sequence());
  again->Close();
}

}  // namespace
}  // namespace dinh::procedures
