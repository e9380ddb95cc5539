// Internal to libs/db.
#pragma once

#include "libs/base/op_context.h"

namespace dinh::db {

// Marks the operation as inside a transaction for its scope.
class InTransaction {
 public:
  explicit InTransaction(base::OpContext& ctx) : ctx_(ctx) { ctx_.in_transaction = true; }
  ~InTransaction() { ctx_.in_transaction = false; }
  InTransaction(const InTransaction&) = delete;
  InTransaction& operator=(const InTransaction&) = delete;

 private:
  base::OpContext& ctx_;
};

}  // namespace dinh::db
