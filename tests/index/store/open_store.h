// A store in a directory of its own, gone afterwards.
#ifndef MIXMATCH_TESTS_INDEX_STORE_OPEN_STORE_H_
#define MIXMATCH_TESTS_INDEX_STORE_OPEN_STORE_H_

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/store/store.h"

namespace mixmatch::index {

// The environment may name the store's directory, which is then kept: for a test that goes on in a process of its own.
constexpr char kGivenStore[] = "MIXMATCH_TEST_STORE";

class StoreTest : public ::testing::Test {
 protected:
  StoreTest() {
    if (const char* given = getenv(kGivenStore); given != nullptr) {
      path_ = given;
      Reopen();
      return;
    }
    std::string pattern = (std::filesystem::temp_directory_path() / "mixmatch_store_XXXXXX").string();
    path_ = mkdtemp(pattern.data());
    Reopen();
  }
  ~StoreTest() override {
    store_.reset();
    if (getenv(kGivenStore) == nullptr) std::filesystem::remove_all(path_);
  }

  void Reopen() {
    store_.reset();
    auto store = Store::Open({path_});
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }

  // Commits what `fill` puts into a batch.
  template <typename Fill>
  absl::Status Commit(Fill fill, bool sync = false) {
    std::unique_ptr<StoreBatch> batch = store_->NewBatch();
    fill(*batch);
    return store_->Commit(std::move(batch), sync);
  }

  static storage::ItemRecord Item(uint64_t id, const std::string& name) {
    storage::ItemRecord record;
    record.mutable_item()->set_item_id(id);
    record.mutable_item()->set_name(name);
    return record;
  }

  static storage::PartRecord Part(uint64_t item_id, uint64_t position) {
    storage::PartRecord record;
    record.mutable_part()->set_part_id(item_id * 65536 + position);
    record.mutable_part()->set_item_id(item_id);
    return record;
  }

  static storage::EventRecord Event(const std::string& id, std::initializer_list<uint64_t> items) {
    storage::EventRecord record;
    record.mutable_event()->set_event_id(id);
    for (uint64_t item : items) record.mutable_event()->add_members()->set_item_id(item);
    return record;
  }

  std::string path_;
  std::unique_ptr<Store> store_;
};

}  // namespace mixmatch::index

#endif  // MIXMATCH_TESTS_INDEX_STORE_OPEN_STORE_H_
