#include "server/rpc/rpc_table.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "mixmatch/v1/admin_service.pb.h"
#include "mixmatch/v1/event_service.pb.h"
#include "mixmatch/v1/item_service.pb.h"
#include "mixmatch/v1/learning_service.pb.h"
#include "mixmatch/v1/search_service.pb.h"

namespace mixmatch::server {
namespace {

constexpr v1::Role kAnyone = v1::ROLE_UNSPECIFIED;
constexpr v1::Role kRead = v1::ROLE_READ;
constexpr v1::Role kWrite = v1::ROLE_WRITE;
constexpr v1::Role kLearn = v1::ROLE_LEARN;
constexpr v1::Role kAdmin = v1::ROLE_ADMIN;

constexpr Rpc kTable[] = {
    {"ItemService/Upload", kWrite, true},
    {"ItemService/Live", kWrite, true},
    {"ItemService/GetUpload", kWrite},
    {"ItemService/Get", kRead},
    {"ItemService/List", kRead},
    {"ItemService/Delete", kWrite, true},
    {"ItemService/Download", kRead},
    {"ItemService/UpdateMetadata", kWrite, true},
    {"EventService/Link", kLearn, true},
    {"EventService/Unlink", kLearn, true},
    {"EventService/Get", kRead},
    {"EventService/List", kRead},
    {"EventService/ListLinks", kRead},
    {"EventService/CorrectLink", kLearn, true},
    {"EventService/HoldLinks", kLearn, true},
    {"EventService/ReleaseLinks", kLearn, true},
    {"EventService/RemoveLinks", kLearn, true},
    {"SearchService/Search", kRead},
    {"SearchService/StreamSearch", kRead},
    {"SearchService/BatchSearch", kRead},
    {"LearningService/Status", kRead},
    {"LearningService/Pause", kLearn, true},
    {"LearningService/Resume", kLearn, true},
    {"LearningService/Watch", kRead},
    {"LearningService/History", kRead},
    {"LearningService/Rollback", kAdmin, true},
    {"LearningService/PinTrunk", kAdmin, true},
    {"LearningService/CompareTrunks", kAdmin},
    {"AdminService/Stats", kRead},
    {"AdminService/GetConfig", kAdmin},
    {"AdminService/Reindex", kAdmin, true},
    {"AdminService/Backup", kAdmin},
    {"AdminService/ListBackups", kAdmin},
    {"AdminService/DeleteBackup", kAdmin},
    {"AdminService/Verify", kAdmin},
    {"AdminService/Compact", kAdmin},
    {"AdminService/Drain", kAdmin},
    {"AdminService/ExportCheckpoint", kAdmin},
    {"AdminService/ImportCheckpoint", kAdmin, true},
    {"AdminService/ListOperations", kAdmin},
    {"AdminService/GetOperation", kAdmin},
    {"AdminService/CancelOperation", kAdmin},
    {"AdminService/WaitOperation", kAdmin},
    {"AccessService/WhoAmI", kAnyone},
    {"AccessService/PutUser", kAdmin, true},
    {"AccessService/ListUsers", kAdmin},
    {"AccessService/DeleteUser", kAdmin, true},
    {"AccessService/CreateToken", kAdmin, true},
    {"AccessService/ListTokens", kAdmin},
    {"AccessService/RevokeToken", kAdmin, true},
};

constexpr absl::string_view kWaiting[] = {"AdminService/WaitOperation", "AdminService/Drain"};

// By descriptors of messages, not by the pool of all that is linked: so the linker must keep the services.
bool IsStream(absl::string_view name) {
  for (const google::protobuf::Descriptor* message :
       {v1::UploadRequest::descriptor(), v1::LinkRequest::descriptor(), v1::SearchRequest::descriptor(),
        v1::PauseRequest::descriptor(), v1::StatsRequest::descriptor(), v1::WhoAmIRequest::descriptor()}) {
    const google::protobuf::ServiceDescriptor* service = message->file()->service(0);
    for (int m = 0; m < service->method_count(); ++m) {
      if (absl::StrCat(service->name(), "/", service->method(m)->name()) != name) continue;
      return service->method(m)->client_streaming() || service->method(m)->server_streaming();
    }
  }
  return false;
}

}  // namespace

absl::Span<const Rpc> RpcTable() { return kTable; }

const Rpc& RpcNamed(absl::string_view name) {
  static const auto* const rows = [] {
    auto* by_name = new absl::flat_hash_map<absl::string_view, const Rpc*>;
    for (const Rpc& row : kTable) (*by_name)[row.name] = &row;
    return by_name;
  }();
  const auto row = rows->find(name);
  if (row == rows->end()) {
    std::fprintf(stderr, "mixmatchd: no RPC %s in rpc_table.cc\n", std::string(name).c_str());
    std::abort();
  }
  return *row->second;
}

bool Waits(const Rpc& rpc) {
  return std::find(std::begin(kWaiting), std::end(kWaiting), rpc.name) != std::end(kWaiting) || IsStream(rpc.name);
}

}  // namespace mixmatch::server
