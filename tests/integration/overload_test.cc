#include <errno.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string.h>
#include <sys/mount.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/integration/api.h"
#include "tests/integration/server_process.h"

namespace mixmatch {
namespace {

using ::testing::HasSubstr;

// A disk of 1 GiB, gone afterwards.
class SmallDisk {
 public:
  SmallDisk() { mounted_ = mount("tmpfs", dir_.path().c_str(), "tmpfs", 0, "size=1g") == 0; }
  ~SmallDisk() {
    if (mounted_) umount2(dir_.path().c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }
  const std::string& path() const { return dir_.path(); }

 private:
  ScratchDir dir_;
  bool mounted_ = false;
};

TEST(OverloadTest, ADiskWithoutRoomRefusesUploadsButSearchesAndDeletesAndTakesThemAgainByItself) {
  SmallDisk disk;
  if (!disk.mounted()) GTEST_SKIP() << "cannot mount a disk here: " << strerror(errno);
  ServerProcess server(disk.path() + "/data", {"--min-free-bytes", "400000000", "--learning", "off"});
  ASSERT_TRUE(server.Start());
  Api api(server.address());
  const uint64_t item = api.Put("A red engine.");
  const uint64_t other = api.Put("A blue boat.");
  const std::string ballast = disk.path() + "/ballast";
  {
    std::ofstream out(ballast);
    const std::string piece(1 << 20, 'x');
    for (int i = 0; i < 650; ++i) out << piece;
  }
  absl::Status refused;
  const absl::Time give_up = absl::Now() + absl::Seconds(30);
  while ((refused = api.Upload("A green field.").status()).ok() && absl::Now() < give_up) {
  }
  EXPECT_TRUE(absl::IsResourceExhausted(refused)) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("--min-free-bytes"));
  EXPECT_TRUE(api.Search(ByText("engine")).ok());
  EXPECT_TRUE(api.Get(item).ok());
  EXPECT_TRUE(api.Delete(other).ok());
  std::filesystem::remove(ballast);
  absl::Status taken;
  while (!(taken = api.Upload("A yellow moon.").status()).ok() && absl::Now() < give_up) absl::SleepFor(absl::Milliseconds(10));
  EXPECT_TRUE(taken.ok()) << taken;
}

TEST(OverloadTest, AServerWithoutMemoryRefusesUploadsAndSearchesAndStillSaysHowItDoes) {
  ScratchDir scratch;
  ServerProcess server(scratch.path() + "/data", {"--max-memory-bytes", "1000000"});
  ASSERT_TRUE(server.Start());
  Api api(server.address());
  EXPECT_TRUE(absl::IsResourceExhausted(api.Upload("A red engine.").status()));
  grpc::ClientContext context;
  v1::SearchResponse response;
  const grpc::Status searched = api.searches->Search(&context, ByText("engine"), &response);
  EXPECT_EQ(searched.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(context.GetServerTrailingMetadata().count("grpc-retry-pushback-ms"), 1u);
  EXPECT_GT(api.Stats().resident_bytes(), 1'000'000u);
}

TEST(OverloadTest, ADrainedServerTakesNoWritesAndSearchesOn) {
  ScratchDir scratch;
  ServerProcess server(scratch.path() + "/data", {"--max-k", "77"});
  ASSERT_TRUE(server.Start());
  Api api(server.address());
  const uint64_t item = api.Put("A red engine.");
  const auto drained = api.client->Drain(false);
  ASSERT_TRUE(drained.ok()) << drained.status();
  EXPECT_TRUE(drained->draining());
  EXPECT_TRUE(absl::IsUnavailable(api.Upload("A blue boat.").status()));
  EXPECT_TRUE(absl::IsUnavailable(api.Delete(item)));
  EXPECT_TRUE(api.Search(ByText("engine")).ok());
  EXPECT_EQ(*api.Health(), 1);
  EXPECT_EQ(*api.Health("mixmatch.v1.SearchService"), 1);
  EXPECT_EQ(*api.Health("mixmatch.v1.ItemService"), 2);
  EXPECT_EQ(*api.Health("mixmatch.v1.EventService"), 2);
  ASSERT_TRUE(api.client->Drain(true).ok());
  EXPECT_EQ(*api.Health("mixmatch.v1.ItemService"), 1);
  EXPECT_TRUE(api.Upload("A blue boat.").ok());

  const auto config = api.client->Config();
  ASSERT_TRUE(config.ok()) << config.status();
  for (const v1::Setting& setting : config->settings()) {
    if (setting.name() != "max-k" && setting.name() != "max-searches") continue;
    EXPECT_EQ(setting.value(), setting.name() == "max-k" ? "77" : "64");
    EXPECT_EQ(setting.changed(), setting.name() == "max-k") << setting.name();
  }
  EXPECT_GT(config->settings_size(), 40);
}

}  // namespace
}  // namespace mixmatch
