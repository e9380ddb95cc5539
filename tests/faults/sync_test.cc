// A kill cannot show a missing sync, because the page cache survives it. So the syncs themselves are asserted: between
// the arrival of a request and the first byte of its answer, the commit's bytes and the file's must have been synced,
// in this order: file written → file synced → renamed → folder synced → WAL written → WAL synced → answer.
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <thread>

#include "gmock/gmock.h"
#include "libs/base/strings.h"
#include "tests/support/platform_test.h"

namespace dinh::testing {
namespace {

using demo::ApiAnswer;
using demo::ApiClient;
using demo::Json;

constexpr std::chrono::seconds kTraceMax{20};

// One system call: when it began and ended, as places in the trace.
struct Syscall {
  std::string name;
  std::string text;  // arguments, with paths as -y shows them
  size_t begin = 0;
  size_t end = 0;
  bool ok = false;
};

// Lines of `strace -f -y`: "123 fdatasync(7</path>) = 0", or in two halves around another thread's line.
std::vector<Syscall> ParseTrace(std::istream& in) {
  std::vector<Syscall> calls;
  std::map<std::string, size_t> unfinished;  // by thread
  size_t place = 0;
  for (std::string line; std::getline(in, line); ++place) {
    const size_t space = line.find(' ');
    if (space == std::string::npos) continue;
    const std::string thread = line.substr(0, space);
    std::string rest = line.substr(line.find_first_not_of(' ', space));
    const auto succeeded = [](const std::string& text) {
      const size_t equals = text.rfind(" = ");
      return equals != std::string::npos && text[equals + 3] != '-';
    };
    if (rest.starts_with("<... ")) {
      const auto begun = unfinished.find(thread);
      if (begun == unfinished.end()) continue;
      calls[begun->second].end = place;
      calls[begun->second].ok = succeeded(rest);
      calls[begun->second].text += rest;
      unfinished.erase(begun);
      continue;
    }
    const size_t open = rest.find('(');
    if (open == std::string::npos) continue;
    Syscall call{rest.substr(0, open), rest.substr(open + 1), place, place, false};
    if (rest.find("<unfinished ...>") != std::string::npos) {
      unfinished[thread] = calls.size();
      call.end = std::numeric_limits<size_t>::max();
    } else {
      call.ok = succeeded(rest);
    }
    calls.push_back(std::move(call));
  }
  return calls;
}

// What happened between a request and its answer.
class Window {
 public:
  // The request whose head holds `marker`; nullopt when it or its answer is not there.
  static std::optional<Window> Of(const std::vector<Syscall>& calls, const std::string& marker) {
    std::optional<size_t> from;
    std::string socket;
    for (const Syscall& call : calls) {
      const bool receives = call.name.starts_with("recv") || call.name == "readv" || call.name == "read";
      const bool sends = call.name.starts_with("send") || call.name == "writev" || call.name == "write";
      if (!from && receives && call.text.find(marker) != std::string::npos) {
        from = call.begin;
        socket = call.text.substr(0, call.text.find('>'));
      } else if (from && sends && call.text.starts_with(socket) &&
                 call.text.find("HTTP/1.1 200") != std::string::npos) {
        return Window(calls, *from, call.begin);
      }
    }
    return std::nullopt;
  }

  // The end of the first call that begins after `after`, names `path` and is one of `names`; nullopt: none within.
  std::optional<size_t> After(size_t after, std::initializer_list<const char*> names, const std::string& path) const {
    for (const Syscall& call : calls_) {
      const bool named = std::find(names.begin(), names.end(), call.name) != names.end();
      if (named && call.ok && call.begin > after && call.end < to_ && call.text.find(path) != std::string::npos) {
        return call.end;
      }
    }
    return std::nullopt;
  }
  size_t from() const { return from_; }

  // Written after `after`, and synced after that, before the answer.
  std::optional<size_t> WrittenAndSynced(size_t after, const std::string& path) const {
    const auto written = After(after, {"pwrite64", "write", "pwritev"}, path);
    if (!written) return std::nullopt;
    return After(*written, {"fdatasync", "fsync"}, path);
  }

