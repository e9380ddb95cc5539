// A standalone platform whose disk fills up under load, on a small file system of its own (tmpfs).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dinh::testing {

struct FullDiskResult {
  std::string skipped;  // why it could not be tried here (mounting needs root)
  int64_t operations = 0;
  int64_t refused = 0;       // attempts while it was full
  std::string refusal;       // what one of them was answered with
  int64_t recovered_ms = 0;  // from the moment there was space again until a whole round succeeded
  std::vector<std::string> violations;
};

// `folder`: exists, empty; the file system is mounted there.
FullDiskResult FillDisk(const std::string& folder, uint64_t seed);

}  // namespace dinh::testing
