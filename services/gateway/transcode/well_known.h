// Well-known types that are one string in JSON: Timestamp, Duration, FieldMask.
#pragma once

#include <string_view>

#include "google/protobuf/message.h"
#include "libs/base/status.h"
#include "services/gateway/transcode/plan.h"

namespace dinh::gateway::transcode {

// false: `text` has not the form the type needs, or the type is not one of the three.
bool SetWellKnownText(const MessagePlan& plan, std::string_view text, Message* message);

// What the type needs, for the reader of an error.
base::Text WellKnownExpectation(const MessagePlan& plan);

}  // namespace dinh::gateway::transcode
