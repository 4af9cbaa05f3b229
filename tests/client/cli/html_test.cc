#include "client/cli/html.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mixmatch::client {
namespace {

using testing::HasSubstr;
using testing::Not;

PageHit Hostile() {
  PageHit hit;
  hit.hit.mutable_item()->set_name("<script>alert('x')</script>");
  hit.hit.mutable_item()->set_media_type("image/svg+xml\" onload=\"alert(1)");
  hit.hit.mutable_item()->set_modality(v1::MODALITY_IMAGE);
  hit.hit.mutable_item()->add_event_ids("\"><img src=x>");
  hit.hit.set_score(0.5f);
  hit.content = "bytes";
  return hit;
}

TEST(HtmlTest, NothingHostileReachesThePageUnescaped) {
  const std::string page = ResultPage("<b>query</b>", {Hostile()});
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("<b>query")));
  EXPECT_THAT(page, Not(HasSubstr("onload=\"")));
  EXPECT_THAT(page, Not(HasSubstr("<img src=x>")));
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
}

TEST(HtmlTest, APartOfASoundStartsWhereItWasFound) {
  PageHit hit = Hostile();
  hit.hit.mutable_item()->set_modality(v1::MODALITY_AUDIO);
  hit.hit.mutable_item()->set_media_type("audio/ogg");
  hit.hit.mutable_part()->set_start_seconds(8.0);
  hit.hit.mutable_part()->set_end_seconds(18.0);
  const std::string page = ResultPage("q", {hit});
  EXPECT_THAT(page, HasSubstr("<audio controls src=\"data:audio/ogg;base64,Ynl0ZXM=#t=8.00\""));
}

TEST(HtmlTest, WhatIsTooLargeIsNamedNotShown) {
  PageHit hit = Hostile();
  hit.content.clear();
  EXPECT_THAT(ResultPage("q", {hit}), HasSubstr("mixmatch download"));
}

}  // namespace
}  // namespace mixmatch::client
