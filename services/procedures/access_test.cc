// Who may do what with whose dossier; bad input; files.
#include <algorithm>
#include <atomic>
#include <fstream>
#include <iterator>
#include <mutex>
#include <set>
#include <thread>

#include "libs/testing/sql_coverage.h"
#include "services/procedures/limits.h"
#include "services/procedures/test_support.h"

namespace dinh::procedures {
namespace {

DINH_STORE_SQL_IS_COVERED("services/procedures");

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class AccessTest : public ProceduresServiceTest {
 protected:
  // Every call on one dossier.
  std::vector<std::pair<std::string, absl::Status>> Everything(const std::string& code, const Principal& who) {
    pb::GetReceiptRequest receipt;
    receipt.set_code(code);
    pb::SupplyDossierRequest supply;
    supply.set_code(code);
    return {{"GetDossier", Get(code, who).status()},
            {"GetReceipt", Call<options::v1::RawBody>("GetReceipt", receipt, who).status()},
            {"WithdrawDossier", Do<pb::WithdrawDossierRequest>("WithdrawDossier", code, who).status()},
            {"SupplyDossier", Call<pb::Dossier>("SupplyDossier", supply, who).status()},
            {"RateDossier", Do<pb::RateDossierRequest>("RateDossier", code, who).status()},
            {"AcceptDossier", Accept(code, who).status()},
            {"RejectDossier", Do<pb::RejectDossierRequest>("RejectDossier", code, who).status()},
            {"RequestSupplement", Do<pb::RequestSupplementRequest>("RequestSupplement", code, who).status()},
            {"ForwardDossier", Forward(code, who).status()},
            {"SignDossier", Sign(code, who).status()},
            {"SendBackDossier", Do<pb::SendBackDossierRequest>("SendBackDossier", code, who).status()},
            {"ReturnDossier", Do<pb::ReturnDossierRequest>("ReturnDossier", code, who).status()},
            {"StopDossier", Do<pb::StopDossierRequest>("StopDossier", code, who).status()}};
  }
};

TEST_F(AccessTest, StrangersAreRefusedEverythingAndLearnNothing) {
  const std::string code = InProcessing();
  const std::string absent = "H56.15865-260213-9999";
  const std::vector<std::pair<std::string, Principal>> strangers = {
      {"another citizen", CitizenB()},
      {"another person of the same login", SameAccountOtherPerson()},
      {"a citizen without a person", ::dinh::testing::Citizen("account-a", "")},
      {"the desk of another commune", ElsewhereDesk()},
      {"the specialist of another commune", OfficerOf("x", "specialist", "ubnd-15889", "15889")},
      {"the chair of another commune", OfficerOf("x", "chair", "ubnd-15889", "15889")},
      {"the police of the same commune", PoliceDesk()},
      {"the police specialist", OfficerOf("x", "police_specialist", "ca-15865", "15865")},
      {"the police chief", OfficerOf("x", "police_chief", "ca-15865", "15865")},
      {"an agency of this name in another unit", OfficerOf("x", "one_stop", "ubnd-15865", "15889")}};
  const auto before = Get(code);
  for (const auto& [name, who] : strangers) {
    const auto here = Everything(code, who), nowhere = Everything(absent, who);
    for (size_t i = 0; i < here.size(); ++i) {
      EXPECT_TRUE(absl::IsPermissionDenied(here[i].second)) << name << " " << here[i].first << " " << here[i].second;
      EXPECT_EQ(here[i].second, nowhere[i].second)
          << name << " " << here[i].first << ": absent and foreign must not differ";
    }
  }
  EXPECT_EQ(Get(code)->etag(), before->etag()) << "nothing has moved";
  for (const auto& [name, status] : Everything(code, ::dinh::testing::Anonymous())) {
    EXPECT_TRUE(absl::IsUnauthenticated(status)) << name << " " << status;
  }
}

TEST_F(AccessTest, ListsHoldOnesOwnOnly) {
  File(FreeFiling()).IgnoreError();
  File(FreeFiling(), CitizenB()).IgnoreError();
  File(FreeFiling("1.004194")).IgnoreError();  // the police's
  const auto count = [&](const Principal& who) {
    const auto list = Call<pb::ListDossiersResponse>("ListDossiers", pb::ListDossiersRequest(), who);
    return list.ok() ? list->dossiers_size() : -1;
  };
  EXPECT_EQ(count(CitizenA()), 2);
  EXPECT_EQ(count(CitizenB()), 1);
  EXPECT_EQ(count(SameAccountOtherPerson()), 0);
  EXPECT_EQ(count(Desk()), 2);
  EXPECT_EQ(count(PoliceDesk()), 1);
  EXPECT_EQ(count(ElsewhereDesk()), 0);
  EXPECT_EQ(count(OfficerOf("x", "one_stop", "ubnd-15865", "15889")), 0) << "an agency of this name in another unit";
  pb::ListDossiersRequest foreign;
  foreign.set_agency("ubnd-15865");
  EXPECT_TRUE(
      absl::IsPermissionDenied(Call<pb::ListDossiersResponse>("ListDossiers", foreign, ElsewhereDesk()).status()));
}

TEST_F(AccessTest, PoliceDossiersAreThePolices) {
  const std::string code = File(FreeFiling("1.004194"))->code();
  EXPECT_TRUE(absl::IsPermissionDenied(Accept(code, Desk()).status()));
  const auto accepted = Accept(code, PoliceDesk());
  ASSERT_TRUE(accepted.ok()) << accepted.status();
  EXPECT_EQ(payments_->Find(accepted->charge())->amount_vnd(), 7000) << "online";
  EXPECT_EQ(payments_->Find(accepted->charge())->agency(), "ca-15865");
  PayAndWait(*accepted);
  const Principal worker = OfficerOf("pw", "police_specialist", "ca-15865", "15865");
  const auto draft = Upload(worker, Pdf());
  ASSERT_TRUE(Forward(code, worker, {draft->id()}).ok());
  EXPECT_TRUE(absl::IsPermissionDenied(Sign(code, Chair()).status()));
  EXPECT_TRUE(Sign(code, OfficerOf("pc", "police_chief", "ca-15865", "15865")).ok());
}

TEST_F(AccessTest, TheDeskFilesForWhoComes) {
  pb::CreateDossierRequest filing = FreeFiling("1.004194");
  EXPECT_TRUE(absl::IsInvalidArgument(File(filing, PoliceDesk()).status())) << "for whom?";
  filing.set_filer(kPersonB);
  EXPECT_TRUE(absl::IsPermissionDenied(File(filing, Desk()).status())) << "another agency's procedure";
  const auto filed = File(filing, PoliceDesk());
  ASSERT_TRUE(filed.ok()) << filed.status();
  EXPECT_EQ(filed->channel(), pb::CHANNEL_DESK);
  EXPECT_EQ(filed->assisting_officer(), "police");
  EXPECT_TRUE(Get(filed->code(), CitizenB()).ok()) << "it is the citizen's";
  EXPECT_EQ(payments_->Find(Accept(filed->code(), PoliceDesk())->charge())->amount_vnd(), 15000) << "at the desk";
  filing.set_filer("0190a5b2-7e3c-7abc-8def-0000000000ff");
  EXPECT_TRUE(absl::IsInvalidArgument(File(filing, PoliceDesk()).status()));
  filing.set_filer(kPersonB);
  EXPECT_TRUE(absl::IsPermissionDenied(File(filing, CitizenA()).status())) << "a citizen files for nobody else";
}

TEST_F(AccessTest, BadFilingsNameEveryFault) {
  EXPECT_EQ(ReasonOf(File(Filing(), ::dinh::testing::Citizen("account-a", "")).status()), "PERSON_NOT_CHOSEN");
  EXPECT_THAT(FieldsOf(File(Filing("{}")).status()),
              ElementsAre("form.relation", "form.record_kind", "form.register_place", "form.copies", "form.delivery"));
  EXPECT_THAT(FieldsOf(File(Filing(R"({"relation": "self", "record_kind": "birth", "register_place": "15952",
                                       "copies": 2.5, "delivery": "electronic", "is_admin": true})"))
                           .status()),
              ElementsAre("form.copies", "form.is_admin"));
  EXPECT_THAT(FieldsOf(File(Filing(R"({"relation": ["self"]})")).status()), ElementsAre("form.relation"));
  pb::CreateDossierRequest filing = Filing();
  filing.set_procedure("9.999999");
  EXPECT_EQ(ReasonOf(File(filing).status()), "PROCEDURE_NOT_FOUND");
  filing = Filing();
  filing.set_unit("99999");
  EXPECT_THAT(FieldsOf(File(filing).status()), ElementsAre("unit"));
  filing = FreeFiling("1.004194");
  filing.set_unit("15889");
  EXPECT_EQ(ReasonOf(File(filing).status()), "UNIT_HAS_NO_AGENCY");
  filing = Filing();
  (*filing.mutable_external_ids())["Cổng quốc gia"] = "1";
  EXPECT_THAT(FieldsOf(File(filing).status()), ElementsAre("external_ids"));
  filing = Filing();
  (*filing.mutable_external_ids())["national-portal"] = std::string(101, '1');
  EXPECT_THAT(FieldsOf(File(filing).status()), ElementsAre("external_ids"));
  filing = Filing();
  filing.add_subjects()->set_relation("child");
  EXPECT_THAT(FieldsOf(File(filing).status()), ElementsAre("subjects[0]"));
  filing.mutable_subjects(0)->set_person("someone\r\n");
  EXPECT_THAT(FieldsOf(File(filing).status()), ElementsAre("subjects[0].person"));
  filing = Filing();
  filing.add_attachments("0190a5b2-7e3c-7abc-8def-0123456789ab");
  const auto unknown = File(filing);
  EXPECT_EQ(ReasonOf(unknown.status()), "ATTACHMENT_UNKNOWN");
  EXPECT_THAT(FieldsOf(unknown.status()), ElementsAre("attachments[0]"));
  // Nothing half-written: the next number is the first.
  EXPECT_EQ(File(Filing())->code(), "H56.15865-260213-0001");
}

TEST_F(AccessTest, NumbersCountPerAgencyAndDay) {
  EXPECT_EQ(File(FreeFiling())->code(), "H56.15865-260213-0001");
  EXPECT_EQ(File(FreeFiling())->code(), "H56.15865-260213-0002");
  pb::CreateDossierRequest other = FreeFiling();
  other.set_unit("15889");
  EXPECT_EQ(File(other)->code(), "H56.15889-260213-0001");
  other.set_unit("v-quang-trung-15952");
  EXPECT_EQ(File(other)->code(), "H56.15865-260213-0003") << "a village's commune";
  At({2026, 2, 14}, 0, 0);
  EXPECT_EQ(File(FreeFiling())->code(), "H56.15865-260214-0001") << "the day is Vietnam's";
}

TEST_F(AccessTest, ManyFileAtOnceAndNoNumberIsGivenTwiceOrLost) {
  constexpr int kThreads = 8, kEach = 6;
  std::mutex mutex;
  std::set<std::string> codes;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, who = t % 2 == 0 ? CitizenA() : CitizenB()] {
      for (int i = 0; i < kEach; ++i) {
        const auto filed = File(FreeFiling(), who);
        std::lock_guard lock(mutex);
        ASSERT_TRUE(filed.ok()) << filed.status();
        EXPECT_TRUE(codes.insert(filed->code()).second) << filed->code();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_EQ(codes.size(), static_cast<size_t>(kThreads * kEach));
  EXPECT_EQ(*codes.rbegin(), "H56.15865-260213-0048") << "no holes";
}

TEST_F(AccessTest, OfTwoOfficersOneAccepts) {
  for (int round = 0; round < 5; ++round) {
    const std::string code = File(Filing())->code();
    std::atomic<int> accepted = 0, refused = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        const auto result = Accept(code);
        if (result.ok()) {
          ++accepted;
        } else {
          refused += absl::IsFailedPrecondition(result.status()) || absl::IsAborted(result.status());
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(accepted, 1);
    EXPECT_EQ(refused, 3);
  }
}

TEST_F(AccessTest, StaleEtagsAreRefusedAndRepeatedRequestsAnsweredTheSame) {
  const auto filed = File(FreeFiling(), CitizenA(), "request-1");
  ASSERT_TRUE(filed.ok());
  const auto again = File(FreeFiling(), CitizenA(), "request-1");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->code(), filed->code());
  EXPECT_EQ(ReasonOf(File(Filing(), CitizenA(), "request-1").status()), "IDEMPOTENCY_KEY_REUSED");
  pb::AcceptDossierRequest accept;
  accept.set_code(filed->code());
  accept.set_etag("r99");
  EXPECT_EQ(ReasonOf(Call<pb::Dossier>("AcceptDossier", accept, Desk()).status()), "STALE_ETAG");
  accept.set_etag(filed->etag());
  ASSERT_TRUE(Call<pb::Dossier>("AcceptDossier", accept, Desk(), "request-2").ok());
  const auto repeated = Call<pb::Dossier>("AcceptDossier", accept, Desk(), "request-2");
  EXPECT_TRUE(repeated.ok()) << repeated.status();
  EXPECT_EQ(ReasonOf(Call<pb::Dossier>("AcceptDossier", accept, Desk()).status()), "STALE_ETAG");
}

TEST_F(AccessTest, PagesGoThroughWithoutLossOrRepetition) {
  std::set<std::string> expected;
  for (int i = 0; i < 7; ++i) expected.insert(File(FreeFiling())->code());
  for (const Principal& who : {CitizenA(), Desk()}) {
    pb::ListDossiersRequest request;
    request.set_page_size(3);
    std::vector<std::string> seen;
    for (int pages = 0; pages < 5; ++pages) {
      const auto page = Call<pb::ListDossiersResponse>("ListDossiers", request, who);
      ASSERT_TRUE(page.ok()) << page.status();
      for (const auto& dossier : page->dossiers()) seen.push_back(dossier.code());
      request.set_page_token(page->next_page_token());
      if (request.page_token().empty()) break;
    }
    EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()), expected);
    EXPECT_EQ(seen.size(), 7u);
    EXPECT_TRUE(std::is_sorted(seen.rbegin(), seen.rend())) << "newest first";
  }
}

TEST_F(AccessTest, FilesAreTheirOwnersUntilUsedThenTheDossiers) {
  const auto file = Upload(CitizenA(), Pdf());
  ASSERT_TRUE(file.ok());
  pb::GetAttachmentRequest get;
  get.set_id(file->id());
  const auto may = [&](const Principal& who) { return Call<options::v1::RawBody>("GetAttachment", get, who).status(); };
  EXPECT_TRUE(may(CitizenA()).ok());
  EXPECT_TRUE(absl::IsPermissionDenied(may(CitizenB())));
  EXPECT_TRUE(absl::IsPermissionDenied(may(SameAccountOtherPerson())));
  EXPECT_TRUE(absl::IsPermissionDenied(may(Desk())));
  pb::CreateDossierRequest filing = FreeFiling();
  filing.add_attachments(file->id());
  EXPECT_EQ(ReasonOf(File(filing, CitizenB()).status()), "ATTACHMENT_UNKNOWN");
  EXPECT_EQ(ReasonOf(File(filing, SameAccountOtherPerson()).status()), "ATTACHMENT_UNKNOWN");
  ASSERT_TRUE(File(filing).ok());
  EXPECT_EQ(ReasonOf(File(filing).status()), "ATTACHMENT_UNKNOWN") << "used once";
  EXPECT_TRUE(may(Desk()).ok());
  EXPECT_TRUE(may(CitizenA()).ok());
  EXPECT_TRUE(absl::IsPermissionDenied(may(PoliceDesk())));
  EXPECT_TRUE(absl::IsPermissionDenied(may(ElsewhereDesk())));
  // Twice in one request is an error too, and nothing is taken.
  const auto second = Upload(CitizenA(), Pdf());
  pb::CreateDossierRequest twice = FreeFiling();
  twice.add_attachments(second->id());
  twice.add_attachments(second->id());
  EXPECT_THAT(FieldsOf(File(twice).status()), ElementsAre("attachments[1]"));
  pb::CreateDossierRequest once = FreeFiling();
  once.add_attachments(second->id());
  EXPECT_TRUE(File(once).ok());
}

TEST_F(AccessTest, UploadsAreCheckedByContentAndLeaveNothingBehind) {
  EXPECT_EQ(ReasonOf(Upload(CitizenA(), "<html>", "giay-to.pdf").status()), "FILE_TYPE_REFUSED");
  EXPECT_EQ(ReasonOf(Upload(CitizenA(), "").status()), "FILE_EMPTY");
  EXPECT_EQ(ReasonOf(Upload(CitizenA(), "PK\x03\x04" + Pdf()).status()), "FILE_POLYGLOT");
  EXPECT_EQ(ReasonOf(Upload(CitizenA(), "%PDF-1.4 cut off").status()), "FILE_BROKEN");
  EXPECT_EQ(ReasonOf(Upload(CitizenA(), Pdf() + std::string(kUploadBytesMax, ' ')).status()), "UPLOAD_TOO_LARGE");
  EXPECT_EQ(harness_->StoredFiles("procedures"), 0u);
  const std::string large = "%PDF-1.4\n" + std::string(kUploadBytesMax - 15, 'x') + "%%EOF\n";
  ASSERT_EQ(static_cast<int64_t>(large.size()), kUploadBytesMax);
  EXPECT_TRUE(Upload(CitizenA(), large).ok());
  EXPECT_EQ(harness_->StoredFiles("procedures"), 1u);
  // A repeated upload with the same request id is the first one.
  const auto first = Upload(CitizenA(), Pdf(), "a.pdf", "upload-1");
  const auto again = Upload(CitizenA(), Pdf(), "a.pdf", "upload-1");
  ASSERT_TRUE(first.ok() && again.ok()) << again.status();
  EXPECT_EQ(first->id(), again->id());
  EXPECT_EQ(harness_->StoredFiles("procedures"), 2u);
  for (int i = 2; i < kUnusedFilesMax; ++i) ASSERT_TRUE(Upload(CitizenA(), Pdf()).ok()) << i;
  EXPECT_EQ(ReasonOf(Upload(CitizenA(), Pdf()).status()), "TOO_MANY_UNUSED_FILES");
  EXPECT_TRUE(Upload(CitizenB(), Pdf()).ok()) << "another login has its own room";
}

TEST_F(AccessTest, NothingPersonalLiesInClear) {
  pb::CreateDossierRequest filing =
      Filing(R"({"relation": "child", "subject_name": "Công dân Nhỏ", "record_kind": "birth",
      "register_place": "15952", "copies": 1, "delivery": "desk", "applicant_number": "038190000001"})");
  const auto file = Upload(CitizenA(), Pdf("SECRET-PDF-BYTES"), "tên riêng của tệp.pdf");
  filing.add_attachments(file->id());
  const std::string code = File(filing)->code();
  ASSERT_TRUE(Accept(code).ok());
  const std::string token = Get(code)->tracking_path().substr(7);
  Do<pb::RequestSupplementRequest>("RequestSupplement", code, Desk()).IgnoreError();
  const std::string bytes = harness_->StoredBytes();
  for (const std::string& secret :
       {std::string("Công dân Một"), std::string("Công dân Nhỏ"), std::string("038190000001"),
        std::string("0900000001"), std::string("SECRET-PDF-BYTES"), std::string("tên riêng"),
        std::string("Lý do để thử"), std::string("Thôn Quang Trung"), token}) {
    EXPECT_EQ(bytes.find(secret), std::string::npos) << secret;
  }
  EXPECT_NE(bytes.find(code), std::string::npos) << "codes are not secret: the scan does read the rows";
  for (const char* secret : {"Công dân", "038190000001", "0900000001"}) {
    EXPECT_THAT(harness_->Log(), Not(HasSubstr(secret)));
  }
}

