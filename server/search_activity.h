// Whether searches are under way, for work that yields to them.
#ifndef MIXMATCH_SERVER_SEARCH_ACTIVITY_H_
#define MIXMATCH_SERVER_SEARCH_ACTIVITY_H_

#include <atomic>
#include <cstdint>

namespace mixmatch::server {

// Thread-safe.
class SearchActivity {
 public:
  // A call that searches, for as long as this lives.
  class Call {
   public:
    explicit Call(SearchActivity& activity) : activity_(activity) {
      ++activity_.begun_;
      ++activity_.running_;
    }
    ~Call() { --activity_.running_; }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

   private:
    SearchActivity& activity_;
  };

  int running() const { return running_; }
  uint64_t begun() const { return begun_; }  // Since the start.

 private:
  std::atomic<int> running_{0};
  std::atomic<uint64_t> begun_{0};
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_SEARCH_ACTIVITY_H_
