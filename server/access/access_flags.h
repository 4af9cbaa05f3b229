// AccessOptions from the command line.
#ifndef MIXMATCH_SERVER_ACCESS_ACCESS_FLAGS_H_
#define MIXMATCH_SERVER_ACCESS_ACCESS_FLAGS_H_

#include "server/access/access_options.h"

namespace CLI {
class App;
}  // namespace CLI

namespace mixmatch::server {

// `options` outlives `app`.
void AddAccessFlags(CLI::App& app, AccessOptions& options);

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_ACCESS_ACCESS_FLAGS_H_
