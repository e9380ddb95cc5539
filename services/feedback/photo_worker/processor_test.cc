#include "services/feedback/photo/processor.h"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <csignal>
#include <future>
#include <thread>

#include "services/feedback/photo/errors.h"
#include "services/feedback/photo/worker_process.h"
#include "services/feedback/photo_worker/jpeg_segments.h"
#include "services/feedback/photo_worker/protocol.h"
#include "services/feedback/photo_worker/sandbox.h"
#include "services/feedback/photo_worker/testing/images.h"
#include "services/feedback/photo_worker/testing/processes.h"

namespace dinh::feedback {
namespace {

using photo::testing::Children;
using photo::testing::Eventually;
using photo::testing::MakeJpeg;
using photo::testing::MakePng;
using photo::testing::MakeWebp;
using photo::testing::Quarters;
using std::chrono::milliseconds;
using std::chrono::seconds;

const std::string kMisbehaving = std::string(DINH_BINARY_DIR) + "/test_bin/photo_misbehaving_worker";
constexpr int kSystemCallKilled = SIGSYS;

std::string ReasonOf(const absl::Status& status) {
  const auto detail = base::DetailOf(status);
  return detail ? detail->reason : status.ToString();
}

// No test leaves a process, dead or alive, or a descriptor behind.
class ProcessorTest : public ::testing::Test {
 protected:
  void SetUp() override { descriptors_ = photo::testing::OpenDescriptors(); }
  void TearDown() override {
    EXPECT_TRUE(Children().empty());
    EXPECT_EQ(photo::testing::OpenDescriptors(), descriptors_);
  }

  static std::unique_ptr<PhotoProcessor> Make(PhotoOptions options = {}) {
    auto processor = MakePhotoProcessor(std::move(options));
    EXPECT_TRUE(processor.ok()) << processor.status();
    return *std::move(processor);
  }
  static std::unique_ptr<PhotoProcessor> Misbehaving(PhotoOptions options = {}) {
    options.worker_path = kMisbehaving;
    return Make(std::move(options));
  }
  // The reason of the error, or "OK".
  std::string Send(PhotoProcessor& processor, std::string_view bytes, seconds deadline = seconds(30)) {
    base::OpContext ctx(clock_, clock_.Steady() + deadline);
    const auto photo = processor.Process(ctx, bytes);
    return photo.ok() ? "OK" : ReasonOf(photo.status());
  }

  base::SystemClock clock_;

