// Configuration: each component has one struct whose fields it binds to names here; the values then come from
//   the fields' own defaults  <  a JSON file  <  the environment  <  flags.
//
//   struct HttpConfig {
//     std::string address = "127.0.0.1:8080";
//     std::chrono::milliseconds idle{60'000};
//     void Bind(config::Registry& registry) {
//       registry.Bind("http", "address", &address, "where to listen", {.flag = "http"});
//       registry.Bind("http", "idle", &idle, "how long a connection may stay without a request");
//     }
//   };
//
// gives the file's {"http": {"address": …}}, DINH_HTTP_ADDRESS, and --http-address or --http.
// A key or a DINH_ variable that nobody bound is an error that names the nearest one: a typing error must not leave a
// default in force. Secrets have no flag (a command line is public on the machine) and are never printed.
//
// Thread safety: none; everything happens at the start of the program.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/config/units.h"

namespace CLI {
class App;
}  // namespace CLI

namespace dinh::config {

struct BindOptions {
  bool secret = false;
  std::string_view flag = {};  // a second, shorter flag without the dashes, e.g. "data-dir"
  // Of whole numbers, inclusive.
  int64_t min = std::numeric_limits<int64_t>::min();
  int64_t max = std::numeric_limits<int64_t>::max();
};

// What can be bound. Lists are JSON arrays of strings in the file and separated by commas elsewhere.
using FieldPointer = std::variant<std::string*, bool*, int*, int64_t*, double*, std::chrono::milliseconds*,
                                  std::chrono::seconds*, ByteSize*, std::vector<std::string>*>;

struct CommandLine {
  std::string program;
  std::string description;
  std::vector<std::string> args;         // without the program's name
  std::vector<std::string> environment;  // "NAME=value"; see ProcessEnvironment
};

class Registry {
 public:
  struct Key {
    std::string name;      // "http.address"
    std::string variable;  // "DINH_HTTP_ADDRESS"
    std::string flags;     // "--http-address,--http"; empty for a secret
    std::string help;
    std::string value;   // as it would be typed; for a secret "(hidden)", or "(empty)" when it is
    std::string origin;  // "default", "file <path>", "environment DINH_…", "flag --…"
  };

  Registry() = default;
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  // `component` and `key`: [a-z][a-z0-9_]*. The field's value at this moment is the default. The field must live until
  // Load returns. A name bound twice, or a field that cannot be told apart in the environment, fails Load.
  void Bind(std::string_view component, std::string_view key, FieldPointer field, std::string_view help,
            BindOptions options = {});

  // Adds a flag for every key bound so far, and --config and --print-config, to a command of the program. What the
  // command line says is kept until Load. The registry must outlive the app.
  void AddFlags(CLI::App& app);

  // Applies file, environment and flags in this order. The file is --config's, else DINH_CONFIG's, else `file`; an
  // empty name is no file. INVALID_ARGUMENT (reason INVALID_CONFIG), naming every problem at once; fields are then
  // undefined. Values of secrets never stand in the text.
  absl::Status Load(std::string_view file, const std::vector<std::string>& environment);

  // What `name` would be if the program started now: the file is read again, flags and environment are as they were.
  // As it would be typed; no field changes. For the few things that are reloaded while running. NOT_FOUND for a name
  // that is not bound; an unreadable file is the error that it would be for Load.
  absl::StatusOr<std::string> Reread(std::string_view name);

  // true after AddFlags and parsing when --print-config was given.
  bool print_requested() const { return print_requested_; }
  // One line a key: "http.address = 127.0.0.1:8080  # flag --http".
  std::string Print() const;
  // For tables and documents, sorted by name.
  std::vector<Key> Keys() const;

  // For programs without subcommands: flags, Load, --help, --print-config. A text that is not empty is to be printed,
  // and the program is then done.
  absl::StatusOr<std::string> Run(const CommandLine& line);

 private:
  struct Binding {
    std::string component, key, name, variable, flag, alias, help, origin, default_value;
    bool secret = false;
    int64_t min = 0, max = 0;
    FieldPointer field;
    std::optional<std::string> flag_value;
    const std::string& shown_flag() const { return alias.empty() ? flag : alias; }
  };
  struct Problem {
    std::string key, vi, en;
  };

  Binding* FindByName(std::string_view name);
  Binding* FindByVariable(std::string_view variable);
  void AddFlag(CLI::App& app, Binding& binding);
  void ReadFile(const std::string& path);
  void ReadEnvironment(const std::vector<std::string>& environment);
  void ReadFlags();
  void Assign(Binding& binding, std::string_view value, std::string origin);
  void Report(std::string_view key, std::string vi, std::string en);
  void ReportUnknown(std::string_view name, std::string_view where, const std::vector<std::string>& known);
  absl::Status Outcome() const;

  std::deque<Binding> bindings_;  // a deque: the flags of an app point into it
  std::vector<Problem> problems_;
  std::string file_flag_;
  std::string file_;                      // as Load found it
  std::vector<std::string> environment_;  // as Load was given it
  bool print_requested_ = false;
};

// The environment of this process as CommandLine and Load take it.
std::vector<std::string> ProcessEnvironment();

}  // namespace dinh::config
