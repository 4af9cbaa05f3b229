#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "server/access/access.h"
#include "server/rpc/rpc_table.h"

namespace mixmatch::server {
namespace {

using ::testing::HasSubstr;

TEST(AccessModeTest, OnlyAddressesOfThisMachineAreLoopback) {
  for (const char* listen : {"127.0.0.1:7411", "127.9.9.9:0", "localhost:7411", "[::1]:7411", "unix:/run/mixmatch"}) {
    EXPECT_TRUE(IsLoopback(listen)) << listen;
  }
  for (const char* listen : {"0.0.0.0:7411", "[::]:7411", "192.168.1.2:1", "127.0.0.1.example.org:1", "example.org:1",
                             "localhost.example.org:1", "", "*:7411"}) {
    EXPECT_FALSE(IsLoopback(listen)) << listen;
  }
}

TEST(AccessModeTest, LoopbackIsOpenUntilSomebodyCouldCallByNameOrAClientCaIsGiven) {
  AccessOptions options;
  EXPECT_EQ(ChooseMode(options, "127.0.0.1:0", true).value(), v1::ACCESS_MODE_OPEN);
  EXPECT_EQ(ChooseMode(options, "127.0.0.1:0", false).value(), v1::ACCESS_MODE_USERS);
  options.tls.client_ca = "clients.crt";
  EXPECT_EQ(ChooseMode(options, "127.0.0.1:0", true).value(), v1::ACCESS_MODE_USERS);
}

TEST(AccessModeTest, BeyondLoopbackNothingIsOpenUnlessItIsSaid) {
  AccessOptions options;
  options.tls.certificate = "tls.crt";
  EXPECT_EQ(ChooseMode(options, "0.0.0.0:7411", false).value(), v1::ACCESS_MODE_USERS);
  const absl::Status refused = ChooseMode(options, "0.0.0.0:7411", true).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(refused));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("--admin-token-file"));
  options.access = "open";
  EXPECT_EQ(ChooseMode(options, "0.0.0.0:7411", true).value(), v1::ACCESS_MODE_OPEN);
}

TEST(AccessModeTest, TokensComeUnencryptedFromBeyondOnlyIfItIsSaid) {
  AccessOptions options;
  const absl::Status refused = ChooseMode(options, "0.0.0.0:7411", false).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(refused));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("--insecure-tokens"));
  options.insecure_tokens = true;
  EXPECT_EQ(ChooseMode(options, "0.0.0.0:7411", false).value(), v1::ACCESS_MODE_USERS);
}

// What stands between "| `" and the next "`" or "|", by line.
std::vector<std::string> TableOfSecurityMd() {
  std::vector<std::string> rows;
  std::ifstream file(SECURITY_MD);
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (line == "<!-- rpc table -->") inside = true;
    if (line == "<!-- end of rpc table -->") inside = false;
    const std::vector<std::string> cells = absl::StrSplit(line, '|');
    if (!inside || cells.size() != 5 || cells[1].find('`') == std::string::npos) continue;
    std::string row;
    for (int i = 1; i <= 3; ++i) {
      absl::StrAppend(&row, i > 1 ? " " : "", absl::StripAsciiWhitespace(cells[i]));
    }
    rows.push_back(row);
  }
  return rows;
}

TEST(SecurityMdTest, TheTableOfRolesIsThatOfTheServer) {
  std::vector<std::string> wanted;
  for (const Rpc& rpc : RpcTable()) {
    const std::string role =
        rpc.role == v1::ROLE_UNSPECIFIED
            ? "any"
            : absl::AsciiStrToLower(absl::StripPrefix(v1::Role_Name(rpc.role), "ROLE_"));
    wanted.push_back(absl::StrCat("`", rpc.name, "` ", role, " ", rpc.writes ? "yes" : "no"));
  }
  EXPECT_EQ(TableOfSecurityMd(), wanted);
}

}  // namespace
}  // namespace mixmatch::server
