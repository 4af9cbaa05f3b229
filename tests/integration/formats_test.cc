// One item of each kind of file through a real server: uploaded, cut, and found with the right part.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/integration/api.h"
#include "tests/integration/media.h"
#include "tests/integration/server_process.h"
#include "tests/model/media/midi_bytes.h"

namespace mixmatch {
namespace {

using ::testing::ElementsAre;

const std::vector<std::string> kFlags = {"--slow-learning", "off", "--learn-interval-seconds", "0"};

v1::SearchRequest Among(v1::SearchRequest request, v1::Modality modality) {
  request.add_target_modalities(modality);
  return request;
}

TEST(ScoresTest, ATuneIsFoundByTheWordsThatOccurredWithItAndByItsOwnNotes) {
  constexpr const char* kWords[] = {"a lullaby for the youngest", "the march of the guards", "three old sailors drinking",
                                    "rain on a tin roof",         "wedding in the mountains"};
  constexpr int kTunes = std::size(kWords);
  ScratchDir dir;
  ServerProcess server(dir.path(), kFlags);
  ASSERT_TRUE(server.Start());
  Api api(server.address());
  uint64_t tunes[kTunes], words[kTunes];
  for (int i = 0; i < kTunes; ++i) {
    tunes[i] = api.Put(MakeMidi(i + 1), absl::StrCat("song-", i), absl::StrCat("song-", i, ".mid"));
    words[i] = api.Put(kWords[i], absl::StrCat("song-", i));
  }
  const auto item = api.Get(tunes[0]);
  ASSERT_TRUE(item.ok()) << item.status();
  EXPECT_EQ(item->modality(), v1::MODALITY_SCORE);
  EXPECT_EQ(item->media_type(), "audio/midi");
  EXPECT_EQ(item->duration().seconds(), 32);
  ASSERT_EQ(item->part_count(), 2u) << "16 bars: 8, and those from the seventh on";
  api.WaitLearned();
  for (int i = 0; i < kTunes; ++i) {
    EXPECT_THAT(HitItems(api.Search(Among(ByText(kWords[i], 1), v1::MODALITY_SCORE))), ElementsAre(tunes[i]));
    EXPECT_THAT(HitItems(api.Search(Among(ByContent(MakeMidi(i + 1), 1), v1::MODALITY_TEXT))), ElementsAre(words[i]));
    const auto own = api.Search(Among(ByContent(MakeMidi(i + 1, 32), 1), v1::MODALITY_SCORE));
    ASSERT_THAT(HitItems(own), ElementsAre(tunes[i])) << "its first eight bars";
    EXPECT_EQ(own->hits(0).part().start_seconds(), 0.0);
    EXPECT_EQ(own->hits(0).part().end_seconds(), 16.0);
    EXPECT_THAT(own->hits(0).part().snippet(), testing::HasSubstr("120 beats a minute"));
  }
}

}  // namespace
}  // namespace mixmatch
