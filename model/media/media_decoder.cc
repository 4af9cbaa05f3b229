#include "model/media/media_decoder.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "model/media/media_collector.h"
#include "model/media/patience.h"
#include "model/media/pdf_pages.h"
#include "model/media/response_reader.h"
#include "model/media/wire.h"
#include "model/media/wire_request.h"
#include "model/media/word_reader.h"
#include "model/media/worker_process.h"
#include "proto/base/status_macros.h"

namespace mixmatch::model {
namespace {

using Worker = std::unique_ptr<WorkerProcess>;

// Starts workers on one thread of its own: a worker dies with the thread that started it.
class Spawner {
 public:
  Spawner(std::string path, int64_t max_memory_bytes)
      : path_(std::move(path)), max_memory_bytes_(max_memory_bytes), thread_([this] { Run(); }) {}

  ~Spawner() {
    {
      absl::MutexLock lock(&mutex_);
      stopping_ = true;
    }
    thread_.join();
  }

  absl::StatusOr<Worker> Start() {
    Order order;
    {
      absl::MutexLock lock(&mutex_);
      orders_.push_back(&order);
    }
    order.filled.WaitForNotification();
    return std::move(order.worker);
  }

 private:
  struct Order {
    absl::StatusOr<Worker> worker = absl::UnknownError("decoder worker: not started");
    absl::Notification filled;
  };

  void Run() {
    while (true) {
      std::vector<Order*> orders;
      {
        absl::MutexLock lock(&mutex_);
        mutex_.Await(absl::Condition(this, &Spawner::HasWork));
        if (stopping_) return;
        orders.swap(orders_);
      }
      for (Order* order : orders) {
        order->worker = WorkerProcess::Start(path_, max_memory_bytes_);
        order->filled.Notify();
      }
    }
  }

  bool HasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stopping_ || !orders_.empty(); }

