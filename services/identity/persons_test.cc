#include "services/identity/test_support.h"

namespace dinh::identity {
namespace {

const RoleGrant kDeskHere{"one_stop", "ubnd-15865", "15865"};
const RoleGrant kDeskThere{"one_stop", "ubnd-15889", "15889"};
const RoleGrant kSpecialistHere{"specialist", "ubnd-15865", "15865"};
constexpr char kNobody[] = "0190a5b2-7e3c-7abc-8def-0123456789ab";

class PersonServiceTest : public IdentityTest {
 protected:
  absl::StatusOr<pb::TokenPair> Select(const auth::Principal& who, const std::string& person) {
    pb::SelectPersonRequest request;
    request.set_id(person);
    return OfPerson<pb::TokenPair>("SelectPerson", request, who);
  }
  absl::StatusOr<pb::Person> Update(const auth::Principal& who, const std::string& id, const pb::Person& person) {
    pb::UpdatePersonRequest request;
    request.set_id(id);
    *request.mutable_person() = person;
    request.mutable_person()->clear_id();
    request.mutable_person()->clear_assurance();
    request.mutable_person()->clear_create_time();
    return OfPerson<pb::Person>("UpdatePerson", request, who);
  }
  absl::StatusOr<pb::Person> VerifyAtDesk(const auth::Principal& officer, const std::string& id,
                                          const std::string& number) {
    pb::VerifyPersonRequest request;
    request.set_id(id);
    request.set_personal_number(number);
    return OfPerson<pb::Person>("VerifyPerson", request, officer);
  }
  absl::StatusOr<pb::Person> Register(const auth::Principal& officer, const pb::Person& person) {
    pb::RegisterPersonRequest request;
    *request.mutable_person() = person;
    return OfPerson<pb::Person>("RegisterPerson", request, officer);
  }
};

TEST_F(PersonServiceTest, ANewcomerSaysWhoSheIs) {
  const pb::TokenPair tokens = LoginByPhone("0900000009");
  const auth::Principal newcomer = MustBe(tokens);
  const auto made = Create(newcomer, NewPerson("Công dân Một", "038190000001"));
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(made->assurance(), pb::ASSURANCE_PHONE);
  EXPECT_EQ(made->birth_date(), "1990-05");
  EXPECT_EQ(made->address().unit(), "15952");
  // The same token acts for her as soon as rights are read again, and so does its successor.
  EXPECT_EQ(MustBe(tokens).person, made->id());
  EXPECT_EQ(Refresh(tokens.refresh_token())->person(), made->id());
  // With one person only, a login needs no choice.
  EXPECT_EQ(LoginByPhone("0900000009").person(), made->id());
}

TEST_F(PersonServiceTest, OnePhoneTwoPersonsNoMixing) {
  const pb::TokenPair first = LoginByPhone("0900000003");
  const auto grandfather = Create(MustBe(first), NewPerson("Công dân Ba", "038050000003"));
  const auto grandchild = Create(MustBe(first), NewPerson("Công dân Bốn", "038205000004"));
  ASSERT_TRUE(grandfather.ok() && grandchild.ok());

  const pb::TokenPair tokens = LoginByPhone("0900000003");
  EXPECT_EQ(tokens.person(), "");
  const auth::Principal nobody = MustBe(tokens);
  EXPECT_EQ(nobody.person, "");
  const auto me = Me(nobody);
  ASSERT_EQ(me->persons_size(), 2);
  EXPECT_EQ(me->persons(0).full_name(), "Công dân Ba");

  const auto as_child = Select(nobody, grandchild->id());
  ASSERT_TRUE(as_child.ok()) << as_child.status();
  EXPECT_EQ(as_child->refresh_token(), "");
  EXPECT_EQ(MustBe(*as_child).person, grandchild->id());
  // A token keeps the person it was made for, whatever is chosen later.
  const auto as_grandfather = Select(nobody, grandfather->id());
  EXPECT_EQ(MustBe(*as_grandfather).person, grandfather->id());
  EXPECT_EQ(MustBe(*as_child).person, grandchild->id());
  // And the login's next token is for the last choice.
  EXPECT_EQ(Refresh(tokens.refresh_token())->person(), grandfather->id());
}

TEST_F(PersonServiceTest, AnothersPersonAndAnAbsentOneAreRefusedAlike) {
  const auto made = Create(MustBe(LoginByPhone("0900000001")), NewPerson("Công dân Một"));
  const auth::Principal stranger = MustBe(LoginByPhone("0900000002"));
  const absl::Status foreign = Select(stranger, made->id()).status();
  const absl::Status absent = Select(stranger, kNobody).status();
  EXPECT_TRUE(absl::IsPermissionDenied(foreign));
  EXPECT_EQ(foreign.ToString(), absent.ToString());
  EXPECT_EQ(Update(stranger, made->id(), *made).status().ToString(), foreign.ToString());
  // A stranger learns nothing about what a good request would be either.
  pb::Person bad = *made;
  bad.clear_etag();
  bad.mutable_address()->set_unit("99999");
  EXPECT_EQ(Update(stranger, made->id(), bad).status().ToString(), foreign.ToString());
}

TEST_F(PersonServiceTest, BadFieldsAreNamed) {
  const auth::Principal me = MustBe(LoginByPhone("0900000001"));
  pb::Person person = NewPerson("Công dân Một");
  person.set_birth_date("2026-02-14");
  person.set_phone("0951234567");
  person.mutable_address()->set_at("2026-03-01");
  const absl::Status status = Create(me, person).status();
  EXPECT_EQ(Reason(status), "INVALID_FIELD");
  const auto detail = base::DetailOf(status);
  ASSERT_EQ(detail->violations.size(), 3u);
  EXPECT_EQ(detail->violations[0].field, "person.birth_date");
  EXPECT_EQ(detail->violations[1].field, "person.address.at");
  EXPECT_EQ(detail->violations[2].field, "person.phone");

  pb::Person elsewhere = NewPerson("Công dân Một");
  elsewhere.mutable_address()->clear_at();  // today there is no 15952
  const absl::Status unit = Create(me, elsewhere).status();
  ASSERT_EQ(base::DetailOf(unit)->violations.size(), 1u);
  EXPECT_EQ(base::DetailOf(unit)->violations[0].field, "person.address.unit");
  elsewhere.mutable_address()->set_unit("38");
  EXPECT_EQ(Reason(Create(me, elsewhere).status()), "INVALID_FIELD");
  EXPECT_EQ(Me(me)->persons_size(), 0);
}

TEST_F(PersonServiceTest, AtMostTenPersonsALogin) {
  const auth::Principal me = MustBe(LoginByPhone("0900000001"));
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(Create(me, NewPerson("Công dân Một")).ok());
  EXPECT_EQ(Reason(Create(me, NewPerson("Công dân Một")).status()), "TOO_MANY_PERSONS");
}

TEST_F(PersonServiceTest, AStaleOrTamperedEtagIsRefused) {
  const auth::Principal me = MustBe(LoginByPhone("0900000001"));
  pb::Person person = *Create(me, NewPerson("Công dân Một"));
  const std::string first = person.etag();
  person.set_full_name("  Công dân\n Một  (sửa) ");
  const auto changed = Update(me, person.id(), person);
  ASSERT_TRUE(changed.ok()) << changed.status();
  EXPECT_EQ(changed->full_name(), "Công dân Một (sửa)");
  EXPECT_NE(changed->etag(), first);
  EXPECT_EQ(Reason(Update(me, person.id(), person).status()), "STALE_ETAG");
  for (const char* etag : {"0", "01", "x", "99999999999999999999"}) {
    person.set_etag(etag);
    EXPECT_EQ(Reason(Update(me, person.id(), person).status()), "STALE_ETAG") << etag;
  }
  person.clear_etag();
  EXPECT_EQ(Reason(Update(me, person.id(), person).status()), "INVALID_FIELD");
}

TEST_F(PersonServiceTest, AnyoneMayClaimANumberButOnlyOneIsVerified) {
  MakeOfficer("motcua.thu", {kDeskHere});
  const auth::Principal desk = OfficerCalled("motcua.thu");
  const auth::Principal owner = MustBe(LoginByPhone("0900000001"));
  const auth::Principal other = MustBe(LoginByPhone("0900000002"));
  const auto claim = Create(other, NewPerson("Người nhận vơ", "038190000001"));
  ASSERT_TRUE(claim.ok()) << claim.status();
  const auto own = Create(owner, NewPerson("Công dân Một", "038190000001"));
  ASSERT_TRUE(own.ok()) << own.status();
  EXPECT_EQ(Reason(Create(owner, NewPerson("Công dân Một", "038190000001")).status()), "PERSON_EXISTS");

  EXPECT_EQ(Reason(VerifyAtDesk(desk, own->id(), "038190000002").status()), "PERSONAL_NUMBER_MISMATCH");
  const auto verified = VerifyAtDesk(desk, own->id(), "038190000001");
  ASSERT_TRUE(verified.ok()) << verified.status();
  EXPECT_EQ(verified->assurance(), pb::ASSURANCE_SEEN_AT_DESK);
  EXPECT_EQ(Reason(VerifyAtDesk(desk, claim->id(), "038190000001").status()), "PERSONAL_NUMBER_TAKEN");
  // A claim stays possible, so that nobody learns who is verified.
  EXPECT_TRUE(Create(MustBe(LoginByPhone("0900000004")), NewPerson("Người khác", "038190000001")).ok());

  pb::Person changed = *verified;
  changed.set_full_name("Tên khác");
  EXPECT_EQ(Reason(Update(owner, own->id(), changed).status()), "PERSON_VERIFIED");
  changed = *verified;
  changed.mutable_address()->set_text("Thôn khác");
  EXPECT_TRUE(Update(owner, own->id(), changed).ok());
  EXPECT_EQ(MustBe(LoginByPhone("0900000001")).assurance, auth::Assurance::kSeenAtDesk);
}

TEST_F(PersonServiceTest, OnlyTheDeskOfTheCommuneVerifies) {
  MakeOfficer("motcua.day", {kDeskHere});
  MakeOfficer("motcua.kia", {kDeskThere});
  MakeOfficer("chuyenvien", {kSpecialistHere});
  const auth::Principal citizen = MustBe(LoginByPhone("0900000001"));
  const auto person = Create(citizen, NewPerson("Công dân Một", "038190000001"));
  const absl::Status elsewhere = VerifyAtDesk(OfficerCalled("motcua.kia"), person->id(), "038190000001").status();
  EXPECT_TRUE(absl::IsPermissionDenied(elsewhere));
  EXPECT_EQ(VerifyAtDesk(OfficerCalled("motcua.kia"), kNobody, "038190000001").status().ToString(),
            elsewhere.ToString());
  EXPECT_TRUE(
      absl::IsPermissionDenied(VerifyAtDesk(OfficerCalled("chuyenvien"), person->id(), "038190000001").status()));
  EXPECT_TRUE(absl::IsPermissionDenied(VerifyAtDesk(citizen, person->id(), "038190000001").status()));
  // The address names 15952, which is part of 15865 today.
  EXPECT_TRUE(VerifyAtDesk(OfficerCalled("motcua.day"), person->id(), "038190000001").ok());
}

TEST_F(PersonServiceTest, TheDeskRegistersPeopleWithAndWithoutAPhone) {
  MakeOfficer("motcua.thu", {kDeskHere});
  const auth::Principal desk = OfficerCalled("motcua.thu");
  const auto without = Register(desk, NewPerson("Cụ Không Máy", "038030000007"));
  ASSERT_TRUE(without.ok()) << without.status();
  EXPECT_EQ(without->assurance(), pb::ASSURANCE_SEEN_AT_DESK);
  EXPECT_EQ(Reason(Register(desk, NewPerson("Cụ Không Máy", "038030000007")).status()), "PERSON_EXISTS");

  pb::Person with_phone = NewPerson("Công dân Năm", "038070000005");
  with_phone.set_phone("+84900000005");
  const auto registered = Register(desk, with_phone);
  ASSERT_TRUE(registered.ok()) << registered.status();
  EXPECT_EQ(registered->phone(), "0900000005");
  EXPECT_EQ(LoginByPhone("0900000005").person(), registered->id());
}

TEST_F(PersonServiceTest, RegisteringTurnsTheClaimOfThatPhoneIntoTheVerifiedPerson) {
  MakeOfficer("motcua.thu", {kDeskHere});
  const auto claim = Create(MustBe(LoginByPhone("0900000001")), NewPerson("cong dan mot", "038190000001"));
  pb::Person papers = NewPerson("Công dân Một", "038190000001");
  papers.set_phone("0900000001");
  const auto registered = Register(OfficerCalled("motcua.thu"), papers);
  ASSERT_TRUE(registered.ok()) << registered.status();
  EXPECT_EQ(registered->id(), claim->id());
  EXPECT_EQ(registered->full_name(), "Công dân Một");
  const auto me = Me(MustBe(LoginByPhone("0900000001")));
  ASSERT_EQ(me->persons_size(), 1);
  EXPECT_EQ(me->persons(0).assurance(), pb::ASSURANCE_SEEN_AT_DESK);
}

TEST_F(PersonServiceTest, OrganisationsNeedATrueTaxCode) {
  const auth::Principal nobody = MustBe(LoginByPhone("0900000001"));
  pb::CreateOrganisationRequest request;
  request.mutable_organisation()->set_name("Hợp tác xã Thử nghiệm");
  request.mutable_organisation()->set_tax_code("0100109106");
  EXPECT_EQ(Reason(OfPerson<pb::Organisation>("CreateOrganisation", request, nobody).status()), "PERSON_NOT_CHOSEN");
  const pb::TokenPair tokens = LoginByPhone("0900000001");
  const auto person = Create(MustBe(tokens), NewPerson("Công dân Một"));
  const auth::Principal me = MustBe(tokens);
  const auto made = OfPerson<pb::Organisation>("CreateOrganisation", request, me);
  ASSERT_TRUE(made.ok()) << made.status();
  ASSERT_EQ(made->representatives_size(), 1);
  EXPECT_EQ(made->representatives(0), person->id());
  EXPECT_EQ(Reason(OfPerson<pb::Organisation>("CreateOrganisation", request, me).status()), "ORGANISATION_EXISTS");
  request.mutable_organisation()->set_tax_code("0100109107");
  EXPECT_EQ(Reason(OfPerson<pb::Organisation>("CreateOrganisation", request, me).status()), "TAX_CODE_INVALID");
  EXPECT_EQ(Me(me)->organisations_size(), 1);
}

TEST_F(PersonServiceTest, PeersReadAPersonOthersDoNot) {
  const auth::Principal citizen = MustBe(LoginByPhone("0900000001"));
  const auto person = Create(citizen, NewPerson("Công dân Một"));
  pb::GetPersonRequest request;
  request.set_id(person->id());
  const auto read = OfPerson<pb::Person>("GetPerson", request, testing::Peer("procedures"));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->full_name(), "Công dân Một");
  EXPECT_TRUE(absl::IsPermissionDenied(OfPerson<pb::Person>("GetPerson", request, testing::Peer("cameras")).status()));
  EXPECT_TRUE(absl::IsPermissionDenied(OfPerson<pb::Person>("GetPerson", request, citizen).status()));
  request.set_id(kNobody);
  EXPECT_EQ(Reason(OfPerson<pb::Person>("GetPerson", request, testing::Peer("procedures")).status()),
            "PERSON_NOT_FOUND");
}

class AccessesTest : public PersonServiceTest {
 protected:
  static void Add(pb::RecordAccessesRequest* request, int64_t sequence, const std::string& person,
                  const std::string& kind, const std::string& caller) {
    pb::AccessRecord* record = request->add_records();
    record->set_sequence(sequence);
    record->mutable_time()->set_seconds(1'770'000'000 + sequence);
    record->set_person(person);
    record->set_caller_kind(kind);
    record->set_caller(caller);
    record->set_method("dinh.procedures.v1.DossierService/GetDossier");
    record->set_resource("dossiers/H56.15865-260213-0001");
    record->set_reason("dossier");
  }
  absl::StatusOr<pb::RecordAccessesResponse> Record(const pb::RecordAccessesRequest& request,
                                                    const std::string& peer = "procedures") {
    return OfPerson<pb::RecordAccessesResponse>("RecordAccesses", request, testing::Peer(peer));
  }
};

TEST_F(AccessesTest, WhoReadMyDataNewestFirstAndEachOnce) {
  const std::string officer = MakeOfficer("motcua.thu", {kDeskHere});
  const pb::TokenPair tokens = LoginByPhone("0900000001");
  const auto person = Create(MustBe(tokens), NewPerson("Công dân Một"));
  const auth::Principal me = MustBe(tokens);
  pb::RecordAccessesRequest request;
  request.set_service("procedures");
  EXPECT_EQ(Record(request)->last_sequence(), 0);
  Add(&request, 1, person->id(), "officer", officer);
  Add(&request, 2, "", "officer", officer);
  Add(&request, 3, person->id(), "citizen", person->id());
  Add(&request, 4, "0190a5b2-7e3c-7abc-8def-000000000000", "officer", officer);
  Add(&request, 5, person->id(), "peer", "payments");
  Add(&request, 6, "", "anonymous", "");
  EXPECT_EQ(Record(request)->last_sequence(), 6);
  EXPECT_EQ(Record(request)->last_sequence(), 6);

  const auto list = OfPerson<pb::ListAccessesResponse>("ListAccesses", pb::ListAccessesRequest(), me);
  ASSERT_TRUE(list.ok()) << list.status();
  ASSERT_EQ(list->accesses_size(), 3);
  EXPECT_EQ(list->accesses(0).actor(), "Hệ thống (payments)");
  EXPECT_EQ(list->accesses(1).actor(), "Chính bạn");
  EXPECT_EQ(list->accesses(2).actor(), "Cán bộ một cửa, UBND xã Hoằng Hóa");
  EXPECT_EQ(list->accesses(2).method(), "GetDossier");
  EXPECT_EQ(list->accesses(2).service(), "procedures");
  EXPECT_EQ(list->accesses(2).time().seconds(), 1'770'000'001);
}

TEST_F(AccessesTest, AServiceTellsOfItselfOnly) {
  pb::RecordAccessesRequest request;
  request.set_service("payments");
  EXPECT_TRUE(absl::IsPermissionDenied(Record(request, "procedures").status()));
}

TEST_F(AccessesTest, PagesMeetWithoutGapOrRepetition) {
  const pb::TokenPair tokens = LoginByPhone("0900000001");
  const auto person = Create(MustBe(tokens), NewPerson("Công dân Một"));
  const auth::Principal me = MustBe(tokens);
  pb::RecordAccessesRequest request;
  request.set_service("procedures");
  for (int i = 1; i <= 7; ++i) {
    Add(&request, i, person->id(), "citizen", person->id());
    request.mutable_records(i - 1)->mutable_time()->set_seconds(1'770'000'000 + i / 3);  // equal times
    request.mutable_records(i - 1)->set_resource(std::to_string(i));
  }
  ASSERT_TRUE(Record(request).ok());
  std::string seen;
  pb::ListAccessesRequest page;
  page.set_page_size(3);
  for (int i = 0; i < 3; ++i) {
    const auto list = OfPerson<pb::ListAccessesResponse>("ListAccesses", page, me);
    ASSERT_TRUE(list.ok()) << list.status();
    for (const auto& access : list->accesses()) seen += access.resource();
    page.set_page_token(list->next_page_token());
  }
  EXPECT_EQ(seen, "7654321");
  EXPECT_EQ(page.page_token(), "");
  page.set_page_token("tampered");
  EXPECT_TRUE(absl::IsInvalidArgument(OfPerson<pb::ListAccessesResponse>("ListAccesses", page, me).status()));
}

}  // namespace
}  // namespace dinh::identity
