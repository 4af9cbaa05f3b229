#include "server/access/access_flags.h"

#include <CLI/CLI.hpp>

namespace mixmatch::server {
namespace {

void AddWho(CLI::App& app, AccessOptions& o) {
  app.add_option("--access", o.access,
                 "users: only they may call; open: anyone may do anything; default: open where the server listens on "
                 "loopback alone and has no token, admin token or client CA, users otherwise")
      ->check(CLI::IsMember({"default", "users", "open"}))
      ->capture_default_str();
  app.add_option("--admin-token-file", o.admin_token_file,
                 "The token of user \"admin\", at least 32 characters; also the variable MIXMATCH_ADMIN_TOKEN");
  app.add_option("--insecure-tokens", o.insecure_tokens,
                 "on: take tokens beyond loopback without TLS, where something else encrypts; default off");
  app.add_option("--reflection", o.reflection, "Say which services there are; default: where the server is open")
      ->check(CLI::IsMember({"default", "on", "off"}))
      ->capture_default_str();
  app.add_option("--audit-log", o.audit_log,
                 "Append refused, changing and administrators' calls to this file; SIGHUP opens it anew");
  app.add_option("--max-refusals-per-minute", o.refusals_per_minute,
                 "Calls of a peer without a valid token that are answered each for itself; 0: any")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
}

void AddTls(CLI::App& app, TlsOptions& o) {
  app.add_option("--tls-cert", o.certificate, "PEM file of the server's certificate chain; read again when it changes");
  app.add_option("--tls-key", o.key, "PEM file of its key");
  app.add_option("--tls-client-ca", o.client_ca,
                 "PEM file of the CA whose certificates clients must have; their common names are users");
}

void AddConnections(CLI::App& app, ConnectionOptions& o) {
  const CLI::Range seconds(0.0, 1e7);
  app.add_option("--max-message-bytes", o.message_bytes, "Largest message taken; content comes in pieces")
      ->check(CLI::Range(3 << 20, 1 << 30))
      ->capture_default_str();
  app.add_option("--max-streams-per-connection", o.streams, "Calls at once over one connection")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  app.add_option("--max-connection-idle-seconds", o.idle_seconds, "Close a connection without calls; 0: never")
      ->check(seconds)
      ->capture_default_str();
  app.add_option("--max-connection-age-seconds", o.age_seconds, "Ask a connection to be made anew; 0: never")
      ->check(seconds)
      ->capture_default_str();
  app.add_option("--connection-age-grace-seconds", o.age_grace_seconds, "Then let its calls go on for so long")
      ->check(seconds)
      ->capture_default_str();
  app.add_option("--keepalive-seconds", o.keepalive_seconds, "Ping a silent client after so long")
      ->check(CLI::Range(1.0, 1e6))
      ->capture_default_str();
  app.add_option("--keepalive-timeout-seconds", o.keepalive_timeout, "Then wait for its answer for so long")
      ->check(CLI::Range(1.0, 1e6))
      ->capture_default_str();
  app.add_option("--least-ping-seconds", o.least_ping_seconds, "Disconnect clients that ping more often")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
}

void AddLimits(CLI::App& app, AccessOptions& o) {
  UserLimitDefaults& d = o.defaults;
  app.add_option("--max-call-seconds", o.call_seconds, "Cancel a unary call after so long; 0: never")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
  app.add_option("--user-requests-per-second", d.requests_per_second, "Of users without a limit of their own; 0: any")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--user-concurrent-requests", d.concurrent_requests, "Likewise")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--user-upload-bytes-per-day", d.upload_bytes_per_day, "Likewise")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--user-stored-bytes", d.stored_bytes, "Likewise")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
}

}  // namespace

void AddAccessFlags(CLI::App& app, AccessOptions& options) {
  AddWho(app, options);
  AddTls(app, options.tls);
  AddConnections(app, options.connections);
  AddLimits(app, options);
}

}  // namespace mixmatch::server
