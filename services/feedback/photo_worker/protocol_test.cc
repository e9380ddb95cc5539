#include "services/feedback/photo_worker/protocol.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "services/feedback/photo_worker/process.h"
#include "services/feedback/photo_worker/testing/images.h"

namespace dinh::photo {
namespace {

Answer GoodAnswer() {
  Answer answer = ProcessImage(testing::MakePng(testing::Quarters(24, 16)), {});
  answer.position = Position{-19.85, 105.9};
  return answer;
}

bool Taken(const Answer& answer) {
  Answer read;
  return DecodeAnswer(EncodeAnswer(answer), &read);
}

TEST(Protocol, RequestsComeBackAsTheyWere) {
  const RequestHead head{123'456, {{0, 0.25, 0.5, 1}, {1, 1, 0, 0}}};
  const std::string bytes = EncodeRequestHead(head);
  ASSERT_EQ(bytes.size(), kRequestStartBytes + 2 * kBoxBytes);
  RequestHead read;
  int boxes = 0;
  ASSERT_TRUE(DecodeRequestStart(std::string_view(bytes).substr(0, kRequestStartBytes), &read, &boxes));
  ASSERT_EQ(boxes, 2);
  ASSERT_TRUE(DecodeBoxes(std::string_view(bytes).substr(kRequestStartBytes), &read));
  EXPECT_EQ(read.image_bytes, 123'456U);
  EXPECT_EQ(read.boxes[0].y, 0.25);
  EXPECT_EQ(read.boxes[1].x, 1);
}

TEST(Protocol, RequestsBeyondTheLimits) {
  RequestHead read;
  int boxes = 0;
  const auto taken = [&](const RequestHead& head) {
    return DecodeRequestStart(EncodeRequestHead(head).substr(0, kRequestStartBytes), &read, &boxes);
  };
  EXPECT_TRUE(taken({static_cast<uint32_t>(kUploadBytesMax), {}}));
  EXPECT_FALSE(taken({static_cast<uint32_t>(kUploadBytesMax) + 1, {}}));
  EXPECT_FALSE(taken({1, std::vector<Box>(kBoxesMax + 1)}));
  EXPECT_FALSE(DecodeRequestStart("DPQ2\0\0\0\0\0", &read, &boxes));
  for (const double bad : {-0.1, 1.1, std::nan(""), HUGE_VAL}) {
    const std::string bytes = EncodeRequestHead({1, {{0, 0, bad, 1}}});
    EXPECT_FALSE(DecodeBoxes(std::string_view(bytes).substr(kRequestStartBytes), &read)) << bad;
  }
}

TEST(Protocol, AnswersComeBackAsTheyWere) {
  const Answer answer = GoodAnswer();
  Answer read;
  ASSERT_TRUE(DecodeAnswer(EncodeAnswer(answer), &read));
  EXPECT_EQ(read.type, SourceType::kPng);
  EXPECT_EQ(read.full, answer.full);
  EXPECT_EQ(read.thumbnail, answer.thumbnail);
  EXPECT_EQ(read.width, 24);
  EXPECT_EQ(read.height, 16);
  ASSERT_TRUE(read.position);
  EXPECT_EQ(read.position->lat, -19.85);
  ASSERT_TRUE(DecodeAnswer(EncodeAnswer({Verdict::kTooNarrow}), &read));
  EXPECT_EQ(read.verdict, Verdict::kTooNarrow);
}

// A hijacked worker can say what it likes.
TEST(Protocol, AnswersThatNoHonestWorkerGives) {
  const auto changed = [](const auto& change) {
    Answer answer = GoodAnswer();
    change(answer);
    return Taken(answer);
  };
  EXPECT_TRUE(changed([](Answer&) {}));
  EXPECT_FALSE(changed([](Answer& a) { a.width = 25; }));
  EXPECT_FALSE(changed([](Answer& a) { a.full = "<html>"; }));
  EXPECT_FALSE(changed([](Answer& a) { a.full += "<script>"; }));
  EXPECT_FALSE(changed([](Answer& a) { a.full = testing::MakeJpeg(testing::Quarters(24, 16)); })) << "JFIF segment";
  EXPECT_FALSE(changed([](Answer& a) { a.thumbnail.clear(); }));
  EXPECT_FALSE(
      changed([](Answer& a) { a.thumbnail = ProcessImage(testing::MakePng(testing::Quarters(321, 9)), {}).full; }));
  EXPECT_FALSE(changed([](Answer& a) { a.type = SourceType::kNone; }));
  EXPECT_FALSE(changed([](Answer& a) { a.type = static_cast<SourceType>(kSourceTypeLast + 1); }));
  EXPECT_FALSE(changed([](Answer& a) { a.verdict = static_cast<Verdict>(kVerdictLast + 1); }));
  EXPECT_FALSE(changed([](Answer& a) { a.verdict = Verdict::kDamaged; })) << "a refusal with a picture";
  EXPECT_FALSE(changed([](Answer& a) { a.position = Position{90.1, 0}; }));
  EXPECT_FALSE(changed([](Answer& a) { a.position = Position{std::nan(""), 0}; }));
  const std::string good = EncodeAnswer(GoodAnswer());
  Answer read;
  EXPECT_FALSE(DecodeAnswer(good + "x", &read));
  EXPECT_FALSE(DecodeAnswer(std::string(kAnswerBytesMax + 1, 'D'), &read));
  for (size_t n = 0; n < good.size(); ++n) ASSERT_FALSE(DecodeAnswer(good.substr(0, n), &read)) << n;
}

TEST(Protocol, SeededMutationsOfAnswers) {
  std::mt19937_64 random(7);
  const std::string good = EncodeAnswer(GoodAnswer());
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = good;
    for (uint64_t changes = 1 + random() % 4; changes > 0; --changes) {
      bytes[random() % (random() % 2 == 0 ? kAnswerStartBytes : bytes.size())] = static_cast<char>(random());
    }
    Answer read;
    if (!DecodeAnswer(bytes, &read) || read.verdict != Verdict::kOk) continue;
    ASSERT_LE(read.width, kFullSideMax);
    ASSERT_LE(read.height, kFullSideMax);
    ASSERT_TRUE(!read.position || IsOnEarth(*read.position));
  }
}

}  // namespace
}  // namespace dinh::photo
