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
  Page page;
  page.query.push_back({"<b>query</b>", 1.0, "<i>text</i>", ""});
  page.hits.push_back(Hostile());
  const std::string html = ResultPage(page);
  EXPECT_THAT(html, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(html, Not(HasSubstr("<b>query")));
  EXPECT_THAT(html, Not(HasSubstr("<i>text")));
  EXPECT_THAT(html, Not(HasSubstr("onload=\"")));
  EXPECT_THAT(html, Not(HasSubstr("<img src=x>")));
  EXPECT_THAT(html, HasSubstr("Content-Security-Policy"));
}

}  // namespace
}  // namespace mixmatch::client
