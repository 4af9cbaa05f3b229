#include "server/rpc/front_door.h"

#include <gmock/gmock.h>
#include <grpcpp/test/server_context_test_spouse.h>
#include <gtest/gtest.h>

#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "server/rpc/retry_after.h"

namespace mixmatch::server {
namespace {

using ::testing::ElementsAre;

constexpr char kGet[] = "ItemService/Get";

class FrontDoorTest : public ::testing::Test, public CallObserver {
 protected:
  // Writes down what it is told, and refuses with `answer`.
  class Keeper : public Doorkeeper {
   public:
    Keeper(std::string name, std::vector<std::string>& told) : name_(std::move(name)), told_(told) {}
    absl::Status Admit(Call&) override {
      told_.push_back(absl::StrCat(name_, " asked"));
      return answer;
    }
    void Left(const Call&) override { told_.push_back(absl::StrCat(name_, " left")); }
    absl::Status answer;

   private:
    const std::string name_;
    std::vector<std::string>& told_;
  };

  FrontDoorTest() : first_("first", told_), second_("second", told_) {
    door_.Add(&first_);
    door_.Add(&second_);
    door_.Add(this);
  }

  void Ended(const Call& call, const absl::Status& status, absl::Duration) override {
    told_.push_back(absl::StrCat(call.rpc.name, " ", absl::StatusCodeToString(status.code())));
  }

  grpc::Status Handle(absl::FunctionRef<absl::Status(const Caller&)> handler) {
    return door_.Handle(context_, kGet, handler);
  }

  std::string Pushback() {
    const auto metadata = grpc::testing::ServerContextTestSpouse(&context_).GetTrailingMetadata();
    const auto found = metadata.find("grpc-retry-pushback-ms");
    return found == metadata.end() ? "none" : found->second;
  }

  std::vector<std::string> told_;
  Keeper first_, second_;
  grpc::ServerContext context_;
  FrontDoor door_;
};

TEST_F(FrontDoorTest, KeepersAreAskedInOrderAndLeftInReverse) {
  EXPECT_TRUE(Handle([&](const Caller&) {
                told_.push_back("handled");
                return absl::OkStatus();
              }).ok());
  EXPECT_THAT(told_, ElementsAre("first asked", "second asked", "handled", "second left", "first left",
                                 "ItemService/Get OK"));
  EXPECT_EQ(Pushback(), "none");
}

TEST_F(FrontDoorTest, ARefusedCallIsNotHandledAndOnlyThoseWhoAdmittedItHearThatItLeft) {
  second_.answer = absl::PermissionDeniedError("role: needs read");
  const grpc::Status status = Handle([&](const Caller&) {
    told_.push_back("handled");
    return absl::OkStatus();
  });
  EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_THAT(told_, ElementsAre("first asked", "second asked", "first left", "ItemService/Get PERMISSION_DENIED"));
}

TEST_F(FrontDoorTest, ARefusalForNowSaysWhenToComeAgain) {
  const grpc::Status status =
      Handle([](const Caller&) { return TryAgainAfter(absl::Milliseconds(1500), "server: busy"); });
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(Pushback(), "1500");
  google::rpc::Status details;
  google::rpc::RetryInfo info;
  ASSERT_TRUE(details.ParseFromString(status.error_details()));
  ASSERT_EQ(details.details_size(), 1);
  ASSERT_TRUE(details.details(0).UnpackTo(&info));
  EXPECT_EQ(info.retry_delay().seconds(), 1);
  EXPECT_EQ(info.retry_delay().nanos(), 500'000'000);
}

TEST_F(FrontDoorTest, WhatIsExhaustedForGoodIsNotToBeTriedAgain) {
  EXPECT_EQ(Handle([](const Caller&) { return absl::ResourceExhaustedError("quota: used up"); }).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(Pushback(), "-1");
}

TEST_F(FrontDoorTest, AHandlerThatThrowsEndsItsCallAndNoOther) {
  EXPECT_EQ(Handle([](const Caller&) -> absl::Status { throw std::runtime_error("a library's"); }).error_code(),
            grpc::StatusCode::INTERNAL);
  EXPECT_THAT(told_, ElementsAre("first asked", "second asked", "second left", "first left",
                                 "ItemService/Get INTERNAL"));
}

TEST_F(FrontDoorTest, AHandlerWithoutMemoryMayBeCalledAgain) {
  EXPECT_EQ(Handle([](const Caller&) -> absl::Status { throw std::bad_alloc(); }).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(Pushback(), "1000");
}

}  // namespace
}  // namespace mixmatch::server
