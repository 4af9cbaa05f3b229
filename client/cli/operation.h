// Showing operations of the server: as a line, as a progress bar, as JSON.
#ifndef MIXMATCH_CLIENT_CLI_OPERATION_H_
#define MIXMATCH_CLIENT_CLI_OPERATION_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/cli/command.h"

namespace mixmatch::client {

// "running", "succeeded", ...
std::string StateName(const v1::Operation& operation);
// "12/40", of bytes "1.2 MiB/3.4 MiB", of a verification "40 %".
std::string ProgressText(const v1::Operation& operation);
// "[######------]  48 %  1.2 MiB/2.5 MiB  0.4 MiB/s  0:03 left", what is not known yet left out. `elapsed` is since
// `done_then` steps were done.
std::string ProgressLine(const v1::Operation& operation, uint64_t done_then, absl::Duration elapsed);

// The operation as it is, with its findings and its backup. The exit code says how it ended: kSomeFailed if it failed, was
// cancelled, or found what was not put right.
int PrintOperation(Session& session, const absl::StatusOr<v1::Operation>& operation);
// Waits until it ends, with a progress bar on stderr where that is a terminal; then as PrintOperation.
int WaitForOperation(Session& session, const std::string& id);
// One that was begun just now: waits for it if `wait`.
int ShowBegun(Session& session, const absl::StatusOr<v1::Operation>& operation, bool wait);

// "default/3", with what is in it.
std::string BackupText(const v1::BackupSet& set);

}  // namespace mixmatch::client

#endif  // MIXMATCH_CLIENT_CLI_OPERATION_H_
