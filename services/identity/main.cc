// `identityd`: the identity service in a process of its own.
#include "libs/app/service_process.h"
#include "services/identity/module.h"

int main(int argc, char** argv) {
  return dinh::app::RunService(argc, argv, "identityd", "Đình: dịch vụ danh tính", dinh::identity::MakeIdentityModule);
}
