// `dinh <arguments>` as a command that ends, with what it printed. Header only.
#pragma once

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <string>

#include "tests/support/server_process.h"

namespace dinh::testing {

struct Finished {
  int exit_code = -1;  // -1: a signal ended it, or it never ran
  std::string output;  // both streams
};

// `before`: what stands before the program in the shell's line, such as "printf 'x\n' |" or "NAME=value".
inline Finished RunDinh(const std::string& arguments, const std::string& before = "") {
  Finished run;
  FILE* pipe = popen((before + " " + ServerProcess::Binary() + " " + arguments + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return run;
  std::array<char, 4096> buffer;
  for (size_t n = fread(buffer.data(), 1, buffer.size(), pipe); n > 0;
       n = fread(buffer.data(), 1, buffer.size(), pipe)) {
    run.output.append(buffer.data(), n);
  }
  const int status = pclose(pipe);
  run.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return run;
}

}  // namespace dinh::testing
