#include "server/event_groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/modality/modality.h"

namespace mixmatch::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

v1::Part MakePart(v1::Modality modality, uint64_t position, double start, double end) {
  v1::Part part;
  part.set_item_id(1);
  part.set_part_id(1 << 16 | position);
  part.set_modality(modality);
  part.set_start_seconds(start);
  part.set_end_seconds(end);
  return part;
}

std::vector<uint64_t> Positions(const Group& group) {
  std::vector<uint64_t> positions;
  for (const auto& [slot, part_id] : group.parts) positions.push_back(part_id & 0xffff);
  return positions;
}

TEST(ContainerGroupsTest, OnePartOccursWithNothing) {
  EXPECT_THAT(ContainerGroups({MakePart(v1::MODALITY_VIDEO, 0, 0, 3)}), IsEmpty());
  EXPECT_THAT(ContainerGroups({}), IsEmpty());
}

TEST(ContainerGroupsTest, AShotGoesWithTheSoundAndSubtitlesThatOverlapIt) {
  const auto groups = ContainerGroups({
      MakePart(v1::MODALITY_VIDEO, 0, 0, 5),
      MakePart(v1::MODALITY_VIDEO, 1, 5, 12),
      MakePart(v1::MODALITY_AUDIO, 2, 0, 10),
      MakePart(v1::MODALITY_TEXT, 3, 1, 2),
      MakePart(v1::MODALITY_TEXT, 4, 6, 8),
  });
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_THAT(Positions(groups[0]), ElementsAre(0, 2, 3));
  EXPECT_THAT(Positions(groups[1]), ElementsAre(1, 2, 4));
  EXPECT_EQ(groups[0].parts[0].first, model::SlotOf(model::Modality::kVideo));
  EXPECT_EQ(groups[0].parts[1].first, model::SlotOf(model::Modality::kAudio));
}

TEST(ContainerGroupsTest, PartsThatOnlyTouchDoNotOverlap) {
  const auto groups = ContainerGroups({
      MakePart(v1::MODALITY_VIDEO, 0, 0, 5),
      MakePart(v1::MODALITY_VIDEO, 1, 5, 9),
      MakePart(v1::MODALITY_AUDIO, 2, 5, 9),
  });
  ASSERT_EQ(groups.size(), 1u);
  EXPECT_THAT(Positions(groups[0]), ElementsAre(1, 2));
}

TEST(ContainerGroupsTest, ContainersCountMoreThanDeclaredEvents) {
  const auto groups = ContainerGroups({MakePart(v1::MODALITY_VIDEO, 0, 0, 5), MakePart(v1::MODALITY_AUDIO, 1, 0, 5)});
  ASSERT_EQ(groups.size(), 1u);
  EXPECT_GT(groups[0].weight, 1.0);
}

TEST(ContainerGroupsTest, PartsOfAnythingElseAreOneGroup) {
  const auto groups = ContainerGroups({MakePart(v1::MODALITY_TEXT, 0, 0, 0), MakePart(v1::MODALITY_TEXT, 1, 0, 0)});
  ASSERT_EQ(groups.size(), 1u);
  EXPECT_THAT(Positions(groups[0]), ElementsAre(0, 1));
  EXPECT_EQ(groups[0].weight, 1.0);
}

TEST(ContainerIdTest, AnItemAndItsContainersIdNameEachOther) {
  EXPECT_EQ(ContainerId(42), "item:42");
  EXPECT_EQ(ContainerItem("item:42"), 42u);
  EXPECT_EQ(ContainerItem("item:"), 0u);
  EXPECT_EQ(ContainerItem("item:x"), 0u);
  EXPECT_EQ(ContainerItem("42"), 0u);
}

}  // namespace
}  // namespace mixmatch::server
