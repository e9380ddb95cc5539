#include "services/identity/test_support.h"

namespace dinh::identity {
namespace {

const RoleGrant kAdminHere{"admin", "ubnd-15865", "15865"};
const RoleGrant kAdminPolice{"admin", "ca-15865", "15865"};
const RoleGrant kDeskHere{"one_stop", "ubnd-15865", "15865"};
const RoleGrant kPoliceDesk{"police_desk", "ca-15865", "15865"};
constexpr char kNobody[] = "0190a5b2-7e3c-7abc-8def-0123456789ab";

class OfficerServiceTest : public IdentityTest {
 protected:
  void SetUp() override {
    IdentityTest::SetUp();
    admin_id_ = MakeOfficer("quantri", {kAdminHere});
    admin_ = OfficerCalled("quantri");
  }
  static void Fill(google::protobuf::RepeatedPtrField<pb::RoleGrant>* out, const std::vector<RoleGrant>& grants) {
    for (const RoleGrant& grant : grants) {
      pb::RoleGrant* added = out->Add();
      added->set_role(grant.role);
      added->set_agency(grant.agency);
      added->set_unit(grant.unit);
    }
  }
  absl::StatusOr<pb::Officer> CreateBy(const auth::Principal& who, const std::string& username,
                                       const std::vector<RoleGrant>& grants,
                                       const std::string& password = "mat-khau-dau-tien-1") {
    pb::CreateOfficerRequest request;
    request.mutable_officer()->set_username(username);
    request.mutable_officer()->set_full_name("Cán bộ Mới");
    Fill(request.mutable_officer()->mutable_grants(), grants);
    request.set_password(password);
    return OfOfficer<pb::Officer>("CreateOfficer", request, who);
  }
  absl::StatusOr<pb::Officer> GrantsBy(const auth::Principal& who, const std::string& id,
                                       const std::vector<RoleGrant>& grants, const std::string& etag = "") {
    pb::SetGrantsRequest request;
    request.set_id(id);
    request.set_etag(etag);
    Fill(request.mutable_grants(), grants);
    return OfOfficer<pb::Officer>("SetGrants", request, who);
  }
  absl::StatusOr<pb::Officer> LockBy(const auth::Principal& who, const std::string& id) {
    pb::LockOfficerRequest request;
    request.set_id(id);
    return OfOfficer<pb::Officer>("LockOfficer", request, who);
  }
  absl::StatusOr<pb::Officer> UnlockBy(const auth::Principal& who, const std::string& id) {
    pb::UnlockOfficerRequest request;
    request.set_id(id);
    return OfOfficer<pb::Officer>("UnlockOfficer", request, who);
  }

