#include "client/cli/html.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mixmatch::client {
namespace {

using testing::HasSubstr;
using testing::Not;

PageHit Hostile() {
  PageHit hit;
  v1::Item& item = *hit.hit.mutable_item();
  item.set_name("<script>alert('x')</script>");
  item.set_media_type("image/svg+xml\" onload=\"alert(1)");
  (*item.mutable_metadata())["note"].set_text("</li><img src=x onerror=alert(1)>");
  hit.hit.set_event_id("\"><img src=x>");
  hit.hit.mutable_part()->set_modality(v1::MODALITY_TEXT);
  hit.hit.mutable_part()->set_snippet("</blockquote><iframe>");
  hit.hit.set_score(0.5f);
  hit.note = "<b>note</b>";
  return hit;
}

Page PageOf(PageHit hit) {
  Page page;
  page.hits.push_back(std::move(hit));
  return page;
}

TEST(HtmlTest, NothingHostileReachesThePageUnescaped) {
  Page page = PageOf(Hostile());
  page.query.push_back({"text", 1, "<svg onload=alert(1)>", ""});
  const std::string html = ResultPage(page);
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, Not(HasSubstr("<iframe")));
  EXPECT_THAT(html, Not(HasSubstr("<svg")));
  EXPECT_THAT(html, Not(HasSubstr("<img src=x")));
  EXPECT_THAT(html, Not(HasSubstr("<b>")));
  EXPECT_THAT(html, Not(HasSubstr("onload=\"")));
  EXPECT_THAT(html, HasSubstr("default-src 'none'"));
}

TEST(HtmlTest, APictureIsEmbeddedByItsBytesNotItsStatedType) {
  PageHit hit = Hostile();
  hit.content = "\x89PNG\r\n";
  EXPECT_THAT(ResultPage(PageOf(hit)), HasSubstr("<img alt=\"\" src=\"data:image/png;base64,iVBORw0K\">"));
}

TEST(HtmlTest, APartOfASoundStartsWhereItWasFound) {
  PageHit hit = Hostile();
  hit.content = "OggS";
  hit.hit.mutable_part()->set_start_seconds(8.0);
  hit.hit.mutable_part()->set_end_seconds(18.0);
  EXPECT_THAT(ResultPage(PageOf(hit)),
              HasSubstr("<audio controls preload=\"metadata\" src=\"data:audio/ogg;base64,T2dnUw==#t=8.00\""));
}

TEST(HtmlTest, BytesThatNoBrowserPlaysAreNotEmbedded) {
  PageHit hit = Hostile();
  hit.content = "MZ\x90";
  EXPECT_THAT(ResultPage(PageOf(hit)), Not(HasSubstr("base64")));
}

TEST(HtmlTest, AScoreBelowZeroHasAnEmptyBar) {
  PageHit hit = Hostile();
  hit.hit.set_score(-0.25f);
  EXPECT_THAT(ResultPage(PageOf(hit)), HasSubstr("width:0.0%"));
}

TEST(HtmlTest, MarkupOtherThanSvgIsNoPicture) {
  EXPECT_EQ(SniffMedia("<html><body>"), "");
  EXPECT_EQ(SniffMedia("words about <svg>"), "");
  EXPECT_EQ(SniffMedia("<?xml version=\"1.0\"?><svg>"), "image/svg+xml");
}

}  // namespace
}  // namespace mixmatch::client