 private:
  Window(const std::vector<Syscall>& calls, size_t from, size_t to) : calls_(calls), from_(from), to_(to) {}
  const std::vector<Syscall>& calls_;
  size_t from_, to_;
};

std::vector<Syscall> Parse(const std::string& text) {
  std::istringstream in(text);
  return ParseTrace(in);
}

// The check itself must be able to fail.
TEST(SyncTraceTest, MissingAndLateSyncsAreSeen) {
  const std::string request = R"(10 recvmsg(9<TCP:[a]>, {iov_base="POST /v1/x HTTP/1.1\r\nX-Mark: m1\r\n"}, 0) = 80)";
  const std::string write = "11 pwrite64(5</d/db/p.sqlite-wal>, \"..\", 4096, 0) = 4096\n";
  const std::string sync = "11 fdatasync(5</d/db/p.sqlite-wal>) = 0\n";
  const std::string answer = R"(10 sendmsg(9<TCP:[a]>, {iov_base="HTTP/1.1 200 OK\r\n"}, 0) = 90)";
  const auto synced = [&](const std::string& between, const std::string& after = "") {
    const std::vector<Syscall> calls = Parse(request + "\n" + between + answer + "\n" + after);
    const auto window = Window::Of(calls, "X-Mark: m1");
    return window && window->WrittenAndSynced(window->from(), "p.sqlite-wal").has_value();
  };
  EXPECT_TRUE(synced(write + sync));
  EXPECT_FALSE(synced(write));
  EXPECT_FALSE(synced(write, sync)) << "after the answer is too late";
  EXPECT_FALSE(synced(sync + write)) << "before the write is too early";
  EXPECT_FALSE(synced(write + "11 fdatasync(5</d/db/other.sqlite-wal>) = 0\n"));
  EXPECT_FALSE(synced(write + "11 fdatasync(5</d/db/p.sqlite-wal>) = -1 EIO (Input/output error)\n"));
  EXPECT_TRUE(synced(write + "11 fdatasync(5</d/db/p.sqlite-wal> <unfinished ...>\n11 <... fdatasync resumed>) = 0\n"));
  EXPECT_FALSE(
      synced(write + "11 fdatasync(5</d/db/p.sqlite-wal> <unfinished ...>\n", "11 <... fdatasync resumed>) = 0\n"));
  EXPECT_FALSE(Window::Of(Parse(request + "\n" + answer), "X-Mark: m2").has_value());
}

class SyncTest : public ::testing::Test {
 protected:
  void SetUp() override {
    server_ = std::make_unique<ServerProcess>(ServerProcess::Options{
        .data_dir = dir_.File("data"),
        .environment = {"DINH_DINH_RATE_FACTOR_PERCENT=10000", "ASAN_OPTIONS=detect_leaks=0"},
        .wrapper = {"strace", "-D", "-f", "-y", "-s", "600", "-o", dir_.File("trace"), "-e",
                    "trace=fsync,fdatasync,rename,renameat,renameat2,pwrite64,write,writev,sendmsg,sendto,recvmsg,"
                    "recvfrom,readv"}});
    const absl::Status started = server_->Start();
    ASSERT_TRUE(started.ok()) << started;
  }

  http::ClientHeaders Mark(const std::string& name) { return {{"X-Mark", name}}; }

