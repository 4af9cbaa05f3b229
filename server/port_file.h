// Tells other programs which port was taken.
#ifndef MIXMATCH_SERVER_PORT_FILE_H_
#define MIXMATCH_SERVER_PORT_FILE_H_

#include <string>

#include "absl/status/status.h"

namespace mixmatch::server {

// Whole or not at all, so that a reader never sees half a number. Does nothing where `path` is empty. FAILED_PRECONDITION,
// naming `flag`: it cannot be written.
absl::Status WritePortFile(const char* flag, const std::string& path, int port);

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_PORT_FILE_H_
