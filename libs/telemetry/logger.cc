#include "libs/telemetry/logger.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <charconv>
#include <cmath>
#include <cstdio>
#include <utility>

#include "libs/base/civil.h"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/telemetry/config.h"

namespace dinh::telemetry {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::string_view kEllipsis = "…";

// The length of the valid UTF-8 sequence at the start of `text`, 0 when there is none.
size_t SequenceLength(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const size_t size = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  return size <= text.size() && base::IsValidUtf8(text.substr(0, size)) ? size : 0;
}

void AppendEscaped(std::string& out, unsigned char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  if (c >= 0x20 && c != 0x7F) {
    out.push_back(static_cast<char>(c));
    return;
  }
  char buffer[8];
  std::snprintf(buffer, sizeof(buffer), "\\u%04x", c);
  out += buffer;
}

void AppendString(std::string& out, std::string_view text) {
  const size_t end = out.size() + kLogValueBytesMax;
  out.push_back('"');
  while (!text.empty()) {
    if (out.size() > end) {
      out += kEllipsis;
      break;
    }
    const size_t size = SequenceLength(text);
    if (size == 0) {
      out += kReplacement;
    } else if (size == 1) {
      AppendEscaped(out, static_cast<unsigned char>(text[0]));
    } else {
      out.append(text.substr(0, size));
    }
    text.remove_prefix(size == 0 ? 1 : size);
  }
  out.push_back('"');
}

struct ValueAppender {
  std::string& out;
  void operator()(std::string_view value) const { AppendString(out, value); }
  void operator()(bool value) const { out += value ? "true" : "false"; }
  void operator()(double value) const {
    if (!std::isfinite(value)) {
      out += "null";  // JSON has no infinity
      return;
    }
    Number(value);
  }
  void operator()(int64_t value) const { Number(value); }
  void operator()(uint64_t value) const { Number(value); }

 private:
  template <typename T>
  void Number(T value) const {
    char buffer[32];
    out.append(buffer, std::to_chars(buffer, buffer + sizeof(buffer), value).ptr);
  }
};

void AppendTimestamp(std::string& out, base::Micros now) {
  const base::Micros day = 86'400 * base::kMicrosPerSecond;
  const base::Micros in_day = (now % day + day) % day;
  const base::CivilDate date = base::CivilFromDays((now - in_day) / day);
  const auto seconds = static_cast<int>(in_day / base::kMicrosPerSecond);
  char buffer[32];
  std::snprintf(buffer, sizeof(buffer), "T%02d:%02d:%02d.%06dZ", seconds / 3'600, seconds / 60 % 60, seconds % 60,
                static_cast<int>(in_day % base::kMicrosPerSecond));
  out += base::FormatDate(date) + buffer;
}

class WriterSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit WriterSink(Logger::Writer writer) : writer_(std::move(writer)) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    writer_(std::string_view(message.payload.data(), message.payload.size()));
  }
  void flush_() override {}

  Logger::Writer writer_;
};

spdlog::level::level_enum ToSpdlog(Level level) {
  switch (level) {
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarn:
      return spdlog::level::warn;
    case Level::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

}  // namespace

struct Logger::Backend {
  Backend(spdlog::sink_ptr sink, Level level) : log("", std::move(sink)) {
    log.set_formatter(std::make_unique<spdlog::pattern_formatter>("%v", spdlog::pattern_time_type::utc, "\n"));
    log.set_level(ToSpdlog(level));
    // A line that was logged is there when the process dies in the next moment.
    log.flush_on(spdlog::level::trace);
  }
  spdlog::logger log;
};

std::optional<Level> ParseLevel(std::string_view name) {
  for (const Level level : {Level::kDebug, Level::kInfo, Level::kWarn, Level::kError}) {
    if (name == LevelName(level)) return level;
  }
  return std::nullopt;
}

std::string_view LevelName(Level level) {
  switch (level) {
    case Level::kDebug:
      return "debug";
    case Level::kInfo:
      return "info";
    case Level::kWarn:
      return "warn";
    case Level::kError:
      return "error";
  }
  return "info";
}

absl::StatusOr<std::unique_ptr<Logger>> Logger::Open(const base::Clock& clock, std::string_view service,
                                                     const std::string& file, Level level) {
  spdlog::sink_ptr sink;
  try {
    if (file.empty()) {
      sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    } else {
      sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(file);
    }
  } catch (const spdlog::spdlog_ex&) {
    return base::FailedPrecondition("LOG_FILE_UNWRITABLE",
                                    {"Không ghi được tệp nhật ký " + file + ". Hãy kiểm tra thư mục và quyền ghi.",
                                     "The log file " + file + " cannot be written. Check its folder and permissions."},
                                    {{"file", file}});
  }
  return std::unique_ptr<Logger>(new Logger(clock, service, std::make_unique<Backend>(std::move(sink), level)));
}

absl::StatusOr<std::unique_ptr<Logger>> OpenLogger(const base::Clock& clock, std::string_view service,
                                                   const LogConfig& config) {
  const std::optional<Level> level = ParseLevel(config.level);
  if (!level.has_value()) {
    return base::InvalidField(
        "log.level", {"Hãy ghi debug, info, warn hoặc error.", "Write debug, info, warn or error."}, "INVALID_CONFIG");
  }
  return Logger::Open(clock, service, config.file, *level);
}

Logger::Logger(const base::Clock& clock, std::string_view service, Level level, Writer writer)
    : Logger(clock, service, std::make_unique<Backend>(std::make_shared<WriterSink>(std::move(writer)), level)) {}

Logger::Logger(const base::Clock& clock, std::string_view service, std::unique_ptr<Backend> backend)
    : clock_(clock), service_(service), backend_(std::move(backend)) {}

Logger::~Logger() = default;

void Logger::Log(Level level, std::string_view event, std::initializer_list<Field> fields) const {
  if (!Enabled(level)) return;
  std::string line;
  line.reserve(256);
  line += "{\"ts\":\"";
  AppendTimestamp(line, clock_.Now());
  line += "\",\"level\":\"";
  line += LevelName(level);
  line += "\",\"service\":";
  AppendString(line, service_);
  line += ",\"event\":";
  AppendString(line, event);
  for (const Field& field : fields) {
    line.push_back(',');
    AppendString(line, field.key);
    line.push_back(':');
    std::visit(ValueAppender{line}, field.value);
  }
  line.push_back('}');
  backend_->log.log(ToSpdlog(level), spdlog::string_view_t(line.data(), line.size()));
}

bool Logger::Enabled(Level level) const { return backend_->log.should_log(ToSpdlog(level)); }

Level Logger::level() const {
  for (const Level level : {Level::kDebug, Level::kInfo, Level::kWarn}) {
    if (Enabled(level)) return level;
  }
  return Level::kError;
}

void Logger::SetLevel(Level level) { backend_->log.set_level(ToSpdlog(level)); }

}  // namespace dinh::telemetry