  // The whole trace, when strace has written its last line.
  std::vector<Syscall> Trace() {
    server_->Terminate();
    const auto until = std::chrono::steady_clock::now() + kTraceMax;
    std::string text;
    while (std::chrono::steady_clock::now() < until) {
      std::ifstream in(dir_.File("trace"), std::ios::binary);
      std::stringstream read;
      read << in.rdbuf();
      text = read.str();
      const std::string ending = text.substr(text.size() > 400 ? text.size() - 400 : 0);
      if (ending.find("+++ exited with") != std::string::npos) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return Parse(text);
  }

  void ExpectCommitted(const std::vector<Syscall>& calls, const std::string& mark, const std::string& service) {
    SCOPED_TRACE(mark);
    const auto window = Window::Of(calls, "X-Mark: " + mark + "\\r");
    ASSERT_TRUE(window.has_value()) << "the request or its answer is not in the trace";
    EXPECT_TRUE(window->WrittenAndSynced(window->from(), "/db/" + service + ".sqlite-wal").has_value())
        << "answered before the WAL of " << service << " was synced";
  }

  // The file: synced, renamed, its folder synced, and only then the row that names it.
  void ExpectFileKept(const std::vector<Syscall>& calls, const std::string& mark) {
    SCOPED_TRACE("the file of " + mark);
    const auto window = Window::Of(calls, "X-Mark: " + mark + "\\r");
    ASSERT_TRUE(window.has_value());
    const auto synced = window->WrittenAndSynced(window->from(), "/procedures/files/");
    ASSERT_TRUE(synced.has_value()) << "the file was not synced";
    const auto renamed = window->After(*synced, {"rename", "renameat", "renameat2"}, "/procedures/files/");
    ASSERT_TRUE(renamed.has_value()) << "the file got its name before it was synced";
    const auto folder = window->After(*renamed, {"fsync", "fdatasync"}, "/procedures/files");
    ASSERT_TRUE(folder.has_value()) << "the folder was not synced";
    EXPECT_TRUE(window->WrittenAndSynced(*folder, "/db/procedures.sqlite-wal").has_value())
        << "the row was committed before its file was durable";
  }

  TempDir dir_;
  std::unique_ptr<ServerProcess> server_;
};

TEST_F(SyncTest, EveryAcknowledgementComesAfterItsSyncs) {
  Village village(StoryOptionsFor(*server_));
  ApiClient a = village.Citizen("citizen_a");
  ApiClient desk = village.Officer("desk");
  constexpr int kRounds = 5;
  for (int i = 0; i < kRounds; ++i) {
    const std::string n = std::to_string(i);
    const ApiAnswer stored =
        a.Upload("/v1/attachments", "giay.pdf", "application/pdf",
                 demo::SamplePdf(std::string(i % 2 == 0 ? 10 : 200'000, 'x')), Mark("upload-" + n));
    ASSERT_EQ(stored.status, 200) << stored.raw;
    const ApiAnswer begun =
        a.Post("/v1/uploads", {{"file_name", "a.pdf"}, {"size_bytes", 500'000}}, Mark("begin-" + n));
    ASSERT_EQ(begun.status, 200) << begun.raw;
    ASSERT_EQ(a.SendPiece("/v1/uploads/" + begun.Text("id"), 0, std::string(70'000, 'x'), Mark("piece-" + n)).status,
              200);
    Json filing = village.CopyFiling();
    filing["attachments"] = {stored.Text("id")};
    const ApiAnswer filed = a.Post("/v1/dossiers", filing, Mark("file-" + n));
    ASSERT_EQ(filed.status, 200) << filed.raw;
    ASSERT_EQ(desk.Get("/v1/dossiers/" + filed.Text("code"), Mark("read-" + n)).status, 200);
    const ApiAnswer accepted =
        desk.Post("/v1/dossiers/" + filed.Text("code") + ":accept", Json::object(), Mark("accept-" + n));
    ASSERT_EQ(accepted.status, 200) << accepted.raw;
    const auto charge = village.story().WaitFor(a, "/v1/charges/" + accepted.Text("charge"), "state", "STATE_OPEN");
    ASSERT_TRUE(charge.ok()) << charge.status();
    const std::string body = village
                                 .NoticeFor({filed.Text("code"), accepted.Text("charge"),
                                             charge->body["collecting_account"], charge->Text("memo"), 16000},
                                            16000, "SYNC-" + n)
                                 .dump();
    http::ClientHeaders headers = Mark("notify-" + n);
    headers.emplace_back("X-Dinh-Signature", demo::SignNotification(village.bank_secret(), UnixNow(), body));
    const ApiAnswer told =
        village.Anonymous().Send("POST", "/v1/bank/notifications", body, "application/json", headers);
    ASSERT_EQ(told.status, 200) << told.raw;
    const ApiAnswer person =
        a.Post("/v1/me/persons", {{"full_name", "Người Nhà " + std::string(1, static_cast<char>('A' + i))}},
               Mark("person-" + n));
    ASSERT_EQ(person.status, 200) << person.raw;
    const ApiAnswer code = village.Anonymous().Post("/v1/auth/otp:send", {{"phone", "0900000001"}}, Mark("otp-" + n));
    ASSERT_EQ(code.status, 200) << code.raw;
  }
  const std::vector<Syscall> calls = Trace();
  ASSERT_GE(calls.size(), 500u);
  for (int i = 0; i < kRounds; ++i) {
    const std::string n = std::to_string(i);
    ExpectCommitted(calls, "upload-" + n, "procedures");
    ExpectCommitted(calls, "begin-" + n, "procedures");
    ExpectCommitted(calls, "file-" + n, "procedures");
    ExpectCommitted(calls, "read-" + n, "procedures");  // who read it is written before it is shown
    ExpectCommitted(calls, "accept-" + n, "procedures");
    ExpectCommitted(calls, "notify-" + n, "payments");
    ExpectCommitted(calls, "person-" + n, "identity");
    ExpectCommitted(calls, "otp-" + n, "identity");
    ExpectFileKept(calls, "upload-" + n);
    ExpectFileKept(calls, "piece-" + n);
  }
}

}  // namespace
}  // namespace dinh::testing
