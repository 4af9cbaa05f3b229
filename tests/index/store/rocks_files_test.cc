#include "index/store/rocks_files.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "index/store/store.h"
#include "tests/index/store/open_store.h"

namespace mixmatch::index {
namespace {

namespace fs = std::filesystem;

class LogDamageTest : public StoreTest {
 protected:
  // The write-ahead log of a store that holds records of many lengths.
  std::string Log() {
    std::mt19937 random(1);
    for (uint64_t id = 1; id <= 120; ++id) {
      EXPECT_TRUE(Commit([&](StoreBatch& batch) {
                    std::string name;
                    for (size_t i = random() % 3000; i-- > 0;) name.push_back(static_cast<char>('a' + random() % 26));
                    batch.PutItem(Item(id, name));
                  }).ok());
    }
    for (const auto& file : fs::directory_iterator(path_)) {
      if (file.path().extension() == ".log" && file.file_size() > 100'000) return file.path().string();
    }
    ADD_FAILURE() << "there is no log";
    return "";
  }
};

TEST_F(LogDamageTest, AnAlteredByteIsFoundWhereverItIs) {
  const std::string log = Log(), copy = path_ + "-copy";
  const auto size = static_cast<int64_t>(fs::file_size(log));
  EXPECT_EQ(LogDamage(log).value(), -1);
  for (int64_t at = 5; at < size - 4000; at += 1237) {  // The last record's own length cannot be told from a cut.
    fs::copy_file(log, copy, fs::copy_options::overwrite_existing);
    std::fstream file(copy, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(at);
    const char byte = static_cast<char>(file.get());
    file.seekp(at);
    file.put(static_cast<char>(byte ^ 0x10));
    file.close();
    const int64_t damage = LogDamage(copy).value();
    EXPECT_GE(damage, 0) << at;
    EXPECT_LE(damage, at);
  }
  fs::remove(copy);
}

TEST_F(LogDamageTest, ALogThatWasCutIsNotDamaged) {
  const std::string log = Log(), copy = path_ + "-copy";
  const auto size = static_cast<int64_t>(fs::file_size(log));
  for (int64_t at = 0; at < size; at += 971) {
    fs::copy_file(log, copy, fs::copy_options::overwrite_existing);
    fs::resize_file(copy, at);
    EXPECT_EQ(LogDamage(copy).value(), -1) << "cut at " << at;
    fs::resize_file(copy, at + 5000);  // The length came to the disk, the bytes did not.
    EXPECT_EQ(LogDamage(copy).value(), -1) << "zeros from " << at;
  }
  fs::remove(copy);
}

TEST_F(StoreTest, WithoutItsFileOfNamesAStoreIsDamagedAndNotNew) {
  ASSERT_TRUE(Commit([](StoreBatch& batch) { batch.PutItem(Item(1, "one")); }).ok());
  store_.reset();
  fs::remove(path_ + "/CURRENT");
  EXPECT_EQ(Store::Open({path_}).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(StoreTest, WithoutItsLogAStoreIsDamagedAndNotShorter) {
  ASSERT_TRUE(Commit([](StoreBatch& batch) { batch.PutItem(Item(1, "one")); }).ok());
  store_.reset();
  for (const auto& file : fs::directory_iterator(path_)) {
    if (file.path().extension() == ".log") fs::remove(file.path());
  }
  EXPECT_EQ(Store::Open({path_}).status().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace mixmatch::index
