// What must be refused and what must be allowed, written by hand from the rules of the office (who works where, whose
// dossier it is), never from the proto: the generated matrix compares the proto with itself, these rows do not.
#pragma once

#include <string>
#include <vector>

namespace dinh::testing {

struct AccessRow {
  // Blank-separated names of the cast.
  const char* who;
  const char* method;
  // Names in braces are resources of the cast.
  const char* path;
  // JSON; "" for none, "file" for an upload, "piece" for some of its bytes.
  const char* body;
  int expected;
  // The refusal needs more than the rule of access: the step's role, who owns the login, a signature.
  bool by_handler = false;
};

inline const std::vector<AccessRow>& AccessRows() {
  static const std::vector<AccessRow> rows = {
      // Reading a dossier and what hangs on it: the filer and the agency in charge, nobody else.
      {"citizen_a desk specialist chair vice_chair", "GET", "/v1/dossiers/{dossier}", "", 200},
      {"anonymous", "GET", "/v1/dossiers/{dossier}", "", 401},
      {"citizen_b", "GET", "/v1/dossiers/{dossier}", "", 403},
      {"police police_chief elsewhere", "GET", "/v1/dossiers/{dossier}", "", 403},
      {"accountant admin", "GET", "/v1/dossiers/{dossier}", "", 403},
      {"citizen_a desk", "GET", "/v1/dossiers/{dossier}/receipt", "", 200},
      {"anonymous", "GET", "/v1/dossiers/{dossier}/receipt", "", 401},
      {"citizen_b police elsewhere accountant admin", "GET", "/v1/dossiers/{dossier}/receipt", "", 403},
      {"anonymous", "GET", "/v1/dossiers/{dossier}/events", "", 401},
      {"citizen_b police elsewhere accountant admin", "GET", "/v1/dossiers/{dossier}/events", "", 403},
      {"citizen_a desk specialist", "GET", "/v1/attachments/{attachment}", "", 200},
      {"anonymous", "GET", "/v1/attachments/{attachment}", "", 401},
      {"citizen_b police elsewhere accountant admin", "GET", "/v1/attachments/{attachment}", "", 403},
      {"citizen_a police police_chief", "GET", "/v1/dossiers/{police_dossier}", "", 200},
      {"citizen_b desk specialist chair elsewhere", "GET", "/v1/dossiers/{police_dossier}", "", 403},
      {"citizen_a desk police elsewhere", "GET", "/v1/dossiers", "", 200},
      {"anonymous", "GET", "/v1/dossiers", "", 401},
      {"accountant admin", "GET", "/v1/dossiers", "", 403},

      // Filing.
      {"anonymous", "POST", "/v1/dossiers", R"({"procedure":"1.004873"})", 401},
      {"specialist chair vice_chair accountant admin police_chief", "POST", "/v1/dossiers",
       R"({"procedure":"1.004873"})", 403},
      {"anonymous", "POST", "/v1/attachments", "file", 401},
      {"chair vice_chair accountant admin police_chief", "POST", "/v1/attachments", "file", 403},
      {"anonymous", "POST", "/v1/uploads", R"({"file_name":"a.pdf","size_bytes":9})", 401},
      {"chair vice_chair accountant admin police_chief", "POST", "/v1/uploads",
       R"({"file_name":"a.pdf","size_bytes":9})", 403},
      {"citizen_a", "GET", "/v1/uploads/{upload}", "", 200},
      {"anonymous", "GET", "/v1/uploads/{upload}", "", 401},
      {"chair vice_chair accountant admin police_chief", "GET", "/v1/uploads/{upload}", "", 403},
      {"citizen_b desk specialist police elsewhere", "GET", "/v1/uploads/{upload}", "", 403, true},
      {"anonymous", "PATCH", "/v1/uploads/{upload}", "piece", 401},
      {"chair vice_chair accountant admin police_chief", "PATCH", "/v1/uploads/{upload}", "piece", 403},
      {"citizen_b desk specialist police elsewhere", "PATCH", "/v1/uploads/{upload}", "piece", 403, true},
      {"anonymous", "POST", "/v1/dossiers/{new}:withdraw", "{}", 401},
      {"citizen_b desk police chair admin", "POST", "/v1/dossiers/{new}:withdraw", "{}", 403},
      {"anonymous", "POST", "/v1/dossiers/{new}:supply", "{}", 401},
      {"citizen_b desk elsewhere", "POST", "/v1/dossiers/{new}:supply", "{}", 403},
      {"anonymous", "POST", "/v1/dossiers/{dossier}:rate", R"({"stars":5})", 401},
      {"citizen_b desk chair", "POST", "/v1/dossiers/{dossier}:rate", R"({"stars":5})", 403},

      // The desk accepts and gives out, the specialist processes, the chair signs: each only that, each only here.
      {"anonymous", "POST", "/v1/dossiers/{new}:accept", "{}", 401},
      {"citizen_a citizen_b", "POST", "/v1/dossiers/{new}:accept", "{}", 403},
      {"specialist chair vice_chair accountant admin", "POST", "/v1/dossiers/{new}:accept", "{}", 403},
      {"police police_chief elsewhere", "POST", "/v1/dossiers/{new}:accept", "{}", 403},
      {"desk", "POST", "/v1/dossiers/{police_dossier}:accept", "{}", 403},
      {"anonymous", "POST", "/v1/dossiers/{new}:reject", R"({"reason":"Thiếu giấy tờ"})", 401},
      {"citizen_a specialist chair accountant admin police elsewhere", "POST", "/v1/dossiers/{new}:reject",
       R"({"reason":"Thiếu giấy tờ"})", 403},
      {"anonymous", "POST", "/v1/dossiers/{dossier}:requestSupplement", R"({"reason":"Thiếu giấy tờ"})", 401},
      {"citizen_a chair accountant admin police elsewhere", "POST", "/v1/dossiers/{dossier}:requestSupplement",
       R"({"reason":"Thiếu giấy tờ"})", 403},
      {"anonymous", "POST", "/v1/dossiers/{dossier}:forward", "{}", 401},
      {"citizen_a citizen_b chair accountant admin police elsewhere", "POST", "/v1/dossiers/{dossier}:forward", "{}",
       403},
      {"anonymous", "POST", "/v1/dossiers/{dossier}:sign", "{}", 401},
      {"citizen_a desk specialist accountant admin", "POST", "/v1/dossiers/{dossier}:sign", "{}", 403},
      {"police police_chief elsewhere", "POST", "/v1/dossiers/{dossier}:sign", "{}", 403},
      {"anonymous", "POST", "/v1/dossiers/{dossier}:sendBack", R"({"reason":"Cần sửa lại"})", 401},
      {"citizen_a desk specialist accountant admin police_chief elsewhere", "POST", "/v1/dossiers/{dossier}:sendBack",
       R"({"reason":"Cần sửa lại"})", 403},
      {"anonymous", "POST", "/v1/dossiers/{dossier}:return", "{}", 401},
      {"citizen_a specialist chair accountant admin police elsewhere", "POST", "/v1/dossiers/{dossier}:return", "{}",
       403},
      {"anonymous", "POST", "/v1/dossiers/{dossier}:stop", R"({"reason":"Dừng để thử"})", 401},
      {"citizen_a desk accountant admin police police_chief elsewhere", "POST", "/v1/dossiers/{dossier}:stop",
       R"({"reason":"Dừng để thử"})", 403},

      // Money: who pays and who collects see a charge; suspense is the accountant's.
      {"citizen_a desk accountant", "GET", "/v1/charges/{charge}", "", 200},
      {"anonymous", "GET", "/v1/charges/{charge}", "", 401},
      {"citizen_b specialist chair admin police elsewhere", "GET", "/v1/charges/{charge}", "", 403},
      {"anonymous", "GET", "/v1/charges/{charge}/qr", "", 401},
      {"citizen_b specialist chair admin police elsewhere", "GET", "/v1/charges/{charge}/qr", "", 403},
      {"citizen_a citizen_b desk accountant", "GET", "/v1/charges", "", 200},
      {"anonymous", "GET", "/v1/charges", "", 401},
      {"specialist chair admin", "GET", "/v1/charges", "", 403},
      {"accountant", "GET", "/v1/suspense", "", 200},
      {"anonymous", "GET", "/v1/suspense", "", 401},
      {"citizen_a desk specialist chair admin police elsewhere", "GET", "/v1/suspense", "", 403},
      {"anonymous", "POST", "/v1/suspense/{suspense}:resolve", R"({"refund":true})", 401},
      {"citizen_a desk specialist chair admin police elsewhere", "POST", "/v1/suspense/{suspense}:resolve",
       R"({"refund":true})", 403},
      {"accountant", "POST", "/v1/suspense/{suspense_elsewhere}:resolve", R"({"refund":true})", 403},
      {"anonymous", "POST", "/v1/bank/notifications", R"({"transaction_id":"x"})", 401, true},
      {"citizen_a desk accountant", "POST", "/v1/bank/notifications", R"({"transaction_id":"x"})", 403},

      // Persons.
      {"citizen_a desk admin", "GET", "/v1/me", "", 200},
      {"anonymous", "GET", "/v1/me", "", 401},
      {"anonymous", "GET", "/v1/me/logins", "", 401},
      {"anonymous", "POST", "/v1/me/logins/{login_a}:end", "{}", 401},
      {"citizen_b desk admin", "POST", "/v1/me/logins/{login_a}:end", "{}", 403, true},
      {"anonymous", "POST", "/v1/me/persons", R"({"full_name":"Người Lạ"})", 401},
      {"desk admin police", "POST", "/v1/me/persons", R"({"full_name":"Người Lạ"})", 403},
      {"anonymous", "PATCH", "/v1/me/persons/{person_a}", R"({"full_name":"Người Lạ","etag":"1"})", 401},
      {"citizen_b desk", "PATCH", "/v1/me/persons/{person_a}", R"({"full_name":"Người Lạ","etag":"1"})", 403},
      {"anonymous", "POST", "/v1/me/persons/{person_a}:select", "{}", 401},
      {"citizen_b desk", "POST", "/v1/me/persons/{person_a}:select", "{}", 403},
      {"anonymous", "GET", "/v1/me/accesses", "", 401},
      {"desk admin police", "GET", "/v1/me/accesses", "", 403},
      {"anonymous", "POST", "/v1/me/organisations", R"({"name":"Hợp tác xã Thử","tax_code":"0100109106"})", 401},
      {"desk admin", "POST", "/v1/me/organisations", R"({"name":"Hợp tác xã Thử","tax_code":"0100109106"})", 403},
      {"anonymous", "POST", "/v1/persons", R"({"full_name":"Người Không Máy"})", 401},
      {"citizen_a specialist chair accountant admin police_chief", "POST", "/v1/persons",
       R"({"full_name":"Người Không Máy"})", 403},
      {"anonymous", "POST", "/v1/persons/{person_a}:verify", R"({"personal_number":"038190000001"})", 401},
      {"citizen_a specialist chair accountant admin elsewhere", "POST", "/v1/persons/{person_a}:verify",
       R"({"personal_number":"038190000001"})", 403},

      // Officers and their roles.
      {"admin", "GET", "/v1/officers", "", 200},
      {"anonymous", "GET", "/v1/officers", "", 401},
      {"citizen_a desk specialist chair accountant police", "GET", "/v1/officers", "", 403},
      {"anonymous", "POST", "/v1/officers", R"({"officer":{},"password":""})", 401},
      {"citizen_a desk specialist chair accountant police elsewhere", "POST", "/v1/officers",
       R"({"officer":{},"password":""})", 403},
      {"admin", "POST", "/v1/officers",
       R"({"officer":{"username":"ke.xam.nhap","full_name":"Cán bộ Nơi Khác","grants":[{"role":"admin","agency":"ubnd-15889","unit":"15889"}]},"password":"mot-mat-khau-du-dai"})",
       403},
      {"anonymous", "POST", "/v1/officers/{officer}:setGrants", "{}", 401},
      {"citizen_a desk specialist chair accountant police elsewhere", "POST", "/v1/officers/{officer}:setGrants", "{}",
       403},
      {"admin", "POST", "/v1/officers/{officer_elsewhere}:setGrants", "{}", 403},
      {"anonymous", "POST", "/v1/officers/{officer}:lock", "{}", 401},
      {"citizen_a desk specialist chair accountant police elsewhere", "POST", "/v1/officers/{officer}:lock", "{}", 403},
      {"admin", "POST", "/v1/officers/{officer_elsewhere}:lock", "{}", 403},
      {"anonymous", "POST", "/v1/officers/{officer}:unlock", "{}", 401},
      {"citizen_a desk specialist chair accountant police elsewhere", "POST", "/v1/officers/{officer}:unlock", "{}",
       403},
      {"admin", "POST", "/v1/officers/{officer_elsewhere}:unlock", "{}", 403},
      {"anonymous", "POST", "/v1/auth:logout", "{}", 401},
      {"anonymous", "POST", "/v1/auth/password:change",
       R"({"old_password":"x","new_password":"mot-mat-khau-khac-du-dai"})", 401},
      {"citizen_a", "POST", "/v1/auth/password:change",
       R"({"old_password":"x","new_password":"mot-mat-khau-khac-du-dai"})", 403},

      // Public.
      {"anonymous citizen_b police", "GET", "/v1/units/15865", "", 200},
      {"anonymous citizen_b police", "GET", "/v1/procedures/2.000635", "", 200},
      {"anonymous citizen_b elsewhere", "GET", "/v1/track/{track}", "", 200},
  };
  return rows;
}

}  // namespace dinh::testing