TEST_F(AccessTest, CatalogueAnswers) {
  pb::ListProceduresRequest list;
  list.set_query("ban sao trich luc");
  const auto found = Call<pb::ListProceduresResponse>("ListProcedures", list, ::dinh::testing::Anonymous());
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->procedures(0).code(), "2.000635");
  EXPECT_EQ(found->procedures(0).fees(0).amount_vnd(), 8000);
  EXPECT_TRUE(found->procedures(0).time_limits(0).same_day());
  std::set<std::string> all;
  pb::ListProceduresRequest pages;
  do {
    const auto page = Call<pb::ListProceduresResponse>("ListProcedures", pages, ::dinh::testing::Anonymous());
    ASSERT_TRUE(page.ok()) << page.status();
    for (const auto& p : page->procedures()) EXPECT_TRUE(all.insert(p.code()).second);
    pages.set_page_token(page->next_page_token());
  } while (!pages.page_token().empty());
  EXPECT_EQ(all.size(), 54u);
  pb::GetProcedureRequest get;
  get.set_code("2.000635.000.00.00.H56");
  EXPECT_EQ(Call<pb::Procedure>("GetProcedure", get, ::dinh::testing::Anonymous())->code(), "2.000635");
  get.set_at("2024-01-01");
  EXPECT_EQ(ReasonOf(Call<pb::Procedure>("GetProcedure", get, ::dinh::testing::Anonymous()).status()),
            "PROCEDURE_NOT_FOUND");
  pb::GetProcedureQrRequest qr;
  qr.set_code("2.000635");
  EXPECT_THAT(Call<options::v1::RawBody>("GetProcedureQr", qr, ::dinh::testing::Anonymous())->data(),
              HasSubstr("<svg"));
  qr.set_format("png");
  EXPECT_EQ(Call<options::v1::RawBody>("GetProcedureQr", qr, ::dinh::testing::Anonymous())->content_type(),
            "image/png");
}

