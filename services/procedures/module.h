// procedures: the catalogue of administrative procedures, and dossiers from filing to the result.
#pragma once

#include <memory>

#include "libs/app/service_module.h"

namespace dinh::procedures {

std::unique_ptr<app::ServiceModule> MakeProceduresModule();

}  // namespace dinh::procedures