  std::string admin_id_;
  auth::Principal admin_;
};

TEST_F(OfficerServiceTest, ColleaguesAreActiveAndOfTheAgency) {
  const std::string desk = MakeOfficer("motcua", {kDeskHere, kPoliceDesk});
  const std::string locked = MakeOfficer("khoa", {kDeskHere});
  ASSERT_TRUE(LockBy(admin_, locked).ok());
  pb::ListColleaguesRequest request;
  request.set_agency("ubnd-15865");
  request.set_unit("15865");
  const std::string path = "/dinh.identity.v1.OfficerService/ListColleagues";
  EXPECT_TRUE(absl::IsPermissionDenied(harness_->Call<pb::ListColleaguesResponse>(path, request, admin_).status()));
  const auto found = harness_->Call<pb::ListColleaguesResponse>(path, request, testing::Peer("feedback"));
  ASSERT_TRUE(found.ok()) << found.status();
  std::map<std::string, std::vector<std::string>> roles;
  for (const pb::Colleague& one : found->colleagues()) roles[one.id()] = {one.roles().begin(), one.roles().end()};
  EXPECT_EQ(roles, (std::map<std::string, std::vector<std::string>>{{admin_id_, {"admin"}}, {desk, {"one_stop"}}}));
}

TEST_F(OfficerServiceTest, AnAdministratorAppointsWithinTheOwnAgencyOnly) {
  const auto made = CreateBy(admin_, "canbo.moi", {kDeskHere});
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(made->grants(0).role(), "one_stop");
  EXPECT_GT(made->grants(0).permissions_size(), 0);
  EXPECT_TRUE(LoginByPassword("canbo.moi", "mat-khau-dau-tien-1").ok());

  EXPECT_TRUE(absl::IsPermissionDenied(CreateBy(admin_, "canbo.ca", {kPoliceDesk}).status()));
  EXPECT_TRUE(absl::IsPermissionDenied(CreateBy(admin_, "canbo.ca", {kDeskHere, kPoliceDesk}).status()));
  EXPECT_TRUE(absl::IsPermissionDenied(CreateBy(admin_, "canbo.xa", {{"one_stop", "ubnd-15889", "15889"}}).status()));
  // The right agency in another unit is another place.
  EXPECT_TRUE(absl::IsPermissionDenied(CreateBy(admin_, "canbo.xa", {{"one_stop", "ubnd-15865", "15889"}}).status()));
  EXPECT_EQ(Reason(CreateBy(admin_, "canbo.khac", {}).status()), "INVALID_FIELD");
  EXPECT_EQ(Reason(CreateBy(admin_, "canbo.khac", {{"ghost", "ubnd-15865", "15865"}}).status()), "INVALID_FIELD");
  EXPECT_EQ(Reason(CreateBy(admin_, "canbo.moi", {kDeskHere}).status()), "USERNAME_TAKEN");
  EXPECT_EQ(Reason(CreateBy(admin_, "canbo.khac", {kDeskHere}, "aaaaaaaaaaaaaaaa").status()), "PASSWORD_TOO_WEAK");
}

TEST_F(OfficerServiceTest, OnlyAdministratorsAtAll) {
  MakeOfficer("motcua.thu", {kDeskHere});
  const auth::Principal desk = OfficerCalled("motcua.thu");
  EXPECT_TRUE(absl::IsPermissionDenied(CreateBy(desk, "canbo.moi", {kDeskHere}).status()));
  EXPECT_TRUE(absl::IsPermissionDenied(LockBy(desk, admin_id_).status()));
  EXPECT_TRUE(absl::IsUnauthenticated(LockBy(testing::Anonymous(), admin_id_).status()));
  EXPECT_TRUE(absl::IsPermissionDenied(LockBy(MustBe(LoginByPhone("0900000001")), admin_id_).status()));
}

TEST_F(OfficerServiceTest, ForeignAndAbsentOfficersAreRefusedAlike) {
  const std::string police = MakeOfficer("congan.thu", {kPoliceDesk});
  const absl::Status foreign = LockBy(admin_, police).status();
  EXPECT_TRUE(absl::IsPermissionDenied(foreign));
  EXPECT_EQ(LockBy(admin_, kNobody).status().ToString(), foreign.ToString());
  EXPECT_EQ(GrantsBy(admin_, police, {kDeskHere}).status().ToString(), foreign.ToString());
  EXPECT_EQ(UnlockBy(admin_, police).status().ToString(), foreign.ToString());
  // Whoever also serves elsewhere is out of reach, too.
  const std::string both = MakeOfficer("hai.noi", {kDeskHere, kPoliceDesk});
  EXPECT_EQ(GrantsBy(admin_, both, {kDeskHere}).status().ToString(), foreign.ToString());
}

TEST_F(OfficerServiceTest, ChangedRolesHoldAtTheNextReading) {
  MakeOfficer("motcua.thu", {kDeskHere});
  const auto tokens = LoginByPassword("motcua.thu", kPassword);
  const auth::Principal before = MustBe(*tokens);
  EXPECT_TRUE(before.Has("dossier.accept", "ubnd-15865", "15865"));
  const auto changed = GrantsBy(admin_, before.id, {{"chair", "ubnd-15865", "15865"}});
  ASSERT_TRUE(changed.ok()) << changed.status();
  const auth::Principal after = MustBe(*tokens);
  EXPECT_FALSE(after.Has("dossier.accept", "ubnd-15865", "15865"));
  EXPECT_TRUE(after.Has("dossier.sign", "ubnd-15865", "15865"));
  EXPECT_EQ(Reason(GrantsBy(admin_, before.id, {kDeskHere}, "1").status()), "STALE_ETAG");
  EXPECT_TRUE(GrantsBy(admin_, before.id, {}, changed->etag()).ok());
  EXPECT_TRUE(MustBe(*tokens).grants.empty());
  EXPECT_TRUE(absl::IsPermissionDenied(GrantsBy(admin_, before.id, {kPoliceDesk}).status()));
}

TEST_F(OfficerServiceTest, ALockEndsTheLoginsAndUnlockingDoesNotRevivethem) {
  const std::string id = MakeOfficer("motcua.thu", {kDeskHere});
  const auto tokens = LoginByPassword("motcua.thu", kPassword);
  const auto locked = LockBy(admin_, id);
  ASSERT_TRUE(locked.ok()) << locked.status();
  EXPECT_TRUE(locked->locked());
  EXPECT_EQ(Reason(WhoIs(*tokens).status()), "LOGIN_REVOKED");
  EXPECT_EQ(Reason(Refresh(tokens->refresh_token()).status()), "LOGIN_REVOKED");
  EXPECT_EQ(Reason(LoginByPassword("motcua.thu", kPassword).status()), "LOGIN_FAILED");
  EXPECT_TRUE(LockBy(admin_, id).ok());
  ASSERT_TRUE(UnlockBy(admin_, id).ok());
  EXPECT_EQ(Reason(WhoIs(*tokens).status()), "LOGIN_REVOKED");
  EXPECT_TRUE(LoginByPassword("motcua.thu", kPassword).ok());
}

TEST_F(OfficerServiceTest, NobodyGrantsThemselvesARole) {
  ASSERT_TRUE(CreateBy(admin_, "quantri.hai", {kAdminHere}).ok());
  EXPECT_EQ(Reason(GrantsBy(admin_, admin_id_, {kAdminHere, {"chair", "ubnd-15865", "15865"}}).status()), "OWN_GRANTS");
  EXPECT_TRUE(GrantsBy(admin_, admin_id_, {kAdminHere}).ok());
  EXPECT_TRUE(GrantsBy(admin_, admin_id_, {}).ok());  // laying a role down is one's own business
}

TEST_F(OfficerServiceTest, TheLastAdministratorStays) {
  EXPECT_EQ(Reason(LockBy(admin_, admin_id_).status()), "LAST_ADMIN");
  EXPECT_EQ(Reason(GrantsBy(admin_, admin_id_, {kDeskHere}).status()), "LAST_ADMIN");
  EXPECT_EQ(Reason(GrantsBy(admin_, admin_id_, {}).status()), "LAST_ADMIN");
  EXPECT_TRUE(WhoIs(*LoginByPassword("quantri", kPassword)).ok());
  MakeOfficer("quantri.ca", {kAdminPolice});  // of another agency: does not count
  EXPECT_EQ(Reason(LockBy(admin_, admin_id_).status()), "LAST_ADMIN");
  ASSERT_TRUE(CreateBy(admin_, "quantri.hai", {kAdminHere}).ok());
  EXPECT_TRUE(LockBy(admin_, admin_id_).ok());
}

TEST_F(OfficerServiceTest, ListsTheOfficersOfTheOwnAgencyInPages) {
  MakeOfficer("congan.thu", {kPoliceDesk});
  for (const char* name : {"mot", "hai", "ba.ba"}) {
    ASSERT_TRUE(CreateBy(admin_, std::string("canbo.") + name, {kDeskHere}).ok());
  }
  pb::ListOfficersRequest request;
  request.set_page_size(3);
  const auto first = OfOfficer<pb::ListOfficersResponse>("ListOfficers", request, admin_);
  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_EQ(first->officers_size(), 3);
  EXPECT_EQ(first->officers(0).username(), "quantri");
  request.set_page_token(first->next_page_token());
  const auto second = OfOfficer<pb::ListOfficersResponse>("ListOfficers", request, admin_);
  ASSERT_TRUE(second.ok()) << second.status();
  ASSERT_EQ(second->officers_size(), 1);
  EXPECT_EQ(second->officers(0).username(), "canbo.ba.ba");
  EXPECT_EQ(second->next_page_token(), "");
}

}  // namespace
}  // namespace dinh::identity
