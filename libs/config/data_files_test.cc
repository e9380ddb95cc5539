#include "libs/config/data_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "libs/config/json_object.h"

namespace dinh::config {
namespace {

using ::testing::HasSubstr;

std::string Message(const absl::Status& status) { return std::string(status.message()); }

TEST(DataFiles, ShippedHolidaysMakeACalendar) {
  const auto json = ReadDataFile(std::string(DINH_SOURCE_DIR) + "/deploy/data/holidays.json");
  ASSERT_TRUE(json.ok()) << json.status();
  const auto days = ReadHolidays(*json);
  ASSERT_TRUE(days.ok()) << days.status();
  const auto calendar = base::WorkingCalendar::Create(*days);
  ASSERT_TRUE(calendar.ok()) << calendar.status();
  EXPECT_FALSE(calendar->IsWorkingDay({2026, 9, 2}).value());
}

TEST(DataFiles, Faults) {
  EXPECT_EQ(ReadDataFile("/nonexistent/file").status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(Message(ReadHolidays(R"({"days": [{"date": "2026-02-30", "kind": "statutory"}]})").status()),
              HasSubstr("holidays.json.days[0].date"));
  EXPECT_THAT(Message(ReadHolidays(R"({"days": [{"date": "2026-02-03", "kind": "feast"}]})").status()),
              HasSubstr("days[0].kind"));
  EXPECT_THAT(Message(ReadHolidays(R"({"days": 7})").status()), HasSubstr("a list is expected"));
  EXPECT_THAT(Message(ReadHolidays("{").status()), HasSubstr("not JSON"));
}

TEST(JsonObjectTest, TheFirstFaultIsKeptAndLaterReadsAreEmpty) {
  const absl::Status status = ReadJson(R"({"a": 1, "n": "x", "b": 2})", "f.json", [](JsonObject& root) {
    EXPECT_EQ(root.Text("a"), "");
    EXPECT_EQ(root.Number("n"), 0);
    EXPECT_FALSE(root.Bool("b"));
    EXPECT_EQ(root.Int("none", 7), 7);
    EXPECT_FALSE(root.ok());
  });
  EXPECT_EQ(Message(status), "f.json.a: a string is expected");
}

TEST(JsonObjectTest, Values) {
  const absl::Status status =
      ReadJson(R"({"s": "x", "i": 3, "d": 1.5, "t": true, "null": null})", "f.json", [](JsonObject& root) {
        root.Only({"s", "i", "d", "t", "null"});
        EXPECT_EQ(root.Text("s"), "x");
        EXPECT_EQ(root.Int("i"), 3);
        EXPECT_EQ(root.Number("i"), 3);
        EXPECT_EQ(root.Number("d"), 1.5);
        EXPECT_TRUE(root.Bool("t"));
        EXPECT_TRUE(root.Bool("absent", true));
        EXPECT_FALSE(root.Has("null"));
        EXPECT_EQ(root.Text("absent", false), "");
        EXPECT_EQ(root.OptInt("absent"), std::nullopt);
      });
  EXPECT_TRUE(status.ok()) << status;
}

}  // namespace
}  // namespace dinh::config
