// Uploads in pieces: what arrives stays, whatever happens between.
#include <algorithm>
#include <functional>
#include <utility>

#include "dinh/procedures/v1/upload_service.pb.h"
#include "libs/base/strings.h"
#include "libs/testing/temp_dir.h"
#include "services/procedures/limits.h"
#include "services/procedures/sweeper.h"
#include "services/procedures/test_support.h"

namespace dinh::procedures {
namespace {

constexpr char kService[] = "/dinh.procedures.v1.UploadService/";
constexpr size_t kPieceBytes = 64 * 1024;

class UploadTest : public ProceduresServiceTest {
 protected:
  struct Said {
    std::string name = "giay-to.pdf";
    std::string sha256;
  };

  absl::StatusOr<pb::Upload> Begin(int64_t size, const Principal& who = CitizenA()) { return Begin(size, who, Said()); }
  absl::StatusOr<pb::Upload> Begin(int64_t size, const Principal& who, const Said& said) {
    pb::CreateUploadRequest request;
    request.set_file_name(said.name);
    request.set_size_bytes(size);
    request.set_sha256(said.sha256);
    return harness_->Call<pb::Upload>(std::string(kService) + "CreateUpload", request, who);
  }

  // What a client sends in one call, and how the call ends.
  class Sender final : public rpc::MessageReader {
   public:
    Sender(const std::string& id, int64_t offset, std::string_view bytes) : bytes_(bytes) {
      first_.set_id(id);
      first_.set_offset(offset);
    }
    absl::StatusOr<bool> Read(google::protobuf::Message* out) override {
      auto& piece = static_cast<pb::AppendUploadRequest&>(*out);
      piece.Clear();
      if (!std::exchange(begun_, true)) {
        piece = first_;
        return true;
      }
      if (bytes_.empty()) {
        if (at_end) at_end();
        if (breaks) return base::Error(absl::StatusCode::kCancelled, "UPLOAD_BROKEN", {"đứt", "broken"});
        return false;
      }
      piece.set_data(std::string(bytes_.substr(0, kPieceBytes)));
      bytes_.remove_prefix(piece.data().size());
      return true;
    }
    bool breaks = false;
    std::function<void()> at_end;

   private:
    pb::AppendUploadRequest first_;
    std::string_view bytes_;
    bool begun_ = false;
  };

