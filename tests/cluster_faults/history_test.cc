// The checker finds what is planted, and nothing in a history that is sound.
#include "tests/cluster_faults/history.h"

#include "gmock/gmock.h"

namespace dinh::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class HistoryTest : public ::testing::Test {
 protected:
  // A dossier that was filed, accepted, paid and read, and a report that was sent.
  HistoryTest() {
    Add({.object = "dossier 1", .effect = "submit", .begin_us = 0, .end_us = 10, .id = "H-1", .revision = 1});
    Add({.object = "dossier 1", .effect = "accept", .begin_us = 20, .end_us = 30, .id = "H-1", .revision = 2});
    Add({.object = "dossier 1", .effect = "pay", .begin_us = 40, .end_us = 50, .transaction = "T-1"});
    Add({.object = "dossier 1", .begin_us = 60, .end_us = 70, .id = "H-1", .revision = 4});
    Add({.object = "report 1", .effect = "send", .begin_us = 0, .end_us = 9, .id = "PA-1", .revision = 1});
    final_.objects["H-1"] = {4, {{"submit", 1}, {"accept", 1}, {"pay", 1}, {"start", 1}}};
    final_.objects["PA-1"] = {1, {{"send", 1}}};
    final_.payments["T-1"] = {1, 16000, 16000, true};
  }
  void Add(Operation operation, bool acknowledged = true) {
    operation.client = "client 1";
    operation.acknowledged = acknowledged;
    history_.push_back(std::move(operation));
  }
  std::vector<std::string> Found() const {
    std::vector<std::string> texts;
    for (const Violation& violation : Check(history_, final_)) texts.push_back(Format(violation));
    return texts;
  }

  std::vector<Operation> history_;
  FinalState final_;
};

TEST_F(HistoryTest, SoundHistoryHasNoViolations) { EXPECT_THAT(Found(), IsEmpty()); }

TEST_F(HistoryTest, AnAnswerThatNeverCameMayHaveHappenedOnce) {
  Add({.object = "dossier 2", .effect = "submit", .begin_us = 5}, false);
  EXPECT_THAT(Found(), IsEmpty());
  final_.objects["H-2"] = {1, {{"submit", 1}}};
  EXPECT_THAT(Found(), IsEmpty());
  final_.objects["H-3"] = {1, {{"submit", 1}}};
  EXPECT_THAT(Found(), ElementsAre(HasSubstr("2 objects belong to no answered request")));
}

TEST_F(HistoryTest, LostObject) {
  final_.objects.erase("PA-1");
  EXPECT_THAT(Found(), ElementsAre(HasSubstr("PA-1 was acknowledged and is lost")));
}

TEST_F(HistoryTest, LostChange) {
  final_.objects["H-1"].effects.erase("accept");
  EXPECT_THAT(Found(), ElementsAre(HasSubstr("accept was acknowledged and is lost")));
}

TEST_F(HistoryTest, LostRevision) {
  final_.objects["H-1"].revision = 3;
  EXPECT_THAT(Found(), ElementsAre(HasSubstr("r4 was seen, r3 is what is left")));
}

TEST_F(HistoryTest, ChangeMadeTwice) {
  final_.objects["H-1"].effects["accept"] = 2;
  EXPECT_THAT(Found(), ElementsAre(HasSubstr("accept happened 2 times")));
}

TEST_F(HistoryTest, EffectOfAnEventTwice) {
  final_.objects["H-1"].effects["start"] = 2;
  EXPECT_THAT(Found(), ElementsAre(HasSubstr("start happened 2 times")));
}

TEST_F(HistoryTest, PaidDossierThatNeverHeard) {
  final_.objects["H-1"].effects.erase("pay");
  EXPECT_THAT(Found(), ElementsAre(HasSubstr("pay was acknowledged and is lost")));
}

TEST_F(HistoryTest, OneKeyTwoCodes) {
  Add({.object = "dossier 1", .effect = "submit", .begin_us = 80, .end_us = 90, .id = "H-9", .revision = 1});
  final_.objects["H-9"] = {1, {{"submit", 1}}};
  EXPECT_THAT(Found(),
              ElementsAre(HasSubstr("answered with 2 codes"), HasSubstr("submit was acknowledged and is lost")));
}

TEST_F(HistoryTest, NumberGivenTwice) {
  Add({.object = "dossier 2", .effect = "submit", .begin_us = 12, .end_us = 14, .id = "H-1", .revision = 1});
  EXPECT_THAT(Found(), ElementsAre(HasSubstr("H-1 was given twice, also to dossier 1")));
}

TEST_F(HistoryTest, ReadOlderThanTheOwnWrite) {
  Add({.object = "dossier 1", .begin_us = 31, .end_us = 35, .id = "H-1", .revision = 1});
  EXPECT_THAT(Found(), ElementsAre(HasSubstr("read r1 after its own r2 had been answered")));
}

TEST_F(HistoryTest, ReadThatDidNotFindTheOwnObject) {
  Add({.object = "dossier 1", .begin_us = 11, .end_us = 15});
  EXPECT_THAT(Found(), ElementsAre(HasSubstr("read r0 after its own r1")));
}

TEST_F(HistoryTest, ReadBesideAWriteMaySeeEither) {
  Add({.object = "dossier 1", .begin_us = 25, .end_us = 35, .id = "H-1", .revision = 1});
  EXPECT_THAT(Found(), IsEmpty());
}

TEST_F(HistoryTest, TransactionBookedTwice) {
  final_.payments["T-1"] = {2, 32000, 32000, true};
  EXPECT_THAT(Found(), ElementsAre(HasSubstr("T-1 was booked 2 times")));
}

TEST_F(HistoryTest, MoneyMovedTwice) {
  final_.payments["T-1"].settled_vnd = 32000;
  EXPECT_THAT(Found(), ElementsAre(HasSubstr("T-1 over 16000 moved 32000")));
}

TEST_F(HistoryTest, PaymentLost) {
  final_.payments.clear();
  EXPECT_THAT(Found(), ElementsAre(HasSubstr("T-1 was acknowledged and is not booked")));
}

TEST_F(HistoryTest, ChargeNotPaid) {
  final_.payments["T-1"].charge_paid = false;
  EXPECT_THAT(Found(), ElementsAre(HasSubstr("T-1 did not pay its charge")));
}

TEST_F(HistoryTest, ViolationCarriesTheHistoryOfItsObject) {
  final_.objects.erase("PA-1");
  final_.problems = {"the ledger does not balance"};
  EXPECT_THAT(Found(), ElementsAre(HasSubstr("ledger"),
                                   AllOf(HasSubstr("client 1  send  acknowledged"), ::testing::Not(HasSubstr("H-1")))));
}

}  // namespace
}  // namespace dinh::testing
