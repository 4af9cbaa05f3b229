#include "server/options.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace mixmatch::server {
namespace {

absl::StatusOr<ServerOptions> Parse(std::vector<std::string> flags, int& exit_code) {
  flags.insert(flags.begin(), "mixmatchd");
  std::vector<char*> argv;
  for (std::string& flag : flags) argv.push_back(flag.data());
  return ParseOptions(static_cast<int>(argv.size()), argv.data(), exit_code);
}

TEST(OptionsTest, TheFirstTrunkIsOfTheSizeThatIsAskedFor) {
  int exit_code = 0;
  EXPECT_EQ(Parse({}, exit_code)->trunk.width, model::TrunkConfig::Small().width);
  EXPECT_EQ(Parse({"--trunk", "tiny"}, exit_code)->trunk.width, model::TrunkConfig::Tiny().width);
  EXPECT_EQ(Parse({"--trunk", "base"}, exit_code)->trunk.layers, model::TrunkConfig::Base().layers);
}

TEST(OptionsTest, ATrunkOfUnknownSizeIsRefused) {
  int exit_code = 0;
  EXPECT_FALSE(Parse({"--trunk", "huge"}, exit_code).ok());
  EXPECT_EQ(exit_code, 2);
}

}  // namespace
}  // namespace mixmatch::server
