#include "libs/db/text_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "libs/base/random.h"
#include "libs/base/text.h"
#include "libs/db/test_support.h"

namespace dinh::db {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kNewest = int64_t{1} << 62;

class TextIndexTest : public EngineTest {
 protected:
  void SetUp() override { ASSERT_TRUE(index_.EnsureSchema(*store_.db).ok()); }

  void Put(int64_t key, std::string_view text) {
    auto ctx = store_.Context();
    const absl::Status put = store_.db->Transact(*ctx, [&](Tx& tx) { return index_.Put(tx, key, base::Fold(text)); });
    ASSERT_TRUE(put.ok()) << put;
  }
  void Remove(int64_t key, std::string_view text) {
    auto ctx = store_.Context();
    const absl::Status removed =
        store_.db->Transact(*ctx, [&](Tx& tx) { return index_.Remove(tx, key, base::Fold(text)); });
    ASSERT_TRUE(removed.ok()) << removed;
  }
  TextPage Page(std::string_view query, int64_t before = kNewest, int limit = 100) {
    auto ctx = store_.Context();
    absl::StatusOr<TextPage> page =
        store_.db->Read(*ctx, [&](Tx& tx) { return index_.Find(tx, TextWords(base::Fold(query)), before, limit); });
    EXPECT_TRUE(page.ok()) << page.status();
    return page.ok() ? *page : TextPage();
  }
  std::vector<int64_t> Find(std::string_view query) { return Page(query).keys; }

