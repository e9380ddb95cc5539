// `paymentsd`: the payments service in a process of its own.
#include "libs/app/service_process.h"
#include "services/payments/module.h"

int main(int argc, char** argv) {
  return dinh::app::RunService(argc, argv, "paymentsd", "Đình: dịch vụ thanh toán", dinh::payments::MakePaymentsModule);
}
