// feedback: reports of citizens, from the phone to the office and onto the public board.
#pragma once

#include <memory>

#include "libs/app/service_module.h"
#include "services/feedback/photo/processor.h"

namespace dinh::feedback {

std::unique_ptr<app::ServiceModule> MakeFeedbackModule();
// With photos looked at by `photos` instead of the program: for tests.
std::unique_ptr<app::ServiceModule> MakeFeedbackModule(std::unique_ptr<PhotoProcessor> photos);

}  // namespace dinh::feedback