  TestDatabase store_{GetParam()};
  const TextIndex index_{"some_text"};
};

DINH_BOTH_ENGINES(TextIndexTest);

TEST(TextWordsTest, AreLettersAndDigitsOfTheFoldedTextEachOnce) {
  EXPECT_THAT(TextWords("duong lang, duong 47b!"), ElementsAre("duong", "lang", "47b"));
  EXPECT_THAT(TextWords("\"a\" OR b* NOT (c) -d ^e: f'g"), ElementsAre("a", "b", "c", "d", "e", "f", "g"));
  EXPECT_THAT(TextWords("  …  "), IsEmpty());
  EXPECT_EQ(TextWords(std::string(100, 'x')).front().size(), kTextWordBytesMax);
  EXPECT_EQ(TextWords("1 2 3 4 5 6 7 8 9 10").size(), kTextQueryWordsMax);
}

TEST_P(TextIndexTest, FindsAllWordsWithoutMarksNewestFirst) {
  Put(1, "Đèn đường hỏng đã ba tuần");
  Put(2, "Ổ gà trên đường làng");
  Put(3, "Đường ngập nước, đèn tắt");
  EXPECT_THAT(Find("đường"), ElementsAre(3, 2, 1));
  EXPECT_THAT(Find("DUONG"), ElementsAre(3, 2, 1));
  EXPECT_THAT(Find("den duong"), ElementsAre(3, 1));
  EXPECT_THAT(Find("o ga"), ElementsAre(2));
  EXPECT_THAT(Find("duong lut"), IsEmpty());
  EXPECT_THAT(Find("du"), IsEmpty()) << "whole words only";
}

TEST_P(TextIndexTest, PagesByKey) {
  for (int64_t key = 1; key <= 5; ++key) Put(key, "cống tắc");
  const TextPage first = Page("cong", kNewest, 2);
  EXPECT_THAT(first.keys, ElementsAre(5, 4));
  const TextPage second = Page("cong", first.searched_to, 2);
  EXPECT_THAT(second.keys, ElementsAre(3, 2));
  const TextPage third = Page("cong", second.searched_to, 2);
  EXPECT_THAT(third.keys, ElementsAre(1));
  EXPECT_EQ(third.searched_to, 0);
}

TEST_P(TextIndexTest, WhatIsRemovedIsNotFoundAndItsKeyMayComeAgain) {
  Put(7, "rác thải ven sông");
  Put(8, "rác ở chợ");
  Remove(7, "rác thải ven sông");
  EXPECT_THAT(Find("rac"), ElementsAre(8));
  EXPECT_THAT(Find("song"), IsEmpty());
  Put(7, "nước sông đổi màu");
  EXPECT_THAT(Find("song"), ElementsAre(7));
  EXPECT_THAT(Find("rac"), ElementsAre(8));
}

TEST_P(TextIndexTest, NoQueryIsMoreThanWords) {
  Put(1, "một hai ba");
  for (const std::string query :
       {"mot OR bon", "mot NOT hai", "mo*", "words:mot bon", "mot\" OR \"1", "^mot bon", "NEAR(mot bon)"}) {
    EXPECT_THAT(Find(query), IsEmpty()) << query;
  }
  EXPECT_THAT(Find("mot; (ba)"), ElementsAre(1));
  EXPECT_THAT(Find("\"mot"), ElementsAre(1));
  EXPECT_THAT(Find("'"), IsEmpty());
  EXPECT_THAT(Find(""), IsEmpty());
}

TEST_P(TextIndexTest, AnEmptyDocumentIsADocument) {
  Put(1, "…");
  Put(2, "");
  Remove(1, "…");
  EXPECT_THAT(Find("a"), IsEmpty());
}

TEST_P(TextIndexTest, WhatRollsBackIsNotFound) {
  auto ctx = store_.Context();
  const absl::Status failed = store_.db->Transact(*ctx, [&](Tx& tx) -> absl::Status {
    RETURN_IF_ERROR(index_.Put(tx, 1, "bien bao"));
    return absl::CancelledError("on purpose");
  });
  EXPECT_FALSE(failed.ok());
  EXPECT_THAT(Find("bien"), IsEmpty());
}

TEST_P(TextIndexTest, TheSchemaIsMadeOnce) { EXPECT_TRUE(TextIndex("some_text").EnsureSchema(*store_.db).ok()); }

// The clock stands: no page ends early. Against what a look at every document finds.
TEST_P(TextIndexTest, ThousandsOfDocumentsGiveExactlyWhatTheyHold) {
  base::SeededRandom random(11);
  static const std::vector<std::string> kWords = {"duong", "den", "nuoc", "rac", "cong", "cau", "dien", "cay"};
  std::vector<std::set<std::string>> documents(20'001);
  auto ctx = store_.Context();
  const absl::Status filled = store_.db->Transact(*ctx, [&](Tx& tx) -> absl::Status {
    for (size_t key = 1; key < documents.size(); ++key) {
      std::string text;
      for (size_t i = 0; i < 3; ++i) {
        const std::string& word = kWords[random.Below(kWords.size())];
        documents[key].insert(word);
        text += word + " ";
      }
      RETURN_IF_ERROR(index_.Put(tx, static_cast<int64_t>(key), text));
    }
    return absl::OkStatus();
  });
  ASSERT_TRUE(filled.ok()) << filled;
  for (const auto& [a, b] : {std::pair("duong", "den"), {"rac", "cay"}, {"cau", "cau"}}) {
    std::vector<int64_t> expected;
    for (size_t key = documents.size() - 1; key > 0; --key) {
      if (documents[key].contains(a) && documents[key].contains(b)) expected.push_back(static_cast<int64_t>(key));
    }
    std::vector<int64_t> found;
    int64_t before = kNewest;
    do {
      const TextPage page = Page(std::string(a) + " " + b, before, 500);
      found.insert(found.end(), page.keys.begin(), page.keys.end());
      before = page.searched_to;
    } while (before > 0);
    EXPECT_EQ(found, expected) << a << " " << b;
  }
}

// Each look at the clock costs its time.
class BusyClock final : public base::Clock {
 public:
  base::Micros Now() const override { return 0; }
  std::chrono::steady_clock::time_point Steady() const override { return now_ += kTextSearchBudget; }

 private:
  mutable std::chrono::steady_clock::time_point now_;
};

TEST_P(TextIndexTest, ASearchThatTakesTooLongGoesOnWithTheNextPage) {
  auto fill = store_.Context();
  const absl::Status filled = store_.db->Transact(*fill, [&](Tx& tx) -> absl::Status {
    for (int64_t key = 1; key <= 40'000; ++key) {
      RETURN_IF_ERROR(index_.Put(tx, key, key == 3 ? "mot hai" : key % 2 == 0 ? "mot" : "hai"));
    }
    return absl::OkStatus();
  });
  ASSERT_TRUE(filled.ok()) << filled;
  const BusyClock busy;
  std::vector<int64_t> found;
  int pages = 0;
  for (int64_t before = kNewest; before > 0 && pages < 100; ++pages) {
    auto ctx = TestContext(busy, std::chrono::hours(1));
    const auto page = store_.db->Read(*ctx, [&](Tx& tx) { return index_.Find(tx, {"mot", "hai"}, before, 10); });
    ASSERT_TRUE(page.ok()) << page.status();
    EXPECT_LT(page->searched_to, before);
    found.insert(found.end(), page->keys.begin(), page->keys.end());
    before = page->searched_to;
  }
  EXPECT_THAT(found, ElementsAre(3));
  EXPECT_GT(pages, 1);
}

}  // namespace
}  // namespace dinh::db
