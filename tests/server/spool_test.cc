#include "server/spool.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

namespace mixmatch::server {
namespace {

std::string ReadAll(int fd, size_t size) {
  std::string bytes(size, '\0');
  EXPECT_EQ(pread(fd, bytes.data(), size, 0), static_cast<ssize_t>(size));
  return bytes;
}

TEST(SpoolTest, WhatIsAppendedCanBeReadFromTheBeginning) {
  auto spool = Spool::Create(testing::TempDir(), 10);
  ASSERT_TRUE(spool.ok()) << spool.status();
  ASSERT_TRUE(spool->Append("hello ").ok());
  ASSERT_TRUE(spool->Append("world").ok());
  EXPECT_EQ(ReadAll(spool->fd(), 11), "hello world");
}

TEST(SpoolTest, LargeContentGoesToAFileWithoutAName) {
  const std::string directory = testing::TempDir() + "/spool_test";
  std::filesystem::create_directories(directory);
  auto spool = Spool::Create(directory, int64_t{1} << 30);
  ASSERT_TRUE(spool.ok()) << spool.status();
  ASSERT_TRUE(spool->Append("large").ok());
  EXPECT_EQ(ReadAll(spool->fd(), 5), "large");
  EXPECT_TRUE(std::filesystem::is_empty(directory));
}

}  // namespace
}  // namespace mixmatch::server
