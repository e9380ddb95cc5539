// Stands on a TCP connection between two processes and spoils it: late, silent or broken. Thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace dinh::testing {

class TcpProxy {
 public:
  enum class Mode {
    kPass,
    kLate,   // every byte arrives 200 ms later, in both directions
    kHole,   // nothing arrives and nothing ends: a cable that was pulled
    kReset,  // connections are reset, new ones too
  };
  static constexpr std::chrono::milliseconds kLateBy{200};

  // Listens on a free port of 127.0.0.1 and carries to `target` on the same address.
  explicit TcpProxy(uint16_t target);
  ~TcpProxy();
  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;

  uint16_t port() const { return port_; }
  void Set(Mode mode) { mode_ = mode; }
  // Resets the connections there are; new ones work as the mode says.
  void CutOnce() { cut_ = true; }

 private:
  struct Piece {
    std::chrono::steady_clock::time_point due;
    std::string bytes;
  };
  // One direction: what was read from one side and is not yet written to the other.
  struct Flow {
    std::deque<Piece> pieces;
    size_t queued = 0;
    bool ended = false;  // the reading side will send no more
  };
  struct Link {
    int ends[2] = {-1, -1};  // client, server
    Flow flows[2];           // from the client, from the server
    bool broken = false;
  };

  void Run();
  void Accept();
  void Read(Link& link, int side, std::chrono::milliseconds late);
  static void Write(Link& link, int side);
  static void Close(Link& link, bool reset);

  const uint16_t target_;
  uint16_t port_ = 0;
  int listener_ = -1;
  std::atomic<Mode> mode_{Mode::kPass};
  std::atomic<bool> cut_{false}, stopping_{false};
  std::vector<std::unique_ptr<Link>> links_;  // the thread's
  std::thread thread_;
};

}  // namespace dinh::testing
