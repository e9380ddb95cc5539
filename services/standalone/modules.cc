#include "services/standalone/modules.h"

#include "services/feedback/module.h"
#include "services/identity/module.h"
#include "services/payments/module.h"
#include "services/procedures/module.h"
#include "services/territory/module.h"

namespace dinh::standalone {

std::vector<std::unique_ptr<app::ServiceModule>> MakeServices() {
  std::vector<std::unique_ptr<app::ServiceModule>> modules;
  modules.push_back(territory::MakeTerritoryModule());
  modules.push_back(identity::MakeIdentityModule());
  modules.push_back(payments::MakePaymentsModule());
  modules.push_back(procedures::MakeProceduresModule());
  modules.push_back(feedback::MakeFeedbackModule());
  return modules;
}

}  // namespace dinh::standalone
