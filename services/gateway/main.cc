// `gatewayd`: the gateway service in a process of its own.
#include "libs/app/service_process.h"
#include "services/gateway/module.h"

int main(int argc, char** argv) {
  return dinh::app::RunService(argc, argv, "gatewayd", "Đình: dịch vụ cổng HTTP", dinh::gateway::MakeGatewayModule);
}