TEST_F(AccessTest, FormsComeFilledWithWhatIsKnown) {
  pb::GetFormRequest request;
  request.set_code("2.000635");
  const auto anonymous = Call<pb::FormDefinition>("GetForm", request, ::dinh::testing::Anonymous());
  ASSERT_TRUE(anonymous.ok()) << anonymous.status();
  EXPECT_FALSE(anonymous->prefill().fields().contains("applicant_name"));
  const auto mine = Call<pb::FormDefinition>("GetForm", request, CitizenA());
  ASSERT_TRUE(mine.ok()) << mine.status();
  EXPECT_EQ(mine->prefill().fields().at("applicant_name").string_value(), "Công dân Một");
  EXPECT_EQ(mine->prefill().fields().at("register_place").string_value(), "15952");
  // The pre-filled form with the missing answers is one that is taken.
  pb::CreateDossierRequest filing = Filing();
  for (const auto& [id, value] : mine->prefill().fields()) {
    if (!filing.form().fields().contains(id)) (*filing.mutable_form()->mutable_fields())[id] = value;
  }
  EXPECT_TRUE(File(filing).ok());
}

TEST_F(AccessTest, UnusedUploadsGoAfterTwoDays) {
  ASSERT_TRUE(harness_->WaitForJobs("procedures", "files.sweep", 1)) << "the first round, of the start";
  const auto unused = Upload(CitizenA(), Pdf());
  const auto used = Upload(CitizenA(), Pdf());
  pb::CreateDossierRequest filing = FreeFiling();
  filing.add_attachments(used->id());
  ASSERT_TRUE(File(filing).ok());
  EXPECT_EQ(harness_->StoredFiles("procedures"), 2u);
  harness_->clock().Advance(kUnusedFileKept + 2 * kSweepEvery);
  ASSERT_TRUE(Accept(File(Filing())->code()).ok()) << "its charge wakes the workers, which sleep by the real clock";
  ASSERT_TRUE(harness_->WaitForJobs("procedures", "files.sweep", 2));
  EXPECT_EQ(harness_->StoredFiles("procedures"), 1u);
  pb::GetAttachmentRequest get;
  get.set_id(used->id());
  EXPECT_TRUE(Call<options::v1::RawBody>("GetAttachment", get, CitizenA()).ok());
}

}  // namespace
}  // namespace dinh::procedures
