// Who may call, over what, and how much of it: everything that can be set from outside.
#ifndef MIXMATCH_SERVER_ACCESS_ACCESS_OPTIONS_H_
#define MIXMATCH_SERVER_ACCESS_ACCESS_OPTIONS_H_

#include <cstdint>
#include <string>

namespace mixmatch::server {

// PEM files; read again when they change. No certificate: no TLS.
struct TlsOptions {
  std::string certificate;  // --tls-cert: the server's, with those that lead to its CA.
  std::string key;          // --tls-key
  std::string client_ca;    // --tls-client-ca: clients must have a certificate of it.
};

// What one connection may do, whoever has it.
struct ConnectionOptions {
  int message_bytes = 8 << 20;        // --max-message-bytes: largest message taken.
  int streams = 128;                  // --max-streams-per-connection: calls at once.
  double idle_seconds = 1800;         // --max-connection-idle-seconds: without a call. 0: any.
  double age_seconds = 0;             // --max-connection-age-seconds, for load balancers. 0: any.
  double age_grace_seconds = 300;     // --connection-age-grace-seconds: for its calls to end.
  double keepalive_seconds = 60;      // --keepalive-seconds: without a sign of life, until it is asked for one;
  double keepalive_timeout = 20;      // --keepalive-timeout-seconds: then until it counts as gone.
  double least_ping_seconds = 30;     // --least-ping-seconds: clients that ping more often are disconnected.
};

// Of users that have none of their own; 0: none.
struct UserLimitDefaults {
  double requests_per_second = 0;     // --user-requests-per-second
  int concurrent_requests = 64;       // --user-concurrent-requests
  int64_t upload_bytes_per_day = 0;   // --user-upload-bytes-per-day
  int64_t stored_bytes = 0;           // --user-stored-bytes
};

struct AccessOptions {
  std::string access = "default";     // --access: users, open, or default; see ChooseMode.
  std::string admin_token_file;       // --admin-token-file: the secret of user "admin".
  bool insecure_tokens = false;       // --insecure-tokens: tokens may come unencrypted from beyond loopback.
  std::string reflection = "default"; // --reflection: on, off, or default: on where the server is open.
  std::string audit_log;              // --audit-log: a file; empty: none.
  int refusals_per_minute = 60;       // --max-refusals-per-minute: of one peer without a good token. 0: any.
  double call_seconds = 300;          // --max-call-seconds: of one unary call. 0: any.
  TlsOptions tls;
  ConnectionOptions connections;
  UserLimitDefaults defaults;
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_ACCESS_ACCESS_OPTIONS_H_
