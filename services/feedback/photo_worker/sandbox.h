// What the worker gives up before it reads a byte of a photo.
#pragma once

namespace dinh::photo {

inline constexpr int kSocketFd = 0;         // the one descriptor the worker keeps
inline constexpr int kExitNoSandbox = 70;   // EX_SOFTWARE
inline constexpr int kExitBadRequest = 65;  // EX_DATAERR

// Closes every descriptor but kSocketFd, sets the limits (memory, CPU time, no new descriptors, no file writes, no
// core, no processes), no_new_privs, and a system call filter: reading and writing on what is open, anonymous memory,
// leaving. Anything else kills the process. false when the machine cannot do one of these: then nothing must be
// decoded.
bool EnterSandbox();

}  // namespace dinh::photo
