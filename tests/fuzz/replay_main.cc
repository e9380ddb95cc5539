// Runs fuzz targets over their corpus without libFuzzer: every file as it is, then seeded mutations of it, the same in
// every run. So each finding, once its file is in the corpus, is a test of every build.
//
//   fuzz_replay [--mutations N] FOLDER   FOLDER/<target>/… holds a target's files; no folder for a target is an error
//   fuzz_replay --file TARGET FILE        one input, e.g. a reproducer
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>

#define FUZZ_TARGET(name) extern "C" int Fuzz_##name(const uint8_t* data, size_t size);
#include "fuzz_targets.inc"
#undef FUZZ_TARGET

namespace {

constexpr int kMutationsDefault = 1000;  // of each file

struct Target {
  std::string_view name;
  int (*run)(const uint8_t* data, size_t size);
};
constexpr Target kTargets[] = {
#define FUZZ_TARGET(name) {#name, Fuzz_##name},
#include "fuzz_targets.inc"
#undef FUZZ_TARGET
};

// For the handler of a crash: which input it was.
struct Current {
  const Target* target = nullptr;
  const std::string* input = nullptr;
  std::string keep_at;
} current;

void KeepInput(int signal) {
  std::FILE* file = std::fopen(current.keep_at.c_str(), "wb");
  if (file != nullptr && current.input != nullptr) {
    std::fwrite(current.input->data(), 1, current.input->size(), file);
    std::fclose(file);
    std::fprintf(stderr, "fuzz_replay: signal %d in %s; again: fuzz_replay --file %s %s\n", signal,
                 current.target->name.data(), current.target->name.data(), current.keep_at.c_str());
  }
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void Run(const Target& target, const std::string& input) {
  current.target = &target;
  current.input = &input;
  target.run(reinterpret_cast<const uint8_t*>(input.data()), input.size());
  current.input = nullptr;
}

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// One to three small changes: a byte, a few bytes less, a piece from elsewhere, a piece of another file.
std::string Mutate(std::string input, const std::string& other, std::mt19937_64& random) {
  const auto below = [&](size_t n) { return n == 0 ? 0 : static_cast<size_t>(random() % n); };
  for (size_t n = 1 + below(3); n > 0; --n) {
    const size_t at = below(input.size() + 1);
    switch (below(5)) {
      case 0:
        if (at < input.size()) input[at] = static_cast<char>(random());
        break;
      case 1:
        if (at < input.size()) input[at] = static_cast<char>(input[at] ^ 1 << below(8));
        break;
      case 2:
        input.erase(at, 1 + below(8));
        break;
      case 3:
        input.insert(at, input.substr(below(input.size() + 1), 1 + below(16)));
        break;
      default:
        input.insert(at, other.substr(below(other.size() + 1), 1 + below(16)));
    }
  }
  return input;
}

int Replay(const Target& target, const std::filesystem::path& folder, int mutations) {
  std::vector<std::filesystem::path> paths;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) paths.push_back(entry.path());
  if (paths.empty()) {
    std::fprintf(stderr, "fuzz_replay: no corpus in %s\n", folder.c_str());
    return 1;
  }
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> files;
  for (const auto& path : paths) files.push_back(ReadFile(path));
  Run(target, "");
  std::mt19937_64 random(files.size());
  for (const std::string& file : files) {
    Run(target, file);
    for (int i = 0; i < mutations; ++i) Run(target, Mutate(file, files[random() % files.size()], random));
  }
  std::printf("%-20s %3zu files, %d mutations of each\n", target.name.data(), files.size(), mutations);
  return 0;
}

int Usage() {
  std::fprintf(stderr, "usage: fuzz_replay [--mutations N] FOLDER | fuzz_replay --file TARGET FILE\n");
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  current.keep_at = (std::filesystem::temp_directory_path() / ("fuzz_replay." + std::to_string(getpid()))).string();
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) std::signal(signal, KeepInput);
  if (arguments.size() == 3 && arguments[0] == "--file") {
    for (const Target& target : kTargets) {
      if (target.name != arguments[1]) continue;
      Run(target, ReadFile(arguments[2]));
      return 0;
    }
    return Usage();
  }
  int mutations = kMutationsDefault;
  if (arguments.size() > 2 && arguments[0] == "--mutations") {
    mutations = std::atoi(arguments[1].c_str());
    arguments.erase(arguments.begin(), arguments.begin() + 2);
  }
  if (arguments.size() != 1) return Usage();
  int failures = 0;
  for (const Target& target : kTargets) {
    failures += Replay(target, std::filesystem::path(arguments[0]) / target.name, mutations);
  }
  return failures == 0 ? 0 : 1;
}
