#include "server/rpc/rpc_table.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "mixmatch/v1/access_service.pb.h"
#include "mixmatch/v1/admin_service.pb.h"
#include "mixmatch/v1/event_service.pb.h"
#include "mixmatch/v1/item_service.pb.h"
#include "mixmatch/v1/learning_service.pb.h"
#include "mixmatch/v1/search_service.pb.h"

namespace mixmatch::server {
namespace {

void AddMethods(const google::protobuf::FileDescriptor* file, std::set<std::string>& names) {
  for (int s = 0; s < file->service_count(); ++s) {
    const google::protobuf::ServiceDescriptor* service = file->service(s);
    for (int m = 0; m < service->method_count(); ++m) names.insert(service->name() + "/" + service->method(m)->name());
  }
}

TEST(RpcTableTest, HasEachRpcOfEachServiceOnceAndNoOther) {
  std::set<std::string> declared;
  AddMethods(v1::WhoAmIRequest::descriptor()->file(), declared);
  AddMethods(v1::StatsRequest::descriptor()->file(), declared);
  AddMethods(v1::LinkRequest::descriptor()->file(), declared);
  AddMethods(v1::UploadRequest::descriptor()->file(), declared);
  AddMethods(v1::PauseRequest::descriptor()->file(), declared);
  AddMethods(v1::SearchRequest::descriptor()->file(), declared);
  std::set<std::string> listed;
  for (const Rpc& rpc : RpcTable()) EXPECT_TRUE(listed.insert(rpc.name).second) << rpc.name << " stands twice";
  EXPECT_EQ(listed, declared);
}

TEST(RpcTableTest, NothingThatWritesNeedsOnlyTheRoleOfReading) {
  for (const Rpc& rpc : RpcTable()) {
    EXPECT_TRUE(!rpc.writes || rpc.role > v1::ROLE_READ) << rpc.name;
  }
}

TEST(RpcTableTest, StreamsAndCallsThatWaitAreToldFromOthers) {
  for (const char* name : {"ItemService/Upload", "ItemService/Live", "ItemService/Download", "SearchService/StreamSearch",
                           "LearningService/Watch", "AdminService/WaitOperation"}) {
    EXPECT_TRUE(Waits(RpcNamed(name))) << name;
  }
  for (const char* name : {"SearchService/Search", "AdminService/Stats", "LearningService/Pause"}) {
    EXPECT_FALSE(Waits(RpcNamed(name))) << name;
  }
}

}  // namespace
}  // namespace mixmatch::server
