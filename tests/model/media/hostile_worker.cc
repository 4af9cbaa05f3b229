// In the place of mixmatch-decoder: does to the parent what the hint names.
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <string>

#include "model/media/wire.h"

namespace mixmatch::model {
namespace {

template <typename T>
void Put(const T& value) {
  WriteAll(kWorkerSocket, &value, sizeof(value), absl::InfiniteFuture()).IgnoreError();
}

void Misbehave(const std::string& how) {
  if (how == "crash") raise(SIGSEGV);
  if (how == "killed") raise(SIGKILL);
  if (how == "exit") _exit(3);
  if (how == "huge-text") Put(WireRecord{WireRecordType::kText, 0xffffffff});
  if (how == "unknown-record") Put(WireRecord{static_cast<WireRecordType>(99), 0});
  if (how == "huge-samples") Put(WireRecord{WireRecordType::kSamples, 0xfffffff8});
  if (how == "endless-frames") {
    for (int i = 0; i < 100'000; ++i) {
      Put(WireRecord{WireRecordType::kFrame, sizeof(WireFrame) + 3});
      Put(WireFrame{0.0, 1, 1});
      WriteAll(kWorkerSocket, "rgb", 3, absl::InfiniteFuture()).IgnoreError();
    }
  }
  if (how == "negative-frame") {
    Put(WireRecord{WireRecordType::kFrame, sizeof(WireFrame) + 3});
    Put(WireFrame{0.0, -1, -1});
  }
  if (how == "no-number-frame") {
    Put(WireRecord{WireRecordType::kFrame, sizeof(WireFrame) + 3});
    Put(WireFrame{std::nan(""), 1, 1});
  }
  if (how == "scan-of-nothing" || how == "huge-scan" || how == "two-scans") {
    if (how != "scan-of-nothing") {
      Put(WireRecord{WireRecordType::kFrame, sizeof(WireFrame) + 3});
      Put(WireFrame{0.0, 1, 1});
      WriteAll(kWorkerSocket, "rgb", 3, absl::InfiniteFuture()).IgnoreError();
    }
    for (int i = 0; i < (how == "two-scans" ? 2 : 1); ++i) {
      const bool huge = how == "huge-scan";
      Put(WireRecord{WireRecordType::kScan, huge ? 0xffffffff : static_cast<uint32_t>(sizeof(WireScan) + 1)});
      Put(huge ? WireScan{65'536, 65'535} : WireScan{1, 1});
      if (!huge) WriteAll(kWorkerSocket, "g", 1, absl::InfiniteFuture()).IgnoreError();
    }
  }
  if (how == "empty-video") {
    Put(WireRecord{WireRecordType::kDone, sizeof(WireDone)});
    Put(WireDone{1.0, WireKind::kVideo, 0});
  }
  if (how == "ok-error") {
    Put(WireRecord{WireRecordType::kError, sizeof(int32_t)});
    Put(int32_t{0});
  }
  pause();  // "hang", and whatever the parent does not cut short.
}

}  // namespace
}  // namespace mixmatch::model

int main() {
  mixmatch::model::WireRequest request;
  int content;
  while (mixmatch::model::ReceiveRequest(mixmatch::model::kWorkerSocket, &request, &content).ok()) {
    close(content);
    mixmatch::model::Misbehave(request.media_type_hint);
  }
}
