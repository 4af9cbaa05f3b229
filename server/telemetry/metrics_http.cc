#include "server/telemetry/metrics_http.h"

#include <httplib.h>
#include <sys/socket.h>

#include <thread>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"

namespace mixmatch::server {
namespace {

constexpr size_t kThreads = 2;
constexpr size_t kMostBody = 1 << 10;
constexpr time_t kPatienceSeconds = 5;  // With a client that neither sends nor reads.
constexpr char kText[] = "text/plain; version=0.0.4; charset=utf-8";

struct HostPort {
  std::string host;
  int port = 0;
};

absl::StatusOr<HostPort> Parse(const std::string& address) {
  const size_t colon = address.rfind(':');
  HostPort parsed;
  if (colon == std::string::npos || colon == 0 ||
      !absl::SimpleAtoi(absl::string_view(address).substr(colon + 1), &parsed.port) || parsed.port < 0 ||
      parsed.port > 65535) {
    return absl::InvalidArgumentError(
        absl::StrCat("--metrics-listen: got ", address, ", wanted address:port, e.g. 127.0.0.1:7412"));
  }
  absl::string_view host = absl::string_view(address).substr(0, colon);
  if (absl::ConsumePrefix(&host, "[")) absl::ConsumeSuffix(&host, "]");
  parsed.host = std::string(host);
  return parsed;
}

class HttplibMetrics final : public MetricsHttp {
 public:
  explicit HttplibMetrics(Answers answers) : answers_(std::move(answers)) {
    server_.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
    server_.set_payload_max_length(kMostBody);
    server_.set_read_timeout(kPatienceSeconds);
    server_.set_write_timeout(kPatienceSeconds);
    server_.set_keep_alive_timeout(1);
    server_.set_tcp_nodelay(true);
    // Not the library's SO_REUSEPORT: a second server on the port is a mistake that should be seen.
    server_.set_socket_options([](socket_t socket) {
      const int yes = 1;
      setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    });
    server_.Get("/metrics", [this](const httplib::Request&, httplib::Response& response) {
      absl::MutexLock lock(&scrape_);
      response.set_content(answers_.metrics(), kText);
    });
    server_.Get("/healthz", [](const httplib::Request&, httplib::Response& response) {
      response.set_content("ok\n", "text/plain");
    });
    server_.Get("/readyz", [this](const httplib::Request&, httplib::Response& response) {
      const std::string why = answers_.not_ready();
      response.status = why.empty() ? 200 : 503;
      response.set_content(why.empty() ? "ok\n" : why + "\n", "text/plain");
    });
  }

  ~HttplibMetrics() override {
    if (!thread_.joinable()) return;
    server_.stop();
    thread_.join();
  }

  absl::Status Listen(const HostPort& at) {
    if (at.port == 0) {
      port_ = server_.bind_to_any_port(at.host);
    } else if (server_.bind_to_port(at.host, at.port)) {
      port_ = at.port;
    }
    if (port_ <= 0) {
      return absl::FailedPreconditionError(
          absl::StrCat("--metrics-listen: cannot listen on ", at.host, ":", at.port, "; is another server using it?"));
    }
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    // Before that, stop() would do nothing.
    while (!server_.is_running()) absl::SleepFor(absl::Milliseconds(1));
    return absl::OkStatus();
  }

  int port() const override { return port_; }

 private:
  const Answers answers_;
  absl::Mutex scrape_;
  httplib::Server server_;
  int port_ = -1;
  std::thread thread_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<MetricsHttp>> MetricsHttp::Start(const std::string& address, Answers answers) {
  const absl::StatusOr<HostPort> at = Parse(address);
  if (!at.ok()) return at.status();
  auto http = std::make_unique<HttplibMetrics>(std::move(answers));
  if (absl::Status listening = http->Listen(*at); !listening.ok()) return listening;
  return http;
}

}  // namespace mixmatch::server
