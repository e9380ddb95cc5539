// Between google.protobuf.Struct, as forms travel, and the flat values that the form's rules know.
#pragma once

#include "absl/status/statusor.h"
#include "google/protobuf/struct.pb.h"
#include "services/procedures/domain/form.h"

namespace dinh::procedures {

// Numbers without a fraction become integers, booleans "true"/"false", objects are flattened by dots, nulls left out.
// INVALID_ARGUMENT for lists and for more than kFormFieldsMax values.
absl::StatusOr<Values> FlattenForm(const google::protobuf::Struct& form);

// Integers as numbers, booleans as booleans, the rest as text. `values` must have passed the form's Check.
google::protobuf::Struct ToStruct(const FormDefinition& definition, const Values& values);

}  // namespace dinh::procedures
