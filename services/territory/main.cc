// `territoryd`: the territory service in a process of its own.
#include "libs/app/service_process.h"
#include "services/territory/module.h"

int main(int argc, char** argv) {
  return dinh::app::RunService(argc, argv, "territoryd", "Đình: dịch vụ địa bàn", dinh::territory::MakeTerritoryModule);
}
