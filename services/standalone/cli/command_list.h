// One function per subcommand; private to the command line.
#pragma once

namespace CLI {
class App;
}

namespace dinh::standalone {

void AddServe(CLI::App& app, int& exit_code);
void AddDemo(CLI::App& app, int& exit_code);
void AddVerify(CLI::App& app, int& exit_code);    // audit verify, ledger verify
void AddKeys(CLI::App& app, int& exit_code);      // keys create | share | list | rotate | export
void AddBackup(CLI::App& app, int& exit_code);    // backup, restore
void AddAdmin(CLI::App& app, int& exit_code);     // admin create-officer
void AddDb(CLI::App& app, int& exit_code);        // db copy | provision
void AddSeedLoad(CLI::App& app, int& exit_code);  // seed-load
void AddVersion(CLI::App& app, int& exit_code);

}  // namespace dinh::standalone
