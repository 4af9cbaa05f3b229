#include "client/cpp/credentials.h"

#include <grpcpp/grpcpp.h>
#include <grpcpp/support/client_interceptor.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"

namespace mixmatch::client {
namespace {

// gRPC's own call credentials need TLS; a token over loopback has none.
class SendToken final : public grpc::experimental::Interceptor {
 public:
  explicit SendToken(const std::string& value) : value_(value) {}
  void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(grpc::experimental::InterceptionHookPoints::PRE_SEND_INITIAL_METADATA)) {
      methods->GetSendInitialMetadata()->emplace("authorization", value_);
    }
    methods->Proceed();
  }

 private:
  const std::string& value_;
};

class SendTokenFactory final : public grpc::experimental::ClientInterceptorFactoryInterface {
 public:
  explicit SendTokenFactory(const std::string& token) : value_(absl::StrCat("Bearer ", token)) {}
  grpc::experimental::Interceptor* CreateClientInterceptor(grpc::experimental::ClientRpcInfo*) override {
    return new SendToken(value_);
  }

 private:
  const std::string value_;
};

absl::StatusOr<std::string> ReadFile(absl::string_view flag, const std::string& path) {
  if (path.empty()) return "";
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file || text.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(flag, ": the file cannot be read, or is empty"));
  }
  return text;
}

}  // namespace

absl::StatusOr<Credentials> ReadCredentials(const CredentialFiles& files) {
  Credentials read;
  MIXMATCH_ASSIGN_OR_RETURN(const std::string token, ReadFile("--token-file", files.token));
  read.token = std::string(absl::StripAsciiWhitespace(token));
  MIXMATCH_ASSIGN_OR_RETURN(read.tls_ca, ReadFile("--tls-ca", files.tls_ca));
  MIXMATCH_ASSIGN_OR_RETURN(read.tls_certificate, ReadFile("--tls-cert", files.tls_certificate));
  MIXMATCH_ASSIGN_OR_RETURN(read.tls_key, ReadFile("--tls-key", files.tls_key));
  if (read.tls_certificate.empty() != read.tls_key.empty()) {
    return absl::InvalidArgumentError("--tls-cert, --tls-key: got one, wanted both or none");
  }
  read.tls = !read.tls_ca.empty() || !read.tls_certificate.empty();
  return read;
}

bool IsOnThisMachine(absl::string_view address) {
  if (absl::StartsWith(address, "unix:") || absl::StartsWith(address, "unix-abstract:")) return true;
  const absl::string_view host = address.substr(0, std::min(address.rfind(':'), address.size()));
  const bool is_ipv4 = host.find_first_not_of("0123456789.") == absl::string_view::npos &&
                       std::count(host.begin(), host.end(), '.') == 3;
  return host == "localhost" || host == "[::1]" || (is_ipv4 && absl::StartsWith(host, "127."));
}

bool WouldShowToken(const Credentials& credentials, absl::string_view address) {
  return !credentials.token.empty() && !credentials.tls && !credentials.insecure_token && !IsOnThisMachine(address);
}

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address, const Credentials& credentials,
                                           const grpc::ChannelArguments& arguments) {
  grpc::ChannelArguments own = arguments;
  std::shared_ptr<grpc::ChannelCredentials> transport = grpc::InsecureChannelCredentials();
  if (credentials.tls) {
    if (!credentials.server_name.empty()) own.SetSslTargetNameOverride(credentials.server_name);
    transport = grpc::SslCredentials({credentials.tls_ca, credentials.tls_key, credentials.tls_certificate});
  }
  if (credentials.token.empty() || WouldShowToken(credentials, address)) {
    return grpc::CreateCustomChannel(address, transport, own);
  }
  std::vector<std::unique_ptr<grpc::experimental::ClientInterceptorFactoryInterface>> interceptors;
  interceptors.push_back(std::make_unique<SendTokenFactory>(credentials.token));
  return grpc::experimental::CreateCustomChannelWithInterceptors(address, transport, own, std::move(interceptors));
}

}  // namespace mixmatch::client
