#include "server/answer_watch.h"

#include <utility>

namespace mixmatch::server {

AnswerWatch::AnswerWatch(absl::Duration patience, std::function<void()> end)
    : patience_(patience), end_(std::move(end)), thread_([this] { Run(); }) {}

AnswerWatch::~AnswerWatch() {
  {
    absl::MutexLock lock(&mutex_);
    done_ = true;
  }
  thread_.join();
}

void AnswerWatch::Watch(const std::function<void()>& write) {
  {
    absl::MutexLock lock(&mutex_);
    writing_ = true;
    ++writes_;
  }
  write();
  absl::MutexLock lock(&mutex_);
  writing_ = false;
}

bool AnswerWatch::expired() const {
  absl::MutexLock lock(&mutex_);
  return expired_;
}

void AnswerWatch::Run() {
  absl::MutexLock lock(&mutex_);
  while (!done_) {
    mutex_.Await(absl::Condition(this, &AnswerWatch::Writes));
    const uint64_t write = writes_;
    const auto passed = [this, write] { return done_ || !writing_ || writes_ != write; };
    if (done_ || mutex_.AwaitWithTimeout(absl::Condition(&passed), patience_)) continue;
    expired_ = true;
    end_();
    return;
  }
}

}  // namespace mixmatch::server
