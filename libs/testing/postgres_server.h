// A PostgreSQL of the test program's own, from Debian's package: data and unix socket in a temporary folder, no port,
// gone with the process. Header only.
//
//   PostgresServer& server = PostgresServer::Shared();      // one per program, started when first needed
//   options.dsn = server.Dsn();                             // the superuser
//   options.schema = server.NewSchema();                    // a name nobody has used yet
//
// Whatever cluster the package itself may have made is neither used nor disturbed. PostgreSQL refuses to run as root:
// root starts it as the system's user "postgres". The first start on a machine makes a template of the data folder
// (initdb takes seconds), all others copy it.
#pragma once

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace dinh::postgres_test {

struct PostgresServerOptions {
  bool durable = false;               // fsync on: for tests of what survives
  std::vector<std::string> settings;  // "max_connections=10"
};

class PostgresServer {
 public:
  // Aborts with a message when PostgreSQL cannot be started: deploy/scripts/setup.sh installs it.
  explicit PostgresServer(PostgresServerOptions options = {}) : options_(std::move(options)) {
    MakeFolder();
    Must(Run({"cp", "-a", Template(), Data()}), "a copy of the template");
    Start();
  }
  // A streaming replica of `primary`, whose max_connections and the like must not be above its own.
  explicit PostgresServer(const PostgresServer* primary, PostgresServerOptions options = {})
      : PostgresServer(Folder{}, std::move(options)) {
    CopyFrom(*primary);
  }
  ~PostgresServer() {
    Stop();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  // The one of this program.
  static PostgresServer& Shared() {
    static PostgresServer server;
    return server;
  }

  // libpq's form, as the superuser, who needs no password; everybody else does.
  std::string Dsn() const { return DsnOf("dinh_owner", ""); }
  std::string DsnOf(const std::string& user, const std::string& password) const {
    return "host=" + folder_ + " port=" + std::to_string(kPort) + " dbname=postgres user=" + user +
           (password.empty() ? "" : " password=" + password);
  }
  std::string NewSchema() { return "t" + std::to_string(++schemas_); }
  const std::string& folder() const { return folder_; }
  std::string Data() const { return folder_ + "/data"; }
  std::string LogFile() const { return folder_ + "/log"; }
  pid_t pid() const { return pid_; }

  void Start() {
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    Must(pid_ >= 0, "a process");
    if (pid_ == 0) Exec(parent);
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!Accepts()) {
      Must(std::chrono::steady_clock::now() < limit && ::waitpid(pid_, nullptr, WNOHANG) == 0,
           "PostgreSQL to start; see " + LogFile());
      ::usleep(5'000);
    }
  }
  // Open transactions are ended; Crash ends them without a word and leaves the log to be replayed.
  void Stop() { End(SIGINT); }
  void Crash() { End(SIGQUIT); }
  // A replica becomes a primary; returns when it takes writes.
  void Promote() {
    Must(Run(AsUser({Bin() + "/pg_ctl", "promote", "-w", "-D", Data()})), "the replica to be promoted");
  }
  void Restart() {
    Stop();
    Start();
  }
  // What was a primary comes back, at its old address, as a streaming replica of another one.
  void Follow(const PostgresServer& primary) {
    Stop();
    std::filesystem::remove_all(Data());
    CopyFrom(primary);
  }
  // A primary answers a commit only when a replica has it too; without one nothing commits.
  void SetSynchronous(bool on) {
    Execute(std::string("ALTER SYSTEM SET synchronous_standby_names = '") + (on ? "*" : "") + "'");
    Execute("SELECT pg_reload_conf()");
  }

 private:
  struct Folder {};
  PostgresServer(Folder, PostgresServerOptions options) : options_(std::move(options)) { MakeFolder(); }
  void CopyFrom(const PostgresServer& primary) {
    Must(Run(AsUser({Bin() + "/pg_basebackup", "-D", Data(), "-h", primary.folder(), "-p", std::to_string(kPort), "-U",
                     "dinh_owner", "-R", "-X", "stream", "--checkpoint=fast", "--no-sync"})),
         "a copy of the primary");
    Start();
  }
  void Execute(const std::string& sql) {
    Must(Run(AsUser({Bin() + "/psql", "-q", "-h", folder_, "-p", std::to_string(kPort), "-U", "dinh_owner", "-d",
                     "postgres", "-v", "ON_ERROR_STOP=1", "-c", sql})),
         sql);
  }
  void MakeFolder() {
    RemoveLeftovers();
    std::string pattern = (Temp() / ("dinh-pg-" + std::to_string(::getpid()) + "-XXXXXX")).string();
    Must(::mkdtemp(pattern.data()) != nullptr, "a temporary folder");
    folder_ = pattern;
    Own(folder_);
  }

  static constexpr int kPort = 5432;  // names the socket; nobody listens on a port

  static std::filesystem::path Temp() { return std::filesystem::temp_directory_path(); }
  static void Must(bool ok, const std::string& what) {
    if (ok) return;
    std::fprintf(stderr, "cannot get %s: %s\n", what.c_str(), std::strerror(errno));
    std::abort();
  }
  static bool Root() { return ::geteuid() == 0; }
  static void Own(const std::string& path) {
    if (!Root()) return;
    const passwd* user = ::getpwnam("postgres");
    Must(user != nullptr && ::chown(path.c_str(), user->pw_uid, user->pw_gid) == 0, "the user postgres");
    ::chmod(path.c_str(), 0711);
  }
  // The newest installed version's programs.
  static std::string Bin() {
    std::vector<std::string> found;
    std::error_code error;
    for (const auto& version : std::filesystem::directory_iterator("/usr/lib/postgresql", error)) {
      if (std::filesystem::exists(version.path() / "bin/postgres")) found.push_back(version.path() / "bin");
    }
    Must(!found.empty(), "PostgreSQL under /usr/lib/postgresql (package postgresql-15)");
    return *std::max_element(found.begin(), found.end());
  }
  static std::vector<std::string> AsUser(std::vector<std::string> command) {
    if (!Root()) return command;
    std::vector<std::string> full = {"setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups",
                                     "--pdeathsig=INT"};
    full.insert(full.end(), command.begin(), command.end());
    return full;
  }
  [[noreturn]] static void ExecVector(const std::vector<std::string>& command) {
    std::vector<char*> args;
    args.reserve(command.size() + 1);
    for (const std::string& arg : command) args.push_back(const_cast<char*>(arg.c_str()));
    args.push_back(nullptr);
    ::execvp(args[0], args.data());
    ::_exit(127);
  }
  static bool Run(const std::vector<std::string>& command) {
    const pid_t child = ::fork();
    if (child == 0) {
      const int nowhere = ::open("/dev/null", O_RDWR | O_CLOEXEC);
      ::dup2(nowhere, 1);
      ExecVector(command);
    }
    int status = 0;
    return child > 0 && ::waitpid(child, &status, 0) == child && status == 0;
  }

  // Folders of programs that died.
  static void RemoveLeftovers() {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(Temp(), error)) {
      int owner = 0;
      if (std::sscanf(entry.path().filename().c_str(), "dinh-pg-%d-", &owner) != 1) continue;
      if (owner > 0 && ::kill(owner, 0) != 0 && errno == ESRCH) std::filesystem::remove_all(entry.path(), error);
    }
  }

  // The data folder that all copies come from; made once per version and user.
  static std::string Template() {
    const std::string bin = Bin();
    const std::string version = std::filesystem::path(bin).parent_path().filename();
    const std::string base = Temp() / ("dinh-pgtemplate-1-" + version + "-" + std::to_string(::geteuid()));
    const int lock = ::open((base + ".lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    Must(lock >= 0 && ::flock(lock, LOCK_EX) == 0, "a lock in the temporary folder");
    if (!std::filesystem::exists(base)) {
      const std::string made = base + ".made";
      std::error_code ignored;
      std::filesystem::remove_all(made, ignored);
      std::filesystem::create_directory(made);
      Own(made);
      Must(Run(AsUser({bin + "/initdb", "-D", made + "/data", "-U", "dinh_owner", "-E", "UTF8", "--locale=C.UTF-8",
                       "--no-sync", "--wal-segsize=4", "-A", "trust"})),
           "initdb");
      std::ofstream(made + "/data/pg_hba.conf") << "local all dinh_owner trust\n"
                                                   "local replication dinh_owner trust\n"
                                                   "local all all scram-sha-256\n";
      std::filesystem::rename(made, base);
    }
    ::close(lock);
    return base + "/data";
  }

  [[noreturn]] void Exec(pid_t parent) const {
    // The server must not outlive a test that crashes. As root this is setpriv's to do, after the change of user.
    ::prctl(PR_SET_PDEATHSIG, SIGINT);
    if (::getppid() != parent) ::_exit(1);
    const int log = ::open(LogFile().c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
    ::dup2(log, 1);
    ::dup2(log, 2);
    std::vector<std::string> command = {Bin() + "/postgres", "-D", Data()};
    const auto set = [&](const std::string& setting) {
      command.emplace_back("-c");
      command.push_back(setting);
    };
    set("listen_addresses=");
    set("port=" + std::to_string(kPort));
    set("unix_socket_directories=" + folder_);
    set(std::string("fsync=") + (options_.durable ? "on" : "off"));
    set("shared_buffers=32MB");
    set("max_connections=100");
    set("max_wal_size=256MB");
    set("autovacuum_naptime=10s");
    set("lc_messages=C");
    for (const std::string& setting : options_.settings) set(setting);
    ExecVector(AsUser(command));
  }

  // Whether the socket takes connections: then the server answers, if only to say that it is starting.
  bool Accepts() const {
    std::ifstream in(Data() + "/postmaster.pid");
    std::string line, last;
    int count = 0;
    while (std::getline(in, line)) {
      if (!line.empty()) last = line;
      ++count;
    }
    return count >= 8 && last.starts_with("ready");
  }

  void End(int signal) {
    if (pid_ <= 0) return;
    ::kill(pid_, signal);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
    std::error_code ignored;
    std::filesystem::remove(Data() + "/postmaster.pid", ignored);
  }

  PostgresServerOptions options_;
  std::string folder_;
  pid_t pid_ = 0;
  std::atomic<int> schemas_{0};
};

}  // namespace dinh::postgres_test
