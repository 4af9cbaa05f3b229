#include <cstdio>
#include <cstring>

#include "server/backup/restore.h"
#include "server/log.h"
#include "server/options.h"
#include "server/server.h"

int main(int argc, char** argv) {
  if (argc > 1 && std::strcmp(argv[1], "restore") == 0) return mixmatch::server::RestoreMain(argc - 1, argv + 1);
  int exit_code = 0;
  const auto options = mixmatch::server::ParseOptions(argc, argv, exit_code);
  if (!options.ok()) return exit_code;
  mixmatch::server::Log::SetUp(options->log_level, options->telemetry.log_format);
  const absl::Status status = mixmatch::server::Run(*options);
  if (status.ok()) return 0;
  std::fprintf(stderr, "mixmatchd: %s\n", status.ToString().c_str());
  return 1;
}
