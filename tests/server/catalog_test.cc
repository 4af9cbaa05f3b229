#include "server/catalog.h"

#include <gtest/gtest.h>

namespace mixmatch::server {
namespace {

ItemRecord Record(uint64_t id, const std::string& name) {
  ItemRecord record;
  record.mutable_item()->set_item_id(id);
  record.mutable_item()->set_name(name);
  return record;
}

TEST(CatalogTest, AnEmptyCatalogHasNothing) {
  Catalog catalog;
  EXPECT_EQ(catalog.Get(1), nullptr);
  EXPECT_FALSE(catalog.Contains(1));
  EXPECT_EQ(catalog.size(), 0u);
  EXPECT_EQ(catalog.largest_id(), 0u);
  EXPECT_TRUE(catalog.From(0, 10).empty());
}

TEST(CatalogTest, APutReplacesTheRecordAndLeavesOldReadersTheirs) {
  Catalog catalog;
  catalog.Put(Record(7, "old"));
  const auto old = catalog.Get(7);
  catalog.Put(Record(7, "new"));
  EXPECT_EQ(old->item().name(), "old");
  EXPECT_EQ(catalog.Get(7)->item().name(), "new");
  EXPECT_EQ(catalog.size(), 1u);
}

TEST(CatalogTest, FromGivesRecordsByAscendingIdFromAnIdThatNeedNotExist) {
  Catalog catalog;
  for (uint64_t id : {30, 10, 20}) catalog.Put(Record(id, ""));
  const auto records = catalog.From(11, 10);
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0]->item().item_id(), 20u);
  EXPECT_EQ(records[1]->item().item_id(), 30u);
  EXPECT_EQ(catalog.From(0, 1).size(), 1u);
  EXPECT_EQ(catalog.largest_id(), 30u);
}

TEST(CatalogTest, WhatChangedSinceAVersionIsKnownUntilItIsLongAgo) {
  Catalog catalog;
  catalog.Put(Record(1, ""));
  const uint64_t version = catalog.version();
  std::vector<uint64_t> ids = {99};
  ASSERT_TRUE(catalog.ChangedSince(version, ids));
  EXPECT_TRUE(ids.empty());
  catalog.Put(Record(2, ""));
  catalog.Remove(1);
  ASSERT_TRUE(catalog.ChangedSince(version, ids));
  EXPECT_EQ(ids, (std::vector<uint64_t>{2, 1}));
  for (int i = 0; i < 100'000; ++i) catalog.Put(Record(3, ""));
  EXPECT_FALSE(catalog.ChangedSince(version, ids));
}

TEST(CatalogTest, ARemovedRecordIsGone) {
  Catalog catalog;
  catalog.Put(Record(1, ""));
  catalog.Remove(1);
  catalog.Remove(1);  // Again: no harm.
  EXPECT_FALSE(catalog.Contains(1));
}

}  // namespace
}  // namespace mixmatch::server
