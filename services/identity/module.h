// identity: logins, persons, organisations, officers and their roles; who may do what today.
#pragma once

#include <memory>

#include "libs/app/service_module.h"

namespace dinh::identity {

std::unique_ptr<app::ServiceModule> MakeIdentityModule();

}  // namespace dinh::identity
