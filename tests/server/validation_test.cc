#include "server/validation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"

namespace mixmatch::server {
namespace {

bool Refused(const absl::Status& status) { return absl::IsInvalidArgument(status); }

TEST(ValidationTest, AnEmptyHeaderIsGood) { EXPECT_TRUE(CheckHeader(v1::UploadHeader()).ok()); }

TEST(ValidationTest, LengthsAreTakenUpToTheirLimitAndNotBeyond) {
  v1::UploadHeader header;
  header.set_request_id(std::string(128, 'r'));
  header.set_name(std::string(1024, 'n'));
  header.set_source(std::string(1024, 's'));
  header.set_event_id(std::string(256, 'e'));
  EXPECT_TRUE(CheckHeader(header).ok());
  v1::UploadHeader longer = header;
  longer.mutable_request_id()->push_back('r');
  EXPECT_TRUE(Refused(CheckHeader(longer)));
  longer = header;
  longer.mutable_name()->push_back('n');
  EXPECT_TRUE(Refused(CheckHeader(longer)));
  longer = header;
  longer.mutable_source()->push_back('s');
  EXPECT_TRUE(Refused(CheckHeader(longer)));
  longer = header;
  longer.mutable_event_id()->push_back('e');
  EXPECT_TRUE(Refused(CheckHeader(longer)));
}

TEST(ValidationTest, EventIdsOfContainersAreTheServersOwn) {
  EXPECT_TRUE(Refused(CheckEventId("event_id", "item:1")));
  EXPECT_TRUE(CheckEventId("event_id", "items:1").ok());
  EXPECT_TRUE(CheckEventId("event_id", "").ok());
}

TEST(ValidationTest, APlaceMustBeOnEarth) {
  for (const auto& [latitude, longitude, good] :
       {std::make_tuple(90.0, 180.0, true), std::make_tuple(-90.0, -180.0, true), std::make_tuple(90.1, 0.0, false),
        std::make_tuple(0.0, -180.1, false), std::make_tuple(std::nan(""), 0.0, false),
        std::make_tuple(0.0, std::nan(""), false)}) {
    v1::UploadHeader header;
    header.mutable_location()->set_latitude(latitude);
    header.mutable_location()->set_longitude(longitude);
    EXPECT_EQ(CheckHeader(header).ok(), good) << latitude << " " << longitude;
  }
}

TEST(ValidationTest, ADurationIsNotNegativeEvenByNanoseconds) {
  v1::UploadHeader header;
  header.mutable_observed_duration()->set_seconds(-1);
  EXPECT_TRUE(Refused(CheckHeader(header)));
  header.mutable_observed_duration()->set_seconds(0);
  header.mutable_observed_duration()->set_nanos(-1);
  EXPECT_TRUE(Refused(CheckHeader(header)));
  header.mutable_observed_duration()->set_nanos(1);
  EXPECT_TRUE(CheckHeader(header).ok());
}

TEST(ValidationTest, GoingOnNeedsARequestId) {
  v1::UploadHeader header;
  header.set_resume_offset(1);
  EXPECT_TRUE(Refused(CheckHeader(header)));
  header.set_request_id("r");
  EXPECT_TRUE(CheckHeader(header).ok());
}

TEST(ValidationTest, MetadataKeysAndValuesHaveLimits) {
  const auto check = [](const std::string& key, const v1::MetadataValue& value) {
    v1::UploadHeader header;
    (*header.mutable_metadata())[key] = value;
    return CheckHeader(header);
  };
  v1::MetadataValue value;
  EXPECT_TRUE(Refused(check("key", value))) << "a value of no kind";
  value.set_text(std::string(4096, 'x'));
  EXPECT_TRUE(check("A-z_0.9", value).ok());
  EXPECT_TRUE(check(std::string(128, 'k'), value).ok());
  EXPECT_TRUE(Refused(check(std::string(129, 'k'), value)));
  EXPECT_TRUE(Refused(check("", value)));
  EXPECT_TRUE(Refused(check("a b", value)));
  EXPECT_TRUE(Refused(check("schlüssel", value)));
  value.set_text(std::string(4097, 'x'));
  EXPECT_TRUE(Refused(check("key", value)));
  value.set_number(std::numeric_limits<double>::infinity());
  EXPECT_TRUE(Refused(check("key", value)));
  value.set_number(-0.5);
  EXPECT_TRUE(check("key", value).ok());
  value.set_flag(false);
  EXPECT_TRUE(check("key", value).ok());
}

TEST(ValidationTest, AnItemHasAtMost64MetadataKeys) {
  v1::UploadHeader header;
  for (int i = 0; i < 64; ++i) (*header.mutable_metadata())[absl::StrCat("k", i)].set_number(i);
  EXPECT_TRUE(CheckHeader(header).ok());
  (*header.mutable_metadata())["k64"].set_number(64);
  EXPECT_TRUE(Refused(CheckHeader(header)));
}

TEST(ValidationTest, AMemberNamesAnItemAndOnlyAPartOfThatItem) {
  v1::EventMember member;
  EXPECT_TRUE(Refused(CheckMember(member)));
  member.set_item_id(3);
  EXPECT_TRUE(CheckMember(member).ok());
  member.set_part_id(3 << 16 | 5);
  EXPECT_TRUE(CheckMember(member).ok());
  member.set_part_id(4 << 16);
  EXPECT_TRUE(Refused(CheckMember(member)));
}

TEST(ValidationTest, AWeightIsUpTo100AndANumber) {
  v1::EventMember member;
  member.set_item_id(1);
  for (const auto& [weight, good] : {std::make_pair(0.0f, true), std::make_pair(100.0f, true),
                                     std::make_pair(100.5f, false), std::make_pair(-1.0f, false),
                                     std::make_pair(std::nanf(""), false)}) {
    member.set_weight(weight);
    EXPECT_EQ(CheckMember(member).ok(), good) << weight;
  }
}

TEST(ValidationTest, APageHas1To1000EntriesAnd100IfNotStated) {
  EXPECT_EQ(PageSize(0).value(), 100);
  EXPECT_EQ(PageSize(1).value(), 1);
  EXPECT_EQ(PageSize(1000).value(), 1000);
  EXPECT_TRUE(Refused(PageSize(1001).status()));
  EXPECT_TRUE(Refused(PageSize(-1).status()));
}

TEST(ValidationTest, APageTokenIsEmptyOrOneOfTheServers) {
  EXPECT_EQ(PageToken("").value(), 0u);
  EXPECT_EQ(PageToken("42").value(), 42u);
  EXPECT_TRUE(Refused(PageToken("next").status()));
  EXPECT_TRUE(Refused(PageToken("-1").status()));
}

TEST(ValidationTest, AMessageNamesTheFieldAndWhatWasWantedButNeverTheValue) {
  v1::UploadHeader header;
  header.set_event_id("secret" + std::string(300, 'x'));
  const absl::Status status = CheckHeader(header);
  EXPECT_NE(status.message().find("header.event_id"), std::string::npos) << status;
  EXPECT_NE(status.message().find("256"), std::string::npos) << status;
  EXPECT_EQ(status.message().find("secret"), std::string::npos) << status;
}

}  // namespace
}  // namespace mixmatch::server
