#include "server/backup/checkpoint_archive.h"

#include <gmock/gmock.h>

#include "tests/server/rooms.h"

namespace mixmatch::server {
namespace {

TEST(CheckpointArchiveTest, GivesBackTheTrunkAndIsATrunksFileToo) {
  const auto archive = WriteArchive(*MakeServing(3, 1), 1234, "state of the trainer");
  ASSERT_TRUE(archive.ok()) << archive.status();
  const auto read = ReadArchive(*archive);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->steps, 1234u);
  EXPECT_EQ(read->trunk->ToBytes(), TinyTrunk()->ToBytes());
  EXPECT_TRUE(model::Trunk::FromBytes(*archive).ok());
  const auto plain = ReadArchive(TinyTrunk()->ToBytes());
  ASSERT_TRUE(plain.ok()) << plain.status();
  EXPECT_EQ(plain->steps, 0u);
}

TEST(CheckpointArchiveTest, CutAlteredOrOtherBytesAreInvalid) {
  const std::string archive = WriteArchive(*MakeServing(3, 1), 1, "").value();
  std::string altered = archive;
  altered[altered.size() / 2] ^= 1;
  std::string huge_header = archive;
  huge_header[6] = '\x7f';
  for (const std::string& bad :
       {std::string(), std::string("no"), altered, huge_header, archive.substr(0, archive.size() - 1), archive.substr(1)}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ReadArchive(bad).status())) << ReadArchive(bad).status();
  }
}

}  // namespace
}  // namespace mixmatch::server
