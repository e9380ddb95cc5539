// Large photos through the real program: they are taken within its limits. The figures are printed.
#include <gtest/gtest.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

#include "services/feedback/photo_worker/protocol.h"
#include "services/feedback/photo_worker/socket_io.h"
#include "services/feedback/photo_worker/testing/images.h"
#include "services/feedback/photo_worker/testing/processes.h"

namespace dinh::photo {
namespace {

using testing::MakeJpeg;
using testing::MakePng;
using testing::Scene;

constexpr int kWidth64 = 9248;  // what phones of 64 megapixels write
constexpr int kHeight64 = 6936;
constexpr int kWidth12 = 4032;
constexpr int kHeight12 = 3024;

struct Measured {
  Answer answer;
  double ms = 0;
  long peak_kib = 0;  // NOLINT(google-runtime-int)
};

// The program's socket is made so small that it still waits to write while its memory is looked at.
Measured Measure(const std::string& image) {
  Measured measured;
  int sockets[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0) return measured;
  const int small = 1;
  setsockopt(sockets[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, sockets[1], 0);
  std::string program = std::string(DINH_BINARY_DIR) + "/bin/dinh-photo";
  char* const arguments[] = {program.data(), nullptr};
  char* const environment[] = {nullptr};
  pid_t pid = -1;
  const auto start = std::chrono::steady_clock::now();
  const int error = posix_spawn(&pid, program.c_str(), &actions, nullptr, arguments, environment);
  posix_spawn_file_actions_destroy(&actions);
  close(sockets[1]);
  EXPECT_EQ(error, 0);
  EXPECT_TRUE(WriteAll(sockets[0], EncodeRequestHead({static_cast<uint32_t>(image.size()), {}})));
  EXPECT_TRUE(WriteAll(sockets[0], image));
  pollfd wait{sockets[0], POLLIN, 0};
  EXPECT_EQ(poll(&wait, 1, 60'000), 1);
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  const std::string peak = testing::StatusField(pid, "VmHWM");
  measured.peak_kib = peak.empty() ? 0 : std::stol(peak);
  std::string bytes;
  char part[64 * 1024];
  for (ssize_t n = 0; (n = read(sockets[0], part, sizeof part)) > 0;) bytes.append(part, static_cast<size_t>(n));
  close(sockets[0]);
  int status = 0;
  waitpid(pid, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_TRUE(DecodeAnswer(bytes, &measured.answer));
  measured.ms = took.count();
  return measured;
}

void ExpectTaken(const char* name, const std::string& image, int64_t peak_mib_max) {
  ASSERT_LE(image.size(), kUploadBytesMax) << name;
  const Measured measured = Measure(image);
  EXPECT_EQ(measured.answer.verdict, Verdict::kOk) << name;
  EXPECT_EQ(std::max(measured.answer.width, measured.answer.height), kFullSideMax) << name;
  std::printf("%-28s %5.1f MiB in, %7.0f ms, peak %6.1f MiB, out %4zu + %zu KiB\n", name,
              static_cast<double>(image.size()) / base::kMiB, measured.ms,
              static_cast<double>(measured.peak_kib) / 1024, measured.answer.full.size() / 1024,
              measured.answer.thumbnail.size() / 1024);
  EXPECT_GT(measured.peak_kib, 0) << name;
#ifndef DINH_SANITIZE
  EXPECT_LE(measured.peak_kib / 1024, peak_mib_max) << name;
#endif
}

std::string Jpeg(int width, int height, bool progressive) {
  return MakeJpeg(width, height, Scene(width), {.quality = 88, .progressive = progressive});
}

TEST(BigPhotos, JpegOfTwelveMegapixels) { ExpectTaken("12 MP JPEG", Jpeg(kWidth12, kHeight12, false), 100); }

TEST(BigPhotos, JpegOf64Megapixels) { ExpectTaken("64 MP JPEG", Jpeg(kWidth64, kHeight64, false), 100); }

// Row by row is not possible: every scan covers the whole picture.
TEST(BigPhotos, ProgressiveJpegOf64Megapixels) {
  ExpectTaken("64 MP progressive JPEG", Jpeg(kWidth64, kHeight64, true), 300);
}

testing::RowMaker Flat(int width) {
  return [width](int y, uint8_t* rgb) {
    for (int x = 0; x < width * 3; ++x) rgb[x] = static_cast<uint8_t>((x >> 6) + (y >> 5));
  };
}

TEST(BigPhotos, PngOf64Megapixels) { ExpectTaken("64 MP PNG", MakePng(kWidth64, kHeight64, Flat(kWidth64)), 100); }

TEST(BigPhotos, InterlacedPngOf64Megapixels) {
  ExpectTaken("64 MP interlaced PNG", MakePng(kWidth64, kHeight64, Flat(kWidth64), {.interlaced = true}), 300);
}

TEST(BigPhotos, WebpOf64Megapixels) {
  Picture picture(kWidth64, kHeight64);
  const testing::RowMaker rows = Flat(kWidth64);
  for (int y = 0; y < kHeight64; ++y) rows(y, picture.row(y));
  ExpectTaken("64 MP WebP", testing::MakeWebp(picture), 100);
}

TEST(BigPhotos, WhatWouldNotFitIsRefusedBeforeDecoding) {
  // Without subsampling 100 megapixels of coefficients are 572 MiB. The frame says so; no pixels are needed.
  std::string jpeg = MakeJpeg(testing::Quarters(64, 64), {.progressive = true, .subsampled = false});
  const size_t frame = jpeg.find("\xFF\xC2");
  ASSERT_NE(frame, std::string::npos);
  jpeg.replace(frame + 5, 4, std::string("\x27\x10\x27\x0F", 4));  // 10,000 × 9,999
  EXPECT_EQ(Measure(jpeg).answer.verdict, Verdict::kTooManyPixels);
  EXPECT_EQ(Measure(testing::ZeroPng(10'001, 10'000, 1)).answer.verdict, Verdict::kTooManyPixels);
}

}  // namespace
}  // namespace dinh::photo
