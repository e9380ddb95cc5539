#include "tests/cluster_faults/history.h"

#include <algorithm>
#include <set>

namespace dinh::testing {
namespace {

// Operations of one object, in order of their beginning.
using Course = std::vector<const Operation*>;

std::string Line(const Operation& op) {
  return std::to_string(op.begin_us / 1000) + "–" + std::to_string(op.end_us / 1000) + " ms  " + op.client + "  " +
         (op.effect.empty() ? "read" : op.effect) + (op.acknowledged ? "  acknowledged" : "  never answered") +
         ", attempts " + std::to_string(op.attempts) + (op.id.empty() ? "" : ", " + op.id) +
         (op.revision == 0 ? "" : ", r" + std::to_string(op.revision)) +
         (op.transaction.empty() ? "" : ", bank " + op.transaction) + (op.answer.empty() ? "" : ", " + op.answer);
}

class Checker {
 public:
  Checker(const std::vector<Operation>& history, const FinalState& final_state) : final_(final_state) {
    for (const Operation& op : history) courses_[op.object].push_back(&op);
    for (auto& [object, course] : courses_) {
      std::stable_sort(course.begin(), course.end(),
                       [](const Operation* a, const Operation* b) { return a->begin_us < b->begin_us; });
    }
  }

  std::vector<Violation> Run() {
    for (const std::string& problem : final_.problems) violations_.push_back({problem, "", {}});
    for (const auto& [object, course] : courses_) {
      const std::string id = CheckId(object, course);
      CheckStored(object, course, id);
      CheckReads(object, course);
      CheckPayments(object, course);
    }
    CheckStrangers();
    return std::move(violations_);
  }

 private:
  void Found(const std::string& object, const std::string& text) {
    Violation violation{text, object, {}};
    for (const Operation* op : courses_[object]) violation.history.push_back(Line(*op));
    violations_.push_back(std::move(violation));
  }

  // One object has one code for ever, and nobody else has it.
  std::string CheckId(const std::string& object, const Course& course) {
    std::set<std::string> ids;
    for (const Operation* op : course) {
      if (op->acknowledged && !op->id.empty()) ids.insert(op->id);
    }
    if (ids.empty()) return "";
    if (ids.size() > 1) Found(object, "one key was answered with " + std::to_string(ids.size()) + " codes");
    for (const std::string& id : ids) {
      const auto [owner, fresh] = owners_.emplace(id, object);
      if (!fresh && owner->second != object) Found(object, id + " was given twice, also to " + owner->second);
    }
    return *ids.begin();
  }

  void CheckStored(const std::string& object, const Course& course, const std::string& id) {
    std::map<std::string, int> acknowledged, attempted;
    int64_t newest = 0;
    for (const Operation* op : course) {
      if (op->acknowledged) newest = std::max(newest, op->revision);
      if (op->effect.empty()) continue;
      acknowledged[op->effect] += op->acknowledged ? 1 : 0;
      ++attempted[op->effect];
    }
    if (id.empty()) {
      unanswered_ += attempted.empty() ? 0 : 1;
      return;
    }
    const auto stored = final_.objects.find(id);
    if (stored == final_.objects.end()) return Found(object, id + " was acknowledged and is lost");
    if (stored->second.revision < newest) {
      Found(object, "r" + std::to_string(newest) + " was seen, r" + std::to_string(stored->second.revision) +
                        " is what is left");
    }
    const auto times = [&](const std::string& effect) {
      const auto found = stored->second.effects.find(effect);
      return found == stored->second.effects.end() ? 0 : found->second;
    };
    for (const auto& [effect, tried] : attempted) {
      if (times(effect) < acknowledged[effect]) Found(object, effect + " was acknowledged and is lost");
      if (times(effect) > tried) Found(object, effect + " happened " + std::to_string(times(effect)) + " times");
    }
    // What the platform does by itself, such as going on after the payment, it does once.
    for (const auto& [effect, count] : stored->second.effects) {
      if (!attempted.contains(effect) && count > 1) {
        Found(object, effect + " happened " + std::to_string(count) + " times");
      }
    }
  }

  void CheckReads(const std::string& object, const Course& course) {
    for (const Operation* read : course) {
      if (!read->acknowledged || !read->effect.empty()) continue;
      for (const Operation* earlier : course) {
        if (!earlier->acknowledged || earlier->end_us > read->begin_us || earlier->revision <= read->revision) continue;
        Found(object, read->client + " read r" + std::to_string(read->revision) + " after " +
                          (earlier->client == read->client ? "its own r" : earlier->client + "'s r") +
                          std::to_string(earlier->revision) + " had been answered");
        break;
      }
    }
  }

  void CheckPayments(const std::string& object, const Course& course) {
    for (const Operation* op : course) {
      if (op->transaction.empty()) continue;
      const auto found = final_.payments.find(op->transaction);
      const StoredPayment none;
      const StoredPayment& stored = found == final_.payments.end() ? none : found->second;
      if (stored.credits > 1)
        Found(object, op->transaction + " was booked " + std::to_string(stored.credits) + " times");
      if (stored.credits == 1 && stored.settled_vnd != stored.credit_vnd) {
        Found(object, op->transaction + " over " + std::to_string(stored.credit_vnd) + " moved " +
                          std::to_string(stored.settled_vnd));
      }
      if (!op->acknowledged) continue;
      if (stored.credits == 0) Found(object, op->transaction + " was acknowledged and is not booked");
      if (stored.credits == 1 && !stored.charge_paid) Found(object, op->transaction + " did not pay its charge");
    }
  }

  // Stored, but never told to anybody: at most what was asked for and never answered.
  void CheckStrangers() {
    int strangers = 0;
    std::string some;
    for (const auto& [id, stored] : final_.objects) {
      if (owners_.contains(id)) continue;
      ++strangers;
      some += " " + id;
    }
    if (strangers > unanswered_) {
      violations_.push_back({std::to_string(strangers) + " objects belong to no answered request, " +
                                 std::to_string(unanswered_) + " requests were not answered:" + some.substr(0, 400),
                             "",
                             {}});
    }
  }

  const FinalState& final_;
  std::map<std::string, Course> courses_;
  std::map<std::string, std::string> owners_;  // code → object
  int unanswered_ = 0;
  std::vector<Violation> violations_;
};

}  // namespace

void Recorder::Add(Operation operation) {
  std::lock_guard lock(mutex_);
  operations_.push_back(std::move(operation));
}

std::vector<Operation> Recorder::all() const {
  std::lock_guard lock(mutex_);
  return operations_;
}

size_t Recorder::size() const {
  std::lock_guard lock(mutex_);
  return operations_.size();
}

std::vector<Violation> Check(const std::vector<Operation>& history, const FinalState& final_state) {
  return Checker(history, final_state).Run();
}

std::string Format(const Violation& violation) {
  std::string text = violation.object + (violation.object.empty() ? "" : ": ") + violation.text + "\n";
  for (const std::string& line : violation.history) text += "    " + line + "\n";
  return text;
}

}  // namespace dinh::testing