  absl::StatusOr<pb::Upload> Append(Sender& sender, const Principal& who = CitizenA(),
                                    const std::string& request_id = "") {
    rpc::Pipeline& pipeline = harness_->host().pipeline();
    rpc::CallHead head;
    head.principal = &who;
    head.request_id = request_id;
    pb::Upload upload;
    const absl::Status status =
        pipeline.ClientStream(*pipeline.Find(std::string(kService) + "AppendUpload"), head, sender, &upload);
    if (!status.ok()) return status;
    return upload;
  }
  absl::StatusOr<pb::Upload> Append(const std::string& id, int64_t offset, std::string_view bytes,
                                    const Principal& who = CitizenA(), const std::string& request_id = "") {
    Sender sender(id, offset, bytes);
    return Append(sender, who, request_id);
  }
  absl::StatusOr<pb::Upload> Ask(const std::string& id, const Principal& who = CitizenA()) {
    pb::GetUploadRequest request;
    request.set_id(id);
    return harness_->Call<pb::Upload>(std::string(kService) + "GetUpload", request, who);
  }
  int64_t OffsetOf(const std::string& id) {
    const auto upload = Ask(id);
    return upload.ok() ? upload->offset() : -1;
  }
  std::string Content(const std::string& attachment, const Principal& who = CitizenA()) {
    pb::GetAttachmentRequest request;
    request.set_id(attachment);
    const auto body = Call<options::v1::RawBody>("GetAttachment", request, who);
    return body.ok() ? body->data() : std::string(body.status().message());
  }
  static std::string LargePdf(size_t bytes) {
    base::SeededRandom random(bytes);
    return "%PDF-1.4\n" + random.Bytes(bytes - 15) + "%%EOF\n";
  }
  int Files() const { return static_cast<int>(harness_->StoredFiles("procedures")); }
};

TEST_F(UploadTest, PiecesBecomeOneAttachment) {
  const std::string pdf = LargePdf(2'500'000);
  const auto begun =
      Begin(static_cast<int64_t>(pdf.size()), CitizenA(), {"Đơn của tôi.txt", base::HexEncode(base::Sha256(pdf))});
  ASSERT_TRUE(begun.ok()) << begun.status();
  EXPECT_EQ(begun->offset(), 0);
  EXPECT_EQ(begun->expire_time().seconds() - begun->create_time().seconds(), 48 * 3600);
  const size_t cuts[] = {0, 1, 700'000, 2'499'999, pdf.size()};
  absl::StatusOr<pb::Upload> now;
  for (size_t i = 0; i + 1 < std::size(cuts); ++i) {
    EXPECT_EQ(OffsetOf(begun->id()), static_cast<int64_t>(cuts[i]));
    now = Append(begun->id(), static_cast<int64_t>(cuts[i]),
                 std::string_view(pdf).substr(cuts[i], cuts[i + 1] - cuts[i]));
    ASSERT_TRUE(now.ok()) << now.status();
    EXPECT_EQ(now->offset(), static_cast<int64_t>(cuts[i + 1]));
    EXPECT_EQ(now->has_attachment(), cuts[i + 1] == pdf.size());
  }
  EXPECT_EQ(now->attachment().sha256(), base::HexEncode(base::Sha256(pdf)));
  EXPECT_EQ(now->attachment().content_type(), "application/pdf");
  EXPECT_EQ(now->attachment().file_name(), "Đơn của tôi.pdf");
  EXPECT_EQ(now->attachment().size_bytes(), static_cast<int64_t>(pdf.size()));
  EXPECT_EQ(Content(now->attachment().id()), pdf);
  EXPECT_EQ(Files(), 1) << "the parts are gone";
  // Who lost the answer asks, or says the end again.
  EXPECT_EQ(Ask(begun->id())->attachment().id(), now->attachment().id());
  EXPECT_EQ(Append(begun->id(), now->offset(), "")->attachment().id(), now->attachment().id());
  EXPECT_EQ(ReasonOf(Append(begun->id(), now->offset(), "x").status()), "UPLOAD_LONGER_THAN_SAID");
  // It is a file like any other.
  pb::CreateDossierRequest filing = FreeFiling();
  filing.add_attachments(now->attachment().id());
  EXPECT_TRUE(File(filing).ok());
}

TEST_F(UploadTest, BrokenCallsKeepWhatArrived) {
  const std::string pdf = LargePdf(3'000'000);
  const auto begun = Begin(static_cast<int64_t>(pdf.size()));
  ASSERT_TRUE(begun.ok()) << begun.status();
  int64_t at = 0;
  for (const int64_t bytes : {int64_t{0}, int64_t{1}, int64_t{100'000}, kUploadPartBytes, kUploadPartBytes + 7}) {
    Sender sender(begun->id(), at, std::string_view(pdf).substr(static_cast<size_t>(at), static_cast<size_t>(bytes)));
    sender.breaks = true;
    EXPECT_EQ(ReasonOf(Append(sender).status()), "UPLOAD_BROKEN");
    at += bytes;
    EXPECT_EQ(OffsetOf(begun->id()), at);
  }
  // Also the last byte of all: what is missing is only the end.
  Sender last(begun->id(), at, std::string_view(pdf).substr(static_cast<size_t>(at)));
  last.breaks = true;
  EXPECT_EQ(ReasonOf(Append(last).status()), "UPLOAD_BROKEN");
  EXPECT_EQ(OffsetOf(begun->id()), begun->size_bytes());
  EXPECT_FALSE(Ask(begun->id())->has_attachment());
  const auto done = Append(begun->id(), begun->size_bytes(), "");
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_EQ(Content(done->attachment().id()), pdf);
  EXPECT_EQ(Files(), 1);
}

TEST_F(UploadTest, LongCallsAreDurablePieceByPiece) {
  const std::string pdf = LargePdf(3 * static_cast<size_t>(kUploadPartBytes));
  const auto begun = Begin(static_cast<int64_t>(pdf.size()));
  Sender sender(begun->id(), 0, std::string_view(pdf).substr(0, pdf.size() - 1));
  int64_t seen = -1;
  sender.at_end = [&] { seen = OffsetOf(begun->id()); };
  ASSERT_TRUE(Append(sender).ok());
  EXPECT_EQ(seen, 2 * kUploadPartBytes) << "before the call has ended";
}

TEST_F(UploadTest, AWrongOffsetIsToldTheRightOne) {
  const std::string pdf = Pdf();
  const auto begun = Begin(static_cast<int64_t>(pdf.size()));
  ASSERT_TRUE(Append(begun->id(), 0, pdf.substr(0, 10)).ok());
  for (const int64_t offset : {0, 9, 11}) {
    const absl::Status wrong = Append(begun->id(), offset, pdf.substr(10)).status();
    EXPECT_TRUE(absl::IsFailedPrecondition(wrong));
    EXPECT_EQ(ReasonOf(wrong), "UPLOAD_OFFSET_WRONG");
    EXPECT_EQ(base::DetailOf(wrong)->metadata, (base::Metadata{{"offset", "10"}}));
  }
  EXPECT_TRUE(absl::IsInvalidArgument(Append(begun->id(), -1, pdf).status()));
  // Two calls from the same place: the one that ends first has it, and nothing is there twice.
  const int files = Files();
  Sender slow(begun->id(), 10, std::string_view(pdf).substr(10, 15));
  slow.at_end = [&] { ASSERT_TRUE(Append(begun->id(), 10, pdf.substr(10, 5)).ok()); };
  const absl::Status late = Append(slow).status();
  EXPECT_EQ(ReasonOf(late), "UPLOAD_OFFSET_WRONG");
  EXPECT_EQ(base::DetailOf(late)->metadata, (base::Metadata{{"offset", "15"}}));
  EXPECT_EQ(Files(), files + 1);
  const auto done = Append(begun->id(), 15, pdf.substr(15));
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_EQ(Content(done->attachment().id()), pdf);
}

TEST_F(UploadTest, ARepeatedCallGetsItsFirstAnswer) {
  const std::string pdf = Pdf();
  const auto begun = Begin(static_cast<int64_t>(pdf.size()));
  const auto first = Append(begun->id(), 0, pdf.substr(0, 10), CitizenA(), "piece-1");
  const auto again = Append(begun->id(), 0, pdf.substr(0, 10), CitizenA(), "piece-1");
  ASSERT_TRUE(first.ok() && again.ok()) << again.status();
  EXPECT_EQ(again->offset(), 10);
  const auto last = Append(begun->id(), 10, pdf.substr(10), CitizenA(), "piece-2");
  EXPECT_EQ(Append(begun->id(), 10, pdf.substr(10), CitizenA(), "piece-2")->attachment().id(), last->attachment().id());
  EXPECT_EQ(ReasonOf(Append(begun->id(), 0, "other", CitizenA(), "piece-1").status()), "IDEMPOTENCY_KEY_REUSED");
  EXPECT_EQ(ReasonOf(Append(begun->id(), 0, "other", CitizenA(), "piece-3").status()), "UPLOAD_OFFSET_WRONG");
  EXPECT_EQ(Files(), 1);
}

TEST_F(UploadTest, WhatIsNoPaperIsGone) {
  const auto refused = [&](const std::string& content, const Said& said = Said()) {
    const auto begun = Begin(static_cast<int64_t>(content.size()), CitizenA(), said);
    EXPECT_TRUE(Append(begun->id(), 0, content.substr(0, 5)).ok());
    const absl::Status status = Append(begun->id(), 5, content.substr(5)).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_TRUE(absl::IsPermissionDenied(Ask(begun->id()).status()));
    return ReasonOf(status);
  };
  EXPECT_EQ(refused("<html><script>"), "FILE_TYPE_REFUSED");
  EXPECT_EQ(refused("%PDF-1.4 cut off"), "FILE_BROKEN");
  EXPECT_EQ(refused("PK\x03\x04" + Pdf()), "FILE_POLYGLOT");
  EXPECT_EQ(refused(Pdf(), {"a.pdf", std::string(64, '0')}), "UPLOAD_HASH_WRONG");
  EXPECT_EQ(Files(), 0);
}

TEST_F(UploadTest, LimitsHold) {
  for (const int64_t size : {int64_t{0}, int64_t{-1}, kUploadBytesMax + 1}) {
    EXPECT_THAT(FieldsOf(Begin(size).status()), ::testing::ElementsAre("size_bytes")) << size;
  }
  EXPECT_THAT(FieldsOf(Begin(1, CitizenA(), {"", ""}).status()), ::testing::ElementsAre("file_name"));
  EXPECT_THAT(FieldsOf(Begin(1, CitizenA(), {"a", "ABC"}).status()), ::testing::ElementsAre("sha256"));
  const auto begun = Begin(10);
  EXPECT_EQ(ReasonOf(Append(begun->id(), 0, "12345678901").status()), "UPLOAD_LONGER_THAN_SAID");
  EXPECT_EQ(OffsetOf(begun->id()), 0);
  for (int i = 1; i < kOpenUploadsMax; ++i) ASSERT_TRUE(Begin(10).ok()) << i;
  EXPECT_EQ(ReasonOf(Begin(10).status()), "TOO_MANY_OPEN_UPLOADS");
  EXPECT_TRUE(Begin(10, CitizenB()).ok()) << "another login has its own room";
  const auto ctx = harness_->NewContext();
  ASSERT_TRUE(
      harness_->database("procedures")
          ->Transact(
              *ctx, [](db::Tx& tx) { return tx.Exec("UPDATE uploads SET parts = $1", {kUploadPartsMax - 1}).status(); })
          .ok());
  ASSERT_TRUE(Append(begun->id(), 0, "1").ok());
  EXPECT_EQ(ReasonOf(Append(begun->id(), 1, "2").status()), "TOO_MANY_PARTS");
  EXPECT_EQ(OffsetOf(begun->id()), 1);
}

TEST_F(UploadTest, AFullShelfMakesItWait) {
  for (int i = 0; i < kUnusedFilesMax - 1; ++i) ASSERT_TRUE(Upload(CitizenA(), Pdf()).ok()) << i;
  const std::string pdf = Pdf();
  const auto begun = Begin(static_cast<int64_t>(pdf.size()));
  ASSERT_TRUE(begun.ok()) << begun.status();
  const auto one_more = Upload(CitizenA(), Pdf());
  EXPECT_EQ(ReasonOf(Append(begun->id(), 0, pdf).status()), "TOO_MANY_UNUSED_FILES");
  EXPECT_EQ(ReasonOf(Begin(10).status()), "TOO_MANY_UNUSED_FILES");
  EXPECT_EQ(OffsetOf(begun->id()), begun->size_bytes()) << "nothing has to be sent again";
  EXPECT_EQ(Files(), kUnusedFilesMax + 1);
  pb::CreateDossierRequest filing = FreeFiling();
  filing.add_attachments(one_more->id());
  ASSERT_TRUE(File(filing).ok());
  const auto done = Append(begun->id(), begun->size_bytes(), "");
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_EQ(Content(done->attachment().id()), pdf);
}

TEST_F(UploadTest, IsForWhoBeganItAlone) {
  const std::string pdf = Pdf();
  const auto begun = Begin(static_cast<int64_t>(pdf.size()));
  ASSERT_TRUE(Append(begun->id(), 0, pdf.substr(0, 10)).ok());
  const std::string absent = "0190a5b2-7e3c-7abc-8def-0000000000ff";
  for (const Principal& who : {CitizenB(), SameAccountOtherPerson(), ::dinh::testing::Citizen("account-a", ""), Desk(),
                               Specialist(), ElsewhereDesk(), PoliceDesk(), Chair()}) {
    EXPECT_TRUE(absl::IsPermissionDenied(Ask(begun->id(), who).status())) << who.id;
    EXPECT_EQ(Ask(begun->id(), who).status(), Ask(absent, who).status());
    for (const int64_t offset : {0, 10}) {
      EXPECT_TRUE(absl::IsPermissionDenied(Append(begun->id(), offset, "x", who).status())) << who.id;
      EXPECT_EQ(Append(begun->id(), offset, "x", who).status(), Append(absent, offset, "x", who).status());
    }
  }
  EXPECT_TRUE(absl::IsPermissionDenied(Append("", 0, "x").status()));
  EXPECT_TRUE(absl::IsPermissionDenied(Begin(10, Chair()).status()));
  EXPECT_TRUE(absl::IsUnauthenticated(Begin(10, ::dinh::testing::Anonymous()).status()));
  EXPECT_EQ(OffsetOf(begun->id()), 10);
  // An officer's own draft.
  const auto draft = Begin(static_cast<int64_t>(pdf.size()), Specialist());
  ASSERT_TRUE(draft.ok()) << draft.status();
  const std::string code = InProcessing();
  const auto done = Append(draft->id(), 0, pdf, Specialist());
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_TRUE(Forward(code, Specialist(), {done->attachment().id()}).ok());
}

TEST_F(UploadTest, WhatNobodyContinuesGoesAfterTwoDays) {
  ASSERT_TRUE(harness_->WaitForJobs("procedures", "files.sweep", 1)) << "the first round, of the start";
  const std::string pdf = Pdf();
  const auto stale = Begin(static_cast<int64_t>(pdf.size())), alive = Begin(static_cast<int64_t>(pdf.size()));
  ASSERT_TRUE(Append(stale->id(), 0, pdf.substr(0, 10)).ok());
  ASSERT_TRUE(Append(alive->id(), 0, pdf.substr(0, 10)).ok());
  harness_->clock().Advance(kOpenUploadKept - kSweepEvery);
  ASSERT_TRUE(Append(alive->id(), 10, pdf.substr(10, 10)).ok());
  EXPECT_EQ(Files(), 3);
  harness_->clock().Advance(3 * kSweepEvery);
  ASSERT_TRUE(Accept(File(Filing())->code()).ok()) << "its charge wakes the workers, which sleep by the real clock";
  // The first advance may have made one round due already.
  for (int rounds = 2; Files() > 2; ++rounds) ASSERT_TRUE(harness_->WaitForJobs("procedures", "files.sweep", rounds));
  EXPECT_EQ(Files(), 2);
  EXPECT_TRUE(absl::IsPermissionDenied(Ask(stale->id()).status()));
  EXPECT_EQ(OffsetOf(alive->id()), 20);
}

TEST_F(UploadTest, FilesThatNoRowNamesGoInTheSecondRound) {
  const auth::Sealer sealer(harness_->keys(), harness_->random());
  const Store store(sealer);
  db::Database& database = *harness_->database("procedures");
  const ::dinh::testing::TempDir dir;
  const auto blobs = db::OpenDirBlobStore(dir.File("files"),
                                          {[](std::string_view key, std::string_view) { return std::string(key); },
                                           [](std::string_view key, std::string_view) { return std::string(key); }},
                                          harness_->random());
  ASSERT_TRUE(blobs.ok()) << blobs.status();
  const auto write = [&] { return db::WriteBlob(**blobs, "bytes")->id; };
  const auto insert = [&](const std::string& attachment_blob, const std::string& part_blob) {
    AttachmentRow file;
    file.id = "file-" + attachment_blob;
    file.blob = attachment_blob;
    UploadRow upload;
    upload.id = "upload-" + part_blob;
    upload.size_bytes = 10;
    const auto ctx = harness_->NewContext();
    ASSERT_TRUE(database
                    .Transact(*ctx,
                              [&](db::Tx& tx) {
                                RETURN_IF_ERROR(store.InsertAttachment(tx, file));
                                RETURN_IF_ERROR(store.InsertUpload(tx, upload));
                                return store.AddUploadPart(tx, upload.id, {0, 5, part_blob}, 0).status();
                              })
                    .ok());
  };
  StrayFiles strays(database, store, **blobs);
  const auto sweep = [&] {
    const auto ctx = harness_->NewContext();
    const absl::StatusOr<int64_t> removed = strays.Sweep(*ctx);
    EXPECT_TRUE(removed.ok()) << removed.status();
    return removed.value_or(-1);
  };
  EXPECT_EQ(sweep(), 0);
  // More than a page, most of them strays.
  std::vector<std::string> ids;
  for (size_t i = 0; i < kSweepPage + 20; ++i) ids.push_back(write());
  insert(ids[0], ids[1]);
  EXPECT_EQ(sweep(), 0) << "any of them may be waiting for its row";
  insert(ids[2], ids[3]);
  const std::string younger = write();
  EXPECT_EQ(sweep(), static_cast<int64_t>(ids.size()) - 4);
  std::vector<std::string> left = {ids[0], ids[1], ids[2], ids[3], younger};
  std::sort(left.begin(), left.end());
  EXPECT_EQ(*(*blobs)->List("", 1000), left);
  EXPECT_EQ(sweep(), 1) << "the younger one";
  EXPECT_EQ(sweep(), 0);
}

}  // namespace
}  // namespace dinh::procedures
