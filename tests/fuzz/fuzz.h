// What the fuzz targets share. A target is one `LLVMFuzzerTestOneInput` in a file of its own: libFuzzer drives it in
// the fuzz preset, replay_main.cc in every other build. Whatever a target needs beside its input follows from the
// input, so that a file is all that reproduces a finding.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

namespace dinh::fuzz {

[[noreturn]] inline void Fail(const char* what, const char* file, int line, const std::string& detail = {}) {
  std::fprintf(stderr, "%s:%d: does not hold: %s\n%s\n", file, line, what, detail.c_str());
  std::abort();
}

// Ends the process when a property does not hold; `...`: a text that says more.
#define FUZZ_CHECK(condition, ...)                                                                   \
  do {                                                                                               \
    if (!(condition)) ::dinh::fuzz::Fail(#condition, __FILE__, __LINE__ __VA_OPT__(, ) __VA_ARGS__); \
  } while (false)

inline std::string_view View(const uint8_t* data, size_t size) { return {reinterpret_cast<const char*>(data), size}; }

// Takes an input apart: readable fields first, the rest last.
class Input {
 public:
  explicit Input(std::string_view text) : text_(text) {}
  bool empty() const { return text_.empty(); }
  // Up to `end`, which is taken too; all that is left when there is none.
  std::string_view Until(char end) {
    const size_t at = text_.find(end);
    const std::string_view field = text_.substr(0, at);
    text_ = at == std::string_view::npos ? std::string_view() : text_.substr(at + 1);
    return field;
  }
  std::string_view Line() { return Until('\n'); }
  uint8_t Byte() {
    if (text_.empty()) return 0;
    const auto byte = static_cast<uint8_t>(text_[0]);
    text_.remove_prefix(1);
    return byte;
  }
  std::string_view Rest() const { return text_; }

 private:
  std::string_view text_;
};

// Sizes of the pieces in which an input arrives, made from the input itself.
class Pieces {
 public:
  explicit Pieces(std::string_view input) {
    for (const char c : input) state_ = (state_ ^ static_cast<uint8_t>(c)) * 0x100000001B3ull;
  }
  // 1..64, often small.
  size_t Next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    const size_t most = (state_ >> 32) % 2 == 0 ? 4 : 64;
    return 1 + (state_ >> 33) % most;
  }

 private:
  uint64_t state_ = 0xCBF29CE484222325ull;
};

// Bytes with nothing behind them, so that a sanitizer sees each step too far.
class ExactCopy {
 public:
  explicit ExactCopy(std::string_view text) : size_(text.size()), bytes_(std::make_unique<char[]>(text.size())) {
    std::copy(text.begin(), text.end(), bytes_.get());
  }
  std::string_view view() const { return {bytes_.get(), size_}; }

 private:
  const size_t size_;
  const std::unique_ptr<char[]> bytes_;
};

}  // namespace dinh::fuzz
