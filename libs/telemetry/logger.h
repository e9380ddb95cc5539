// One JSON object a line: {"ts":"2026-02-13T08:01:02.345678Z","level":"info","service":"identity","event":"call",…}.
//
//   logger.Info("call", {{"method", method}, {"code", "OK"}, {"ms", 1.25}});
//
// Never log personal data, tokens, codes or bodies: what identifies a person here is the principal's opaque id.
// Passed by reference; there is no global logger. Thread safety: all methods.
#pragma once

#include <concepts>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "absl/status/statusor.h"
#include "libs/base/clock.h"

namespace dinh::telemetry {

enum class Level { kDebug, kInfo, kWarn, kError };

// "debug", "info", "warn", "error"; nullopt for anything else.
std::optional<Level> ParseLevel(std::string_view name);
std::string_view LevelName(Level level);

inline constexpr size_t kLogValueBytesMax = 4096;  // a longer text is cut and ends in "…"

// A name and a value. Texts are referred to, not copied: a Field lives no longer than the call it is made for.
struct Field {
  using Value = std::variant<std::string_view, int64_t, uint64_t, double, bool>;

  Field(std::string_view key, std::string_view value) : key(key), value(value) {}
  Field(std::string_view key, const char* value) : key(key), value(std::string_view(value)) {}
  Field(std::string_view key, const std::string& value) : key(key), value(std::string_view(value)) {}
  Field(std::string_view key, bool value) : key(key), value(value) {}
  template <std::floating_point T>
  Field(std::string_view key, T value) : key(key), value(static_cast<double>(value)) {}
  template <std::signed_integral T>
  Field(std::string_view key, T value) : key(key), value(static_cast<int64_t>(value)) {}
  template <std::unsigned_integral T>
    requires(!std::same_as<T, bool>)
  Field(std::string_view key, T value) : key(key), value(static_cast<uint64_t>(value)) {}

  std::string_view key;
  Value value;
};

class Logger {
 public:
  // Receives each finished line, without its end, one at a time.
  using Writer = std::function<void(std::string_view line)>;

  // Appends to `file`, or writes to standard error when it is empty. `service` stands in every line.
  // FAILED_PRECONDITION (reason LOG_FILE_UNWRITABLE).
  static absl::StatusOr<std::unique_ptr<Logger>> Open(const base::Clock& clock, std::string_view service,
                                                      const std::string& file, Level level);
  // For tests, and for whoever wants the lines elsewhere.
  Logger(const base::Clock& clock, std::string_view service, Level level, Writer writer);
  ~Logger();
  Logger(const Logger&) = delete;
  Logger& operator=(const Logger&) = delete;

  // `event` is a short constant name ("call", "started"), so that lines can be grouped.
  void Log(Level level, std::string_view event, std::initializer_list<Field> fields = {}) const;
  void Debug(std::string_view event, std::initializer_list<Field> fields = {}) const {
    Log(Level::kDebug, event, fields);
  }
  void Info(std::string_view event, std::initializer_list<Field> fields = {}) const {
    Log(Level::kInfo, event, fields);
  }
  void Warn(std::string_view event, std::initializer_list<Field> fields = {}) const {
    Log(Level::kWarn, event, fields);
  }
  void Error(std::string_view event, std::initializer_list<Field> fields = {}) const {
    Log(Level::kError, event, fields);
  }

  bool Enabled(Level level) const;
  Level level() const;
  void SetLevel(Level level);  // takes effect at once, in all threads

 private:
  struct Backend;  // spdlog stays out of this header
  Logger(const base::Clock& clock, std::string_view service, std::unique_ptr<Backend> backend);

  const base::Clock& clock_;
  const std::string service_;
  const std::unique_ptr<Backend> backend_;
};

}  // namespace dinh::telemetry
