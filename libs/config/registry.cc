#include "libs/config/registry.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <limits>
#include <numeric>

#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/config/file.h"
#include "libs/config/value.h"

namespace dinh::config {
namespace {

constexpr std::string_view kPrefix = "DINH_";
constexpr std::string_view kFileVariable = "DINH_CONFIG";

std::string Replaced(std::string_view text, char from, char to) {
  std::string out(text);
  std::replace(out.begin(), out.end(), from, to);
  return out;
}

std::string AsciiUpper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return out;
}

bool IsName(std::string_view text) {
  return !text.empty() && text[0] >= 'a' && text[0] <= 'z' && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

// Levenshtein's distance.
size_t Distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

std::string Nearest(std::string_view name, const std::vector<std::string>& known) {
  const auto best = std::min_element(known.begin(), known.end(), [&](const std::string& a, const std::string& b) {
    return Distance(name, a) < Distance(name, b);
  });
  return best == known.end() ? std::string() : *best;
}

// Kubernetes gives every pod variables about the services beside it (DINH_IDENTITY_SERVICE_HOST and the like, for a
// service named dinh-identity). They are not ours and must not stop a start.
bool IsServiceLink(std::string_view variable, std::string_view value) {
  return variable.ends_with("_SERVICE_HOST") || variable.ends_with("_SERVICE_PORT") ||
         variable.find("_SERVICE_PORT_") != std::string_view::npos ||
         (variable.find("_PORT_") != std::string_view::npos &&
          (variable.ends_with("_PROTO") || variable.ends_with("_ADDR") || variable.ends_with("_PORT"))) ||
         value.starts_with("tcp://") || value.starts_with("udp://");
}

// The kind of JSON value that `field` takes.
FileEntry::Kind KindOf(const FieldPointer& field) {
  if (std::holds_alternative<bool*>(field)) return FileEntry::Kind::kBool;
  if (std::holds_alternative<std::vector<std::string>*>(field)) return FileEntry::Kind::kList;
  if (std::holds_alternative<int*>(field) || std::holds_alternative<int64_t*>(field) ||
      std::holds_alternative<double*>(field)) {
    return FileEntry::Kind::kNumber;
  }
  return FileEntry::Kind::kText;
}

base::Text KindHint(FileEntry::Kind kind) {
  switch (kind) {
    case FileEntry::Kind::kBool:
      return {"Hãy ghi true hoặc false, không có dấu nháy.", "Write true or false, without quotes."};
    case FileEntry::Kind::kNumber:
      return {"Hãy ghi một số, không có dấu nháy.", "Write a number, without quotes."};
    case FileEntry::Kind::kList:
      return {"Hãy ghi danh sách chuỗi, ví dụ [\"a\", \"b\"].", "Write a list of strings, for example [\"a\", \"b\"]."};
    default:
      return {"Hãy ghi một chuỗi trong dấu nháy, ví dụ \"30s\".", "Write a string in quotes, for example \"30s\"."};
  }
}

std::optional<int64_t> WholeNumber(const FieldPointer& field) {
  if (const auto* number = std::get_if<int*>(&field)) return **number;
  if (const auto* number = std::get_if<int64_t*>(&field)) return **number;
  return std::nullopt;
}

base::Text RangeHint(int64_t min, int64_t max) {
  const std::string least = std::to_string(min), most = std::to_string(max);
  if (max == std::numeric_limits<int64_t>::max()) {
    return {"Hãy ghi số từ " + least + " trở lên.", "Write a number of at least " + least + "."};
  }
  return {"Hãy ghi số từ " + least + " đến " + most + ".", "Write a number from " + least + " to " + most + "."};
}

std::string HelpText(const std::string& help, const std::string& value) {
  return value.empty() ? help : help + " [" + value + "]";
}

}  // namespace

void Registry::Bind(std::string_view component, std::string_view key, FieldPointer field, std::string_view help,
                    BindOptions options) {
  Binding binding;
  binding.component = component;
  binding.key = key;
  binding.name = binding.component + "." + binding.key;
  binding.variable = std::string(kPrefix) + AsciiUpper(component) + "_" + AsciiUpper(key);
  if (!options.secret) {
    binding.flag = "--" + Replaced(component, '_', '-') + "-" + Replaced(key, '_', '-');
    if (!options.flag.empty()) binding.alias = "--" + std::string(options.flag);
  }
  binding.help = help;
  binding.origin = "default";
  binding.default_value = FormatValue(field);
  binding.secret = options.secret;
  binding.min = options.min;
  binding.max = options.max;
  binding.field = field;
  if (!IsName(component) || !IsName(key) || FindByVariable(binding.variable) != nullptr ||
      binding.variable == kFileVariable) {
    Report(binding.name, "tên không hợp lệ hoặc đã dùng trong chương trình.",
           "the name is not valid or already taken in this program.");
    return;
  }
  bindings_.push_back(std::move(binding));
}

void Registry::AddFlag(CLI::App& app, Binding& binding) {
  if (binding.secret) return;
  const std::string names = binding.alias.empty() ? binding.flag : binding.flag + "," + binding.alias;
  const std::string help = HelpText(binding.help, FormatValue(binding.field));
  try {
    if (std::holds_alternative<bool*>(binding.field)) {
      app.add_flag_function(
          names, [&binding](int64_t count) { binding.flag_value = count > 0 ? "true" : "false"; }, help);
      return;
    }
    app.add_option_function<std::string>(
           names, [&binding](const std::string& value) { binding.flag_value = value; }, help)
        ->type_name(TypeName(binding.field));
  } catch (const CLI::Error&) {
    Report(binding.name, "cờ " + names + " đã dùng trong chương trình.", "flag " + names + " is already taken.");
  }
}

void Registry::AddFlags(CLI::App& app) {
  app.add_option("--config", file_flag_, "configuration file (JSON)")->type_name("FILE");
  app.add_flag("--print-config", print_requested_, "print the effective configuration and where it comes from");
  for (Binding& binding : bindings_) AddFlag(app, binding);
}

absl::Status Registry::Load(std::string_view file, const std::vector<std::string>& environment) {
  std::string path = file_flag_;
  const std::string assignment = std::string(kFileVariable) + "=";
  for (const std::string& entry : environment) {
    if (path.empty() && entry.starts_with(assignment)) path = entry.substr(assignment.size());
  }
  if (path.empty()) path = file;
  file_ = path;
  environment_ = environment;
  if (!path.empty()) ReadFile(path);
  ReadEnvironment(environment);
  ReadFlags();
  return Outcome();
}

void Registry::ReadFile(const std::string& path) {
  const absl::StatusOr<std::vector<FileEntry>> entries = ReadConfigFile(path);
  if (!entries.ok()) {
    const base::Text text = base::DetailOf(entries.status())->text;
    return Report("config", text.vi, text.en);
  }
  std::vector<std::string> components, names;
  for (const Binding& binding : bindings_) {
    components.push_back(binding.component);
    names.push_back(binding.name);
  }
  for (const FileEntry& entry : *entries) {
    const std::string name = entry.component + "." + entry.key;
    if (std::find(components.begin(), components.end(), entry.component) == components.end()) {
      ReportUnknown(entry.component, path, components);
      continue;
    }
    if (entry.key.empty()) {
      Report(entry.component, "phải là một đối tượng JSON trong " + path + ".",
             "must be a JSON object in " + path + ".");
      continue;
    }
    Binding* binding = FindByName(name);
    if (binding == nullptr) {
      ReportUnknown(name, path, names);
    } else if (entry.kind != KindOf(binding->field)) {
      const base::Text hint = KindHint(KindOf(binding->field));
      Report(name, hint.vi, hint.en);
    } else if (entry.kind == FileEntry::Kind::kList) {
      *std::get<std::vector<std::string>*>(binding->field) = entry.items;
      binding->origin = "file " + path;
    } else {
      Assign(*binding, entry.text, "file " + path);
    }
  }
}

void Registry::ReadEnvironment(const std::vector<std::string>& environment) {
  std::vector<std::string> variables;
  for (const Binding& binding : bindings_) variables.push_back(binding.variable);
  for (const std::string& entry : environment) {
    const size_t equals = entry.find('=');
    const std::string_view variable = std::string_view(entry).substr(0, equals);
    if (equals == std::string::npos || !variable.starts_with(kPrefix) || variable == kFileVariable) continue;
    const std::string_view value = std::string_view(entry).substr(equals + 1);
    if (Binding* binding = FindByVariable(variable)) {
      Assign(*binding, value, "environment " + binding->variable);
    } else if (!IsServiceLink(variable, value)) {
      ReportUnknown(variable, "environment", variables);
    }
  }
}

void Registry::ReadFlags() {
  for (Binding& binding : bindings_) {
    if (binding.flag_value.has_value()) Assign(binding, *binding.flag_value, "flag " + binding.shown_flag());
  }
}

void Registry::Assign(Binding& binding, std::string_view value, std::string origin) {
  if (const auto expected = ParseValue(value, binding.field)) {
    return Report(binding.name, expected->vi + " (" + origin + ")", expected->en + " (" + origin + ")");
  }
  if (const auto number = WholeNumber(binding.field); number && (*number < binding.min || *number > binding.max)) {
    const base::Text range = RangeHint(binding.min, binding.max);
    return Report(binding.name, range.vi + " (" + origin + ")", range.en + " (" + origin + ")");
  }
  binding.origin = std::move(origin);
}

Registry::Binding* Registry::FindByName(std::string_view name) {
  const auto found =
      std::find_if(bindings_.begin(), bindings_.end(), [&](const Binding& binding) { return binding.name == name; });
  return found == bindings_.end() ? nullptr : &*found;
}

Registry::Binding* Registry::FindByVariable(std::string_view variable) {
  const auto found = std::find_if(bindings_.begin(), bindings_.end(),
                                  [&](const Binding& binding) { return binding.variable == variable; });
  return found == bindings_.end() ? nullptr : &*found;
}

void Registry::Report(std::string_view key, std::string vi, std::string en) {
  problems_.push_back({std::string(key), std::move(vi), std::move(en)});
}

void Registry::ReportUnknown(std::string_view name, std::string_view where, const std::vector<std::string>& known) {
  const std::string nearest = Nearest(name, known);
  const std::string place = " (" + std::string(where) + ").";
  if (nearest.empty()) return Report(name, "không có khóa này" + place, "there is no such key" + place);
  Report(name, "không có khóa này" + place + " Có phải “" + nearest + "”?",
         "there is no such key" + place + " Did you mean '" + nearest + "'?");
}

absl::StatusOr<std::string> Registry::Reread(std::string_view name) {
  const Binding* binding = FindByName(name);
  if (binding == nullptr) {
    return base::NotFound("NO_SUCH_SETTING", {"Không có khóa cấu hình này.", "There is no such setting."},
                          {{"name", std::string(name)}});
  }
  if (binding->flag_value.has_value()) return *binding->flag_value;
  const std::string assignment = binding->variable + "=";
  for (const std::string& entry : environment_) {
    if (entry.starts_with(assignment)) return entry.substr(assignment.size());
  }
  if (file_.empty()) return binding->default_value;
  ASSIGN_OR_RETURN(const std::vector<FileEntry> entries, ReadConfigFile(file_));
  for (const FileEntry& entry : entries) {
    if (entry.component != binding->component || entry.key != binding->key) continue;
    return entry.kind == FileEntry::Kind::kList ? base::Join(entry.items, ",") : entry.text;
  }
  return binding->default_value;
}

absl::Status Registry::Outcome() const {
  if (problems_.empty()) return absl::OkStatus();
  base::ErrorDetail detail;
  detail.reason = "INVALID_CONFIG";
  detail.text = {"Cấu hình chưa hợp lệ:", "The configuration is not valid:"};
  for (const Problem& problem : problems_) {
    detail.text.vi += "\n  " + problem.key + ": " + problem.vi;
    detail.text.en += "\n  " + problem.key + ": " + problem.en;
    detail.violations.push_back({problem.key, {problem.vi, problem.en}});
  }
  detail.metadata = {{"problems", std::to_string(problems_.size())}};
  return base::MakeError(absl::StatusCode::kInvalidArgument, detail);
}

std::vector<Registry::Key> Registry::Keys() const {
  std::vector<Key> keys;
  for (const Binding& binding : bindings_) {
    Key key{.name = binding.name, .variable = binding.variable, .help = binding.help, .origin = binding.origin};
    key.flags = binding.alias.empty() ? binding.flag : binding.flag + "," + binding.alias;
    key.value = FormatValue(binding.field);
    if (binding.secret) key.value = key.value.empty() ? "(empty)" : "(hidden)";
    keys.push_back(std::move(key));
  }
  std::sort(keys.begin(), keys.end(), [](const Key& a, const Key& b) { return a.name < b.name; });
  return keys;
}

std::string Registry::Print() const {
  std::string out;
  for (const Key& key : Keys()) out += key.name + " = " + key.value + "  # " + key.origin + "\n";
  return out;
}

absl::StatusOr<std::string> Registry::Run(const CommandLine& line) {
  CLI::App app(line.description, line.program);
  AddFlags(app);
  try {
    // CLI11 takes the last argument first.
    app.parse(std::vector<std::string>(line.args.rbegin(), line.args.rend()));
  } catch (const CLI::CallForHelp&) {
    return app.help();
  } catch (const CLI::ParseError& error) {
    return base::Error(absl::StatusCode::kInvalidArgument, "INVALID_FLAG",
                       {std::string("Cờ lệnh chưa đúng: ") + error.what() + ". Xem --help.",
                        std::string("The command line is not valid: ") + error.what() + ". See --help."});
  }
  RETURN_IF_ERROR(Load("", line.environment));
  return print_requested_ ? Print() : std::string();
}

std::vector<std::string> ProcessEnvironment() {
  std::vector<std::string> environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) environment.emplace_back(*entry);
  return environment;
}

}  // namespace dinh::config
