// The parts of `mixmatch admin`, each in a file of its own.
#ifndef MIXMATCH_CLIENT_CLI_ADMIN_H_
#define MIXMATCH_CLIENT_CLI_ADMIN_H_

#include "client/cli/command.h"

namespace mixmatch::client {

// Each adds its commands to `admin`; `session` outlives it.
void AddAdminOperations(CLI::App* admin, Session& session);   // reindex, verify, compact, operations
void AddAdminBackup(CLI::App* admin, Session& session);       // backup, backups
void AddAdminServing(CLI::App* admin, Session& session);      // config, drain
void AddAdminGenerations(CLI::App* admin, Session& session);  // generations, checkpoint

}  // namespace mixmatch::client

#endif  // MIXMATCH_CLIENT_CLI_ADMIN_H_
