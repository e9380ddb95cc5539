// `proceduresd`: the procedures service in a process of its own.
#include "libs/app/service_process.h"
#include "services/procedures/module.h"

int main(int argc, char** argv) {
  return dinh::app::RunService(argc, argv, "proceduresd", "Đình: dịch vụ thủ tục hành chính",
                               dinh::procedures::MakeProceduresModule);
}