 private:
  size_t descriptors_ = 0;
};

TEST_F(ProcessorTest, EachTypeByTheProgramBesideThisOne) {
  const auto processor = Make();
  const std::string tiff = photo::testing::MakeExif({.orientation = 6, .position = {{-19.85, 105.9}}});
  const std::string profile = photo::testing::SwappedProfile();
  const photo::Picture picture = Quarters(800, 600);
  const std::pair<std::string, std::string> uploads[] = {
      {MakeJpeg(picture,
                {.segments = {{0xE1, photo::testing::ExifPayload(tiff)}, {0xE2, photo::testing::IccPayload(profile)}}}),
       "image/jpeg"},
      {photo::testing::WithPngChunk(MakePng(picture),
                                    photo::testing::PngChunk("eXIf", tiff) + photo::testing::IccpChunk(profile)),
       "image/png"},
      {MakeWebp(picture, {.chunks = {{"ICCP", profile}, {"EXIF", tiff}}}), "image/webp"}};
  for (const auto& [file, type] : uploads) {
    base::OpContext ctx(clock_, clock_.Steady() + seconds(30));
    const auto photo = processor->Process(ctx, file);
    ASSERT_TRUE(photo.ok()) << photo.status();
    EXPECT_EQ(photo->source_type, type);
    EXPECT_EQ(photo->width, 600);
    EXPECT_EQ(photo->height, 800);
    ASSERT_TRUE(photo->position);
    EXPECT_NEAR(photo->position->lat, -19.85, 1e-6);
    photo::JpegSize size;
    ASSERT_TRUE(photo::IsPlainJpeg(photo->thumbnail_jpeg, &size));
    EXPECT_EQ(size.height, 320);

    const auto blurred = processor->Blur(ctx, photo->full_jpeg, {{0, 0, 1, 0.5}});
    ASSERT_TRUE(blurred.ok()) << blurred.status();
    EXPECT_NE(blurred->full_jpeg, photo->full_jpeg);
    EXPECT_NE(blurred->thumbnail_jpeg, photo->thumbnail_jpeg);
    EXPECT_EQ(blurred->width, 600);
    EXPECT_FALSE(blurred->position);
  }
}

TEST_F(ProcessorTest, RefusalsSayWhatToDo) {
  const auto processor = Make();
  EXPECT_EQ(Send(*processor, "GIF89a"), "PHOTO_TYPE_REFUSED");
  EXPECT_EQ(Send(*processor, ""), "PHOTO_TYPE_REFUSED");
  EXPECT_EQ(Send(*processor, MakePng(Quarters(9, 9)).substr(0, 60)), "PHOTO_DAMAGED");
  EXPECT_EQ(Send(*processor, photo::testing::ZeroPng(20'000, 20'000, 1)), "PHOTO_TOO_MANY_PIXELS");
  EXPECT_EQ(Send(*processor, photo::testing::ZeroPng(9'000, 1, 1)), "PHOTO_TOO_NARROW");
  const std::string extra = photo::testing::PngChunk("tEXt", std::string(photo::kAncillaryBytesMax + 1, 'x'));
  EXPECT_EQ(Send(*processor, photo::testing::WithPngChunk(MakePng(Quarters(9, 9)), extra)), "PHOTO_EXTRA_DATA_REFUSED");
  EXPECT_EQ(Send(*processor, std::string(photo::kUploadBytesMax + 1, '\xFF')), "PHOTO_TOO_LARGE");
  EXPECT_EQ(Send(*processor, std::string(photo::kUploadBytesMax, '\xFF')), "PHOTO_TYPE_REFUSED");
  for (const absl::Status& status :
       {PhotoTypeRefused(), PhotoDamaged(), PhotoTooManyPixels(1), PhotoTooNarrow(1), PhotoExtraDataRefused(),
        PhotoTooLarge(1), PhotoNotProcessed(), PhotoBusy(1), PhotoWorkerMissing(), BlurBoxesInvalid(1)}) {
    const auto detail = base::DetailOf(status);
    ASSERT_TRUE(detail);
    EXPECT_FALSE(status.code() == absl::StatusCode::kInternal);
    EXPECT_NE(detail->text.vi, detail->text.en);
  }
}

TEST_F(ProcessorTest, BoxesThatAreNotInThePicture) {
  const auto processor = Make();
  const std::string jpeg = MakeJpeg(Quarters(64, 64));
  base::OpContext ctx(clock_, clock_.Steady() + seconds(30));
  for (const std::vector<BlurBox>& boxes : {std::vector<BlurBox>{},
                                            {{0, 0, 0, 1}},
                                            {{-0.1, 0, 0.5, 0.5}},
                                            {{0.6, 0, 0.5, 0.5}},
                                            {{0, 0.6, 0.5, 0.5}},
                                            {{0, 0, std::nan(""), 1}},
                                            {{0, std::nan(""), 1, 1}},
                                            {{0, 0, HUGE_VAL, 1}},
                                            std::vector<BlurBox>(65, {0, 0, 1, 1})}) {
    const auto blurred = processor->Blur(ctx, jpeg, boxes);
    EXPECT_EQ(blurred.status().code(), absl::StatusCode::kInvalidArgument);
  }
  EXPECT_TRUE(processor->Blur(ctx, jpeg, std::vector<BlurBox>(64, {0.1, 0.1, 0.9, 0.9})).ok());
}

TEST_F(ProcessorTest, ProgramThatIsNotThereOrNoSandbox) {
  EXPECT_EQ(ReasonOf(MakePhotoProcessor({.worker_path = "/nowhere/dinh-photo"}).status()), "PHOTO_WORKER_MISSING");
  EXPECT_EQ(Send(*Misbehaving(), "no sandbox"), "PHOTO_WORKER_MISSING");
}

TEST_F(ProcessorTest, WorkerThatAnswersNonsense) {
  const auto misbehaving = Misbehaving();
  for (const std::string command : {"silent", "half", "flood", "refused, exit 1", "nonsense"}) {
    EXPECT_EQ(Send(*misbehaving, command), "PHOTO_NOT_PROCESSED") << command;
  }
  // Ends without reading 20 MiB; sends the request back.
  const std::string large(photo::kUploadBytesMax, 'x');
  EXPECT_EQ(Send(*Make({.worker_path = "/bin/true"}), large), "PHOTO_NOT_PROCESSED");
  EXPECT_EQ(Send(*Make({.worker_path = "/bin/cat"}), large), "PHOTO_NOT_PROCESSED");
}

TEST_F(ProcessorTest, WorkerThatDies) {
  const auto misbehaving = Misbehaving();
  EXPECT_EQ(Send(*misbehaving, "crash"), "PHOTO_NOT_PROCESSED");
#ifndef DINH_SANITIZE  // no limit of addresses there
  EXPECT_EQ(Send(*misbehaving, "memory"), "PHOTO_NOT_PROCESSED");
#endif
}

TEST_F(ProcessorTest, WorkerKilledInTheMiddle) {
  const auto misbehaving = Misbehaving();
  std::future<std::string> reason = std::async(std::launch::async, [&] { return Send(*misbehaving, "hang"); });
  ASSERT_TRUE(Eventually([] { return Children().size() == 1; }));
  kill(Children()[0], SIGKILL);
  EXPECT_EQ(reason.get(), "PHOTO_NOT_PROCESSED");
}

TEST_F(ProcessorTest, WorkerThatHangsIsEnded) {
  const auto misbehaving = Misbehaving({.worker_time_max = milliseconds(200)});
  const auto start = clock_.Steady();
  EXPECT_EQ(Send(*misbehaving, "hang"), "PHOTO_NOT_PROCESSED");
  EXPECT_LT(clock_.Steady() - start, seconds(5));
  EXPECT_EQ(Send(*Misbehaving(), "hang", seconds(1)), "DEADLINE_EXCEEDED") << "the operation's own deadline";
}

TEST_F(ProcessorTest, CancelledOperationEndsItsWorker) {
  const auto misbehaving = Misbehaving();
  base::OpContext ctx(clock_, clock_.Steady() + seconds(30));
  auto cancelled = ctx.cancelled();
  std::future<absl::Status> status =
      std::async(std::launch::async, [&] { return misbehaving->Process(ctx, "hang").status(); });
  ASSERT_TRUE(Eventually([] { return Children().size() == 1; }));
  cancelled->store(true);
  EXPECT_EQ(status.get().code(), absl::StatusCode::kCancelled);
}

TEST_F(ProcessorTest, NeverMoreWorkersThanAllowedAndOthersWait) {
  const auto misbehaving =
      Misbehaving({.workers_max = 2, .worker_time_max = seconds(20), .wait_max = milliseconds(100)});
  std::vector<std::future<std::string>> hanging;
  for (int i = 0; i < 2; ++i) {
    hanging.push_back(std::async(std::launch::async, [&] { return Send(*misbehaving, "hang"); }));
  }
  ASSERT_TRUE(Eventually([] { return Children().size() == 2; }));
  EXPECT_EQ(Send(*misbehaving, "silent"), "PHOTO_BUSY");
  EXPECT_EQ(Children().size(), 2U);
  for (const pid_t pid : Children()) kill(pid, SIGKILL);
  for (auto& reason : hanging) EXPECT_EQ(reason.get(), "PHOTO_NOT_PROCESSED");
  EXPECT_EQ(base::DetailOf(PhotoBusy(3000))->retry_after_ms, 3000);
  EXPECT_EQ(Send(*misbehaving, "silent"), "PHOTO_NOT_PROCESSED") << "places are free again";
}

TEST_F(ProcessorTest, ManyPhotosAtOnce) {
  const auto processor = Make({.workers_max = 2, .wait_max = seconds(60)});
  const std::string jpeg = MakeJpeg(Quarters(300, 200));
  std::vector<std::future<std::string>> sent;
  for (int i = 0; i < 16; ++i) {
    sent.push_back(std::async(std::launch::async, [&] { return Send(*processor, jpeg, seconds(60)); }));
  }
  for (auto& reason : sent) EXPECT_EQ(reason.get(), "OK");
}

// What the sandbox is for: each of these ends the worker by the filter's signal, where without it the call would have
// been made and "survived" answered.
TEST_F(ProcessorTest, NothingButMemoryAndTheSocket) {
  const auto run = [](const std::string& command) {
    const std::string head = photo::EncodeRequestHead({static_cast<uint32_t>(command.size()), {}});
    WorkerTask task{kMisbehaving, head, command, 1'000};
    task.deadline = std::chrono::steady_clock::now() + seconds(20);
    return RunWorker(task);
  };
  const WorkerRun harmless = run("nothing");
  ASSERT_EQ(harmless.end, WorkerEnd::kExited);
  ASSERT_EQ(harmless.output, "survived");
  for (const std::string command :
       {"open", "create", "socket", "exec", "clone", "kill", "ptrace", "write1", "code", "file map"}) {
    const WorkerRun forbidden = run(command);
    EXPECT_EQ(forbidden.end, WorkerEnd::kKilled) << command;
    EXPECT_EQ(forbidden.signal, kSystemCallKilled) << command;
    EXPECT_EQ(forbidden.output, "") << command;
  }
}

// The program itself, as it waits for its photo.
TEST_F(ProcessorTest, TheProgramHasEnteredTheSandbox) {
  std::future<WorkerRun> run = std::async(std::launch::async, [] {
    const std::string program = std::string(DINH_BINARY_DIR) + "/bin/dinh-photo";
    WorkerTask task{program, "DPQ1", "", 1'000};  // the rest of the request never comes
    task.deadline = std::chrono::steady_clock::now() + seconds(20);
    return RunWorker(task);
  });
  ASSERT_TRUE(Eventually([] { return Children().size() == 1; }));
  const pid_t pid = Children()[0];
  ASSERT_TRUE(Eventually([&] { return photo::testing::StatusField(pid, "Seccomp") == "\t2"; }));
  EXPECT_EQ(photo::testing::StatusField(pid, "NoNewPrivs"), "\t1");
  EXPECT_EQ(photo::testing::ProcFile(pid, "environ"), "");
  size_t open = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) {
    EXPECT_EQ(entry.path().filename(), "0");
    ++open;
  }
  EXPECT_EQ(open, 1U);
  std::istringstream limits(photo::testing::ProcFile(pid, "limits"));
  std::map<std::string, std::string> soft;  // "Max open files" -> "1"
  for (std::string line; std::getline(limits, line);) {
    soft[line.substr(0, line.find("  "))] = line.substr(26, line.find(' ', 26) - 26);
  }
  EXPECT_EQ(soft["Max file size"], "0");
  EXPECT_EQ(soft["Max core file size"], "0");
  EXPECT_EQ(soft["Max processes"], "0");
  EXPECT_EQ(soft["Max open files"], "1");
  EXPECT_EQ(soft["Max cpu time"], std::to_string(photo::kCpuSecondsMax));
#ifndef DINH_SANITIZE
  EXPECT_EQ(soft["Max address space"], std::to_string(photo::kAddressSpaceBytesMax));
#endif
  kill(pid, SIGKILL);
  EXPECT_EQ(run.get().end, WorkerEnd::kKilled);
}

}  // namespace
}  // namespace dinh::feedback