  const std::string path_;
  const int64_t max_memory_bytes_;
  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<Order*> orders_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

// A descriptor of the same file that cannot write it, or -1.
int OpenReadOnly(int fd) { return open(absl::StrCat("/proc/self/fd/", fd).c_str(), O_RDONLY | O_CLOEXEC); }

// 0 for a process that is gone.
int64_t ResidentBytes(pid_t pid) {
  std::ifstream statm(absl::StrCat("/proc/", pid, "/statm"));
  int64_t size = 0, resident = 0;
  statm >> size >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

bool IsTimed(const DecodedMedia& media) {
  return media.modality == v1::MODALITY_AUDIO || media.modality == v1::MODALITY_VIDEO;
}

class PooledDecoder : public MediaDecoder {
 public:
  explicit PooledDecoder(const MediaDecoderOptions& options)
      : limits_(options.limits),
        tool_path_(options.tool_path),
        reader_(options),
        free_(options.workers),
        spawner_(options.worker_path, options.limits.max_memory_bytes) {}

  absl::StatusOr<DecodedMedia> Decode(int fd, absl::string_view media_type_hint) override {
    MediaCollector collector(limits_.max_frames, limits_.max_collected_seconds);
    absl::Duration reading;
    MIXMATCH_ASSIGN_OR_RETURN(DecodedMedia media, Run(fd, RequestOf(limits_, media_type_hint), collector, &reading));
    if (IsTimed(media)) collector.MoveTo(&media);
    return media;
  }

  absl::StatusOr<DecodedMedia> DecodeTo(int fd, absl::string_view media_type_hint, MediaSink& sink) override {
    WireRequest request = RequestOf(limits_, media_type_hint);
    request.max_frames = 0;
    if (!reader_.languages().empty()) request.read_words = static_cast<int32_t>(limits_.read_words);
    absl::Duration reading = absl::Seconds(limits_.max_reading_seconds);
    return Run(fd, request, sink, &reading);
  }

  absl::StatusOr<DecodedMedia> DecodeLive(int pipe, absl::string_view media_type_hint, MediaSink& sink) override {
    WireRequest request = RequestOf(limits_, media_type_hint);
    request.max_frames = 0;
    request.live = 1;
    Worker worker;
    absl::StatusOr<DecodedMedia> media = DecodeWith(&worker, request, pipe, sink);
    if (worker != nullptr) Forget(worker->pid());
    return media;
  }

  std::string reader_languages() const override { return reader_.languages(); }

  MediaDecoderStats stats() const override {
    absl::MutexLock lock(&mutex_);
    MediaDecoderStats stats;
    stats.started = started_;
    stats.killed = killed_;
    stats.died = died_;
    stats.running = static_cast<int>(pids_.size());
    for (pid_t pid : pids_) stats.resident_bytes += ResidentBytes(pid);
    return stats;
  }

 private:
  // `reading`: the time left for the words in pictures.
  absl::StatusOr<DecodedMedia> Run(int fd, const WireRequest& request, MediaSink& sink, absl::Duration* reading) {
    if (IsPdf(fd)) return RunPdf(fd, request, sink, reading);
    return RunFile(fd, request, sink, reading);
  }

  // Its tools run on this thread, between the slots that its pages take.
  absl::StatusOr<DecodedMedia> RunPdf(int fd, const WireRequest& request, MediaSink& sink, absl::Duration* reading) {
    const absl::string_view hint = request.media_type_hint, kind = hint.substr(0, hint.find('/'));
    if (kind == "image" || kind == "audio" || kind == "video") {
      return absl::InvalidArgumentError(absl::StrCat("content: got a PDF, wanted ", kind,
                                                     " as the media type says; correct one of them"));
    }
    const auto decode = [&](int pages, int first) {
      WireRequest some = request;
      some.first_page = first;
      return RunFile(pages, some, sink, reading);
    };
    return DecodePdf(fd, tool_path_, limits_, decode, request.read_words != 0 ? &reader_ : nullptr, reading);
  }

  absl::StatusOr<DecodedMedia> RunFile(int fd, const WireRequest& request, MediaSink& sink, absl::Duration* reading) {
    const int readable = OpenReadOnly(fd);
    Worker worker = TakeSlot();
    absl::StatusOr<DecodedMedia> media = DecodeWith(&worker, request, readable >= 0 ? readable : fd, sink);
    ReturnSlot(std::move(worker));
    if (readable >= 0) close(readable);
    if (media.ok()) reader_.Read(*media, reading);
    return media;
  }

  // Waits for a free slot. Its worker may be null: not yet started.
  Worker TakeSlot() {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(+[](int* free) { return *free > 0; }, &free_));
    --free_;
    if (idle_.empty()) return nullptr;
    Worker worker = std::move(idle_.back());
    idle_.pop_back();
    return worker;
  }

  void ReturnSlot(Worker worker) {
    absl::MutexLock lock(&mutex_);
    ++free_;
    if (worker != nullptr) idle_.push_back(std::move(worker));
  }

  // Leaves *worker null if it must not be used again.
  absl::StatusOr<DecodedMedia> DecodeWith(Worker* worker, const WireRequest& request, int content, MediaSink& sink) {
    // A worker that died while idle says nothing about this item, so it is replaced.
    if (*worker != nullptr && !SendRequest((*worker)->socket(), request, content).ok()) BuryWorker(worker).IgnoreError();
    if (*worker == nullptr) {
      MIXMATCH_ASSIGN_OR_RETURN(*worker, spawner_.Start());
      Note((*worker)->pid());
      if (!SendRequest((*worker)->socket(), request, content).ok()) return BuryWorker(worker);
    }
    (*worker)->BeginItem();
    const auto allow_cpu = [&](double seconds) { (*worker)->AllowCpu(seconds); };
    Patience patience = request.live != 0
                            ? Patience::Live(limits_.live_idle_seconds, limits_.max_cpu_seconds, allow_cpu)
                            : Patience(limits_.max_wall_seconds, limits_.max_cpu_seconds, allow_cpu);
    WorkerReply reply = ReadResponse((*worker)->socket(), limits_, &patience, &sink);
    if (reply.worker_is_sound) return std::move(reply.media);
    if (reply.refused) {
      Kill(worker);
      return std::move(reply.media);
    }
    if (absl::IsDeadlineExceeded(reply.media.status()) && request.live != 0) {
      Kill(worker);
      return absl::DeadlineExceededError(absl::StrFormat(
          "live: nothing could be decoded for %g s; send a stream that can be read as it comes", limits_.live_idle_seconds));
    }
    if (absl::IsDeadlineExceeded(reply.media.status())) {
      Kill(worker);
      return absl::ResourceExhaustedError(
          absl::StrFormat("content: decoding took more than %g s and one more for each second that it gave, the limit "
                          "for one item; send it in shorter pieces",
                          limits_.max_wall_seconds));
    }
    if (absl::IsUnavailable(reply.media.status())) return BuryWorker(worker);
    Kill(worker);
    return std::move(reply.media);
  }

  void Note(pid_t pid) {
    ++started_;
    absl::MutexLock lock(&mutex_);
    pids_.insert(pid);
  }

  // Before it is waited for: another process may have its number then.
  void Forget(pid_t pid) {
    absl::MutexLock lock(&mutex_);
    pids_.erase(pid);
  }

  void Kill(Worker* worker) {
    Forget((*worker)->pid());
    ++killed_;
    worker->reset();
  }

  absl::Status BuryWorker(Worker* worker) {
    int signal = 0;
    Forget((*worker)->pid());
    ++died_;
    const std::string end = (*worker)->Bury(&signal);
    worker->reset();
    if (signal == SIGXCPU) {
      return absl::ResourceExhaustedError(
          absl::StrFormat("content: decoding took more than %g s of CPU time and one more for each second that it gave; "
                          "send it in shorter pieces",
                          limits_.max_cpu_seconds));
    }
    if (signal == SIGKILL || signal == SIGABRT || signal == SIGTRAP) {  // The last as GLib does.
      return absl::ResourceExhaustedError(
          absl::StrCat("content: the decoding process ended by ", end, ", as it does when out of memory (at most ",
                       limits_.max_memory_bytes >> 20, " MiB); send a smaller item"));
    }
    return absl::InternalError(absl::StrCat("content: the decoding process ended by ", end,
                                            "; other items are unaffected; convert this one and send it again"));
  }

  const MediaLimits limits_;
  const std::string tool_path_;
  const WordReader reader_;
  mutable absl::Mutex mutex_;
  int free_ ABSL_GUARDED_BY(mutex_);
  Spawner spawner_;                                 // Outlives the workers.
  std::vector<Worker> idle_ ABSL_GUARDED_BY(mutex_);  // At most one a slot; last used last.
  std::atomic<uint64_t> started_{0}, killed_{0}, died_{0};
  std::set<pid_t> pids_ ABSL_GUARDED_BY(mutex_);  // Of workers that run.
};

}  // namespace

absl::StatusOr<DecodedMedia> MediaDecoder::DecodeTo(int fd, absl::string_view media_type_hint, MediaSink& sink) {
  MIXMATCH_ASSIGN_OR_RETURN(DecodedMedia media, Decode(fd, media_type_hint));
  if (!IsTimed(media)) return media;
  DecodedMedia rest;
  rest.modality = media.modality;
  rest.media_type = media.media_type;
  rest.duration_seconds = media.duration_seconds;
  MIXMATCH_RETURN_IF_ERROR(Replay(std::move(media), &sink));
  return rest;
}

absl::StatusOr<DecodedMedia> MediaDecoder::DecodeLive(int, absl::string_view, MediaSink&) {
  return absl::UnimplementedError("live: this decoder decodes whole files only");
}

absl::StatusOr<std::unique_ptr<MediaDecoder>> MediaDecoder::Create(const MediaDecoderOptions& options) {
  MediaDecoderOptions complete = options;
  if (complete.worker_path.empty()) {
    char self[4096];
    const ssize_t size = readlink("/proc/self/exe", self, sizeof(self));
    const std::string path(self, std::max<ssize_t>(size, 0));
    complete.worker_path = absl::StrCat(path.substr(0, path.rfind('/') + 1), "mixmatch-decoder");
  }
  if (complete.tool_path.empty()) {
    const std::string& path = complete.worker_path;
    complete.tool_path = absl::StrCat(path.substr(0, path.rfind('/') + 1), "mixmatch-tool");
  }
  if (complete.workers < 1 || complete.workers > 64) {
    return absl::InvalidArgumentError(absl::StrCat("workers: got ", complete.workers, ", wanted 1 to 64"));
  }
  if (access(complete.worker_path.c_str(), X_OK) != 0) {
    return absl::NotFoundError(absl::StrCat("worker_path: no program at ", complete.worker_path,
                                            "; install mixmatch-decoder there or name its place"));
  }
  return std::make_unique<PooledDecoder>(complete);
}

}  // namespace mixmatch::model
