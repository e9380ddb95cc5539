// payments: charges, VietQR, the banks' notifications, the ledger.
#pragma once

#include <memory>

#include "libs/app/service_module.h"

namespace dinh::payments {

std::unique_ptr<app::ServiceModule> MakePaymentsModule();

}  // namespace dinh::payments
