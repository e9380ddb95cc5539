#include "libs/http/sse.h"

#include <gtest/gtest.h>

#include "libs/base/random.h"

namespace dinh::http {
namespace {

TEST(SseTest, FormatsFieldsAndLines) {
  EXPECT_EQ(FormatSse({.id = "7", .event = "dossier", .data = "{\"a\":1}"}),
            "id: 7\nevent: dossier\ndata: {\"a\":1}\n\n");
  EXPECT_EQ(FormatSse({.data = "a\nb\r\nc\rd"}), "data: a\ndata: b\ndata: c\ndata: d\n\n");
  EXPECT_EQ(FormatSse({.data = "", .retry_ms = 3000}), "retry: 3000\ndata: \n\n");
  // A line end in id or event would let data pass for a field.
  EXPECT_EQ(FormatSse({.id = "1\ndata: x", .event = "e\r\nf", .data = "y"}), "id: 1data: x\nevent: ef\ndata: y\n\n");
}

TEST(SseTest, ParserReadsWhatTheFormatterWritesWhateverTheSplit) {
  base::SeededRandom random(7);
  const std::string wire = FormatSse({.id = "1", .event = "a", .data = "một\nhai", .retry_ms = 250}) +
                           std::string(kSseHeartbeatLine) + FormatSse({.data = ""}) + "data:no blank\r\nid: 9\r\n\r\n" +
                           "event: only\n\n" + FormatSse({.data = "end"});
  for (int round = 0; round < 200; ++round) {
    SseParser parser;
    std::vector<SseEvent> events;
    for (size_t at = 0; at < wire.size();) {
      const size_t n = std::min<size_t>(1 + random.Below(round + 1), wire.size() - at);
      parser.Feed(std::string_view(wire).substr(at, n));
      at += n;
      while (std::optional<SseEvent> event = parser.Next()) events.push_back(*event);
    }
    ASSERT_EQ(events.size(), 4u);
    EXPECT_EQ(events[0].data, "một\nhai");
    EXPECT_EQ(events[0].event, "a");
    EXPECT_EQ(events[0].retry_ms, 250);
    EXPECT_EQ(events[1].data, "");
    EXPECT_EQ(events[1].id, "1");
    EXPECT_EQ(events[2].data, "no blank");
    EXPECT_EQ(events[2].id, "9");
    EXPECT_EQ(events[3].data, "end");
    EXPECT_EQ(events[3].event, "");
    EXPECT_EQ(parser.comments(), 1);
  }
}

}  // namespace
}  // namespace dinh::http
