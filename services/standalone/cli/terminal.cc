#include "services/standalone/cli/terminal.h"

#include <termios.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>

#include "libs/base/status.h"

namespace dinh::standalone {
namespace {

std::string ReadLine(const std::string& prompt, bool terminal) {
  termios before{};
  if (terminal) {
    std::fprintf(stderr, "%s: ", prompt.c_str());
    tcgetattr(STDIN_FILENO, &before);
    termios silent = before;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
  }
  std::string line;
  std::getline(std::cin, line);
  if (terminal) {
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    std::fprintf(stderr, "\n");
  }
  return line;
}

}  // namespace

absl::StatusOr<std::string> ReadSecret(const std::string& prompt) {
  std::string secret = ReadLine(prompt, isatty(STDIN_FILENO) == 1);
  if (secret.empty()) return base::InvalidField("secret", {"Chưa nhập gì.", "Nothing was entered."});
  return secret;
}

absl::StatusOr<std::string> ReadNewSecret(const std::string& prompt) {
  ASSIGN_OR_RETURN(std::string secret, ReadSecret(prompt));
  if (isatty(STDIN_FILENO) == 1 && ReadLine("Nhập lại", true) != secret) {
    return base::InvalidField("secret", {"Hai lần nhập không giống nhau.", "The two entries differ."});
  }
  return secret;
}

}  // namespace dinh::standalone
