#include <glob.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <mutex>
#include <ostream>
#include <sstream>
#include <thread>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "client/cli/command.h"
#include "client/cli/format.h"
#include "client/cli/observed.h"
#include "client/cpp/where.h"

namespace mixmatch::client {
namespace {

namespace fs = std::filesystem;

struct PutOptions {
  std::vector<std::string> inputs;
  std::string event;
  std::string events_from;
  std::vector<std::string> metadata;
  std::string source;
  std::string name;
  std::string media_type;
  std::string observed_time;
  bool observed_from_mtime = false;
  std::string location;
  double duration = -1.0;
  int jobs = 2;
};

// One thing to upload: a file, or what came in on stdin.
struct Job {
  fs::path path;  // Empty: stdin.
  fs::path root;  // The folder that was named, if the file was found in it.
};

// What a text is by its file's ending, where its bytes may not tell; empty: they do.
std::string TextType(const fs::path& path) {
  static constexpr std::pair<const char*, const char*> kTypes[] = {
      {".csv", "text/csv"},           {".jsonl", "application/jsonl"}, {".markdown", "text/markdown"},
      {".md", "text/markdown"},       {".ndjson", "application/jsonl"}, {".srt", "application/x-subrip"},
      {".tsv", "text/tab-separated-values"}, {".vtt", "text/vtt"}};
  const std::string ending = absl::AsciiStrToLower(path.extension().string());
  for (const auto& [known, type] : kTypes) {
    if (ending == known) return type;
  }
  return "";
}

struct Failure {
  std::string name;
  absl::Status status;
};

// Files of a folder in the order of their names; hidden ones and links to folders are left out.
absl::Status AddFolder(const fs::path& folder, std::vector<Job>& jobs) {
  std::error_code error;
  std::vector<Job> found;
  fs::recursive_directory_iterator walk(folder, error);
  if (error) return absl::NotFoundError(absl::StrCat("cannot read the folder: ", error.message()));
  for (const fs::recursive_directory_iterator end; walk != end; walk.increment(error)) {
    const bool hidden = walk->path().filename().string().rfind('.', 0) == 0;
    if (hidden && walk->is_directory(error)) walk.disable_recursion_pending();
    if (!hidden && walk->is_regular_file(error)) found.push_back({walk->path(), folder});
  }
  if (error) return absl::NotFoundError(absl::StrCat("cannot read the folder: ", error.message()));
  std::sort(found.begin(), found.end(), [](const Job& a, const Job& b) { return a.path < b.path; });
  jobs.insert(jobs.end(), found.begin(), found.end());
  return absl::OkStatus();
}

std::vector<std::string> Expand(const std::string& pattern) {
  glob_t matches{};
  std::vector<std::string> paths;
  if (glob(pattern.c_str(), 0, nullptr, &matches) == 0) {
    paths.assign(matches.gl_pathv, matches.gl_pathv + matches.gl_pathc);
  }
  globfree(&matches);
  return paths;
}

void AddInput(const std::string& input, std::vector<Job>& jobs, std::vector<Failure>& failures) {
  std::error_code error;
  if (input == "-") {
    jobs.push_back({});
  } else if (fs::is_directory(input, error)) {
    const absl::Status status = AddFolder(input, jobs);
    if (!status.ok()) failures.push_back({input, status});
  } else if (fs::exists(input, error)) {
    jobs.push_back({input, {}});
  } else {
    const std::vector<std::string> matches = Expand(input);
    if (matches.empty())
      failures.push_back({input, absl::NotFoundError("no such file or folder, nor a pattern that fits one")});
    for (const std::string& match : matches) AddInput(match, jobs, failures);
  }
}

// `folder` by its name within `root`, beginning with that folder's own name: "photos/birds".
fs::path FolderName(const fs::path& folder, const fs::path& root) {
  const fs::path named = fs::absolute((root.empty() ? fs::path(".") : root) / "").lexically_normal().parent_path().filename();
  const fs::path within = (folder / "").lexically_relative(root / "");
  return within.empty() || within == "." ? named : (named / within / "").lexically_normal().parent_path();
}

std::string EventOf(const PutOptions& options, const Job& job) {
  if (!options.event.empty() || job.path.empty()) return options.event;
  // Named from the folder that was given, so that the same folder gives the same events from anywhere.
  const fs::path folder = FolderName(job.path.parent_path(), job.root.empty() ? job.path.parent_path() : job.root);
  if (options.events_from == "folders") return folder.string();
  if (options.events_from == "stems") return (folder / job.path.stem()).string();
  return "";
}

// Where a file comes from: the folder that was named, or else the one in which it lies.
std::string SourceOf(const Job& job) {
  if (job.path.empty()) return "";
  const fs::path folder = job.root.empty() ? job.path.parent_path() : job.root;
  return FolderName(folder, folder).string();
}

// Its name, with the folders below the one that was named: "birds/crow.png".
std::string NameOf(const Job& job) {
  if (job.root.empty()) return job.path.filename().string();
  return job.path.lexically_relative(job.root / "").generic_string();
}

// False if the file does not say.
bool ModifiedTime(const fs::path& path, google::protobuf::Timestamp& time) {
  struct stat status = {};
  if (stat(path.c_str(), &status) != 0) return false;
  time.set_seconds(status.st_mtim.tv_sec);
  time.set_nanos(static_cast<int32_t>(status.st_mtim.tv_nsec));
  return true;
}

class Uploader {
 public:
  Uploader(Session& session, const PutOptions& options, v1::UploadHeader shared)
      : session_(session), options_(options), shared_(std::move(shared)) {}

  // Uploads all; returns the exit code.
  int Run(const std::vector<Job>& jobs, std::vector<Failure> failures) {
    failures_ = std::move(failures);
    for (const Failure& failure : failures_) Report(failure.name, failure.status);
    total_ = jobs.size();
    session_.client();
    std::vector<std::thread> threads;
    const size_t count = std::min<size_t>(static_cast<size_t>(options_.jobs), std::max<size_t>(jobs.size(), 1));
    for (size_t i = 0; i < count; ++i) {
      threads.emplace_back([&] {
        for (size_t at = next_++; at < jobs.size() && !unreachable_; at = next_++) Put(jobs[at]);
      });
    }
    for (std::thread& thread : threads) thread.join();
    return Finish();
  }

 private:
  void Put(const Job& job) {
    v1::UploadHeader header = shared_;
    if (header.name().empty()) header.set_name(NameOf(job));
    if (header.source().empty()) header.set_source(SourceOf(job));
    if (header.media_type().empty()) header.set_media_type(TextType(job.path));
    if (options_.observed_from_mtime && !job.path.empty()) ModifiedTime(job.path, *header.mutable_observed_time());
    header.set_event_id(EventOf(options_, job));
    const std::string shown = job.path.empty() ? "-" : job.path.string();
    absl::StatusOr<v1::UploadResponse> response = absl::NotFoundError("cannot open the file");
    if (job.path.empty()) {
      // Kept whole, so that an upload that broke off can go on.
      const std::string bytes((std::istreambuf_iterator<char>(session_.in())), std::istreambuf_iterator<char>());
      response = session_.client().UploadBytes(header, bytes);
    } else {
      std::ifstream content(job.path, std::ios::binary);
      if (content) response = session_.client().Upload(header, content, nullptr);
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    ++done_;
    if (response.ok()) {
      ++stored_;
      bytes_ += response->item().size_bytes();
      if (session_.json) {
        session_.out() << "{\"file\":" << JsonString(shown) << ",\"item\":" << Json(response->item()) << "}\n";
      } else if (total_ <= 20 && !session_.terminal().err_is_terminal) {
        Line(response->item());
      } else if (total_ <= 20) {
        ClearBar();
        Line(response->item());
      }
    } else {
      failures_.push_back({shown, response.status()});
      if (CodeOf(response.status()) == kUnreachable) unreachable_ = true;
      ClearBar();
      Report(shown, response.status());
    }
    ShowBar();
  }

  void Line(const v1::Item& item) {
    session_.out() << item.item_id() << "  " << ModalityName(item.modality()) << "  " << Printable(item.name()) << "  "
                   << item.part_count() << (item.part_count() == 1 ? " part\n" : " parts\n");
  }

  // A failure as it happens; the summary names it again.
  void Report(const std::string& name, const absl::Status& status) {
    if (session_.json) {
      session_.out() << "{\"file\":" << JsonString(name)
                     << ",\"error\":{\"code\":" << JsonString(absl::StatusCodeToString(status.code()))
                     << ",\"message\":" << JsonString(status.message()) << "}}\n";
    }
  }

  void ShowBar() {
    if (!session_.terminal().err_is_terminal || session_.json || total_ < 2) return;
    const size_t width = 30;
    const size_t full = total_ == 0 ? 0 : done_ * width / total_;
    session_.err() << "\r[" << std::string(full, '#') << std::string(width - full, '.') << "] " << done_ << "/"
                   << total_ << "  " << Bytes(bytes_) << "\033[K" << std::flush;
  }
  void ClearBar() {
    if (session_.terminal().err_is_terminal && !session_.json && total_ >= 2) session_.err() << "\r\033[K";
  }

  int Finish() {
    ClearBar();
    if (!session_.json) {
      session_.out() << stored_ << " stored, " << Bytes(bytes_) << "; " << failures_.size() << " failed";
      if (done_ < total_) session_.out() << "; " << total_ - done_ << " not tried";
      session_.out() << "\n";
    }
    session_.out().flush();
    for (const Failure& failure : failures_) {
      session_.err() << "mixmatch put: " << Printable(failure.name) << ": "
                     << absl::StatusCodeToString(failure.status.code()) << ": " << Printable(failure.status.message())
                     << "\n";
    }
    if (unreachable_) {
      const absl::Status gone = absl::UnavailableError("the upload stopped");
      return session_.Fail(gone);
    }
    if (failures_.empty()) return kOk;
    return failures_.size() == 1 && total_ == 1 && stored_ == 0 ? CodeOf(failures_[0].status) : kSomeFailed;
  }

  Session& session_;
  const PutOptions& options_;
  const v1::UploadHeader shared_;
  size_t total_ = 0;
  std::atomic<size_t> next_{0};
  std::atomic<bool> unreachable_{false};
  std::mutex mutex_;  // Guards what follows and the streams.
  std::vector<Failure> failures_;
  size_t done_ = 0;
  size_t stored_ = 0;
  uint64_t bytes_ = 0;
};

int Put(Session& session, const PutOptions& options) {
  v1::UploadHeader shared;
  shared.set_source(options.source);
  shared.set_name(options.name);
  shared.set_media_type(options.media_type);
  for (const std::string& pair : options.metadata) {
    const std::pair<std::string, std::string> split = absl::StrSplit(pair, absl::MaxSplits('=', 1));
    if (split.first.empty() || split.first.size() == pair.size()) {
      session.err() << "mixmatch put: --meta: wanted KEY=VALUE, e.g. --meta lang=fr\n";
      return kUsage;
    }
    (*shared.mutable_metadata())[split.first] = ParseValue(split.second);
  }
  if (!options.observed_time.empty() && !ParseTime(options.observed_time, *shared.mutable_observed_time())) {
    session.err() << "mixmatch put: --observed-time: " << kTimeHint << "\n";
    return kUsage;
  }
  if (!options.location.empty() && !ParseLocation(options.location, *shared.mutable_location())) {
    session.err() << "mixmatch put: --location: " << kLocationHint << "\n";
    return kUsage;
  }
  if (options.duration >= 0.0) {
    const double whole = std::floor(options.duration);
    shared.mutable_observed_duration()->set_seconds(static_cast<int64_t>(whole));
    shared.mutable_observed_duration()->set_nanos(static_cast<int32_t>((options.duration - whole) * 1e9));
  }
  std::vector<Job> jobs;
  std::vector<Failure> failures;
  for (const std::string& input : options.inputs) AddInput(input, jobs, failures);
  if (!options.name.empty() && jobs.size() > 1) {
    session.err() << "mixmatch put: --name is for one thing; there are " << jobs.size() << "\n";
    return kUsage;
  }
  return Uploader(session, options, std::move(shared)).Run(jobs, std::move(failures));
}

}  // namespace

void AddPut(CLI::App& app, Session& session) {
  CLI::App* put = app.add_subcommand("put", "Upload files, folders with all in them, patterns, or stdin (-)");
  const auto options = std::make_shared<PutOptions>();
  put->add_option("input", options->inputs, "Files, folders, 'patterns*' or - for stdin")->required();
  auto* event = put->add_option("-e,--event", options->event, "All of them occurred together: the event's id");
  put->add_option("--events-from", options->events_from,
                  "folders: each folder is an event; stems: files of the same name but for the extension are one")
      ->check(CLI::IsMember({"folders", "stems"}))
      ->excludes(event);
  put->add_option("-m,--meta", options->metadata,
                  "KEY=VALUE for each; numbers, true and false are not text unless 'quoted'")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  put->add_option("--source", options->source, "Where they come from, e.g. camera-3; default: the folder's name");
  auto* time = put->add_option("--observed-time", options->observed_time,
                               "When they happened, e.g. 2026-05-01T10:00:00Z; of sounds and videos, when they begin");
  put->add_flag("--observed-from-mtime", options->observed_from_mtime, "They happened when the files were last modified")
      ->excludes(time);
  put->add_option("--duration", options->duration, "How long they lasted, in seconds; default: as the content says")
      ->check(CLI::Range(0.0, 1e9));
  put->add_option("--location", options->location, "Where they happened: LATITUDE,LONGITUDE in degrees");
  put->add_option("--name", options->name, "Name for stdin or for one file");
  put->add_option("--type", options->media_type,
                  "Media type, where bytes and endings do not tell, e.g. 'application/x-raw-series; rate_hz=100; "
                  "channels=3; type=i16'");
  put->add_option("-j,--jobs", options->jobs, "Uploads at once")->check(CLI::Range(1, 64))->capture_default_str();
  put->footer(
      "One that fails does not stop the others; failures are named at the end and the exit code is 1. What is of one\n"
      "source and the same name (film.mp4, film.srt) or time is linked by the server itself: mixmatch events links.\n\n"
      "Examples:\n"
      "  mixmatch put --event crow crow.png crow.ogg\n"
      "  mixmatch put --events-from stems -m lang=en photos/\n"
      "  mixmatch put --source yard --observed-from-mtime --location 47.3769,8.5417 camera/ microphone/\n"
      "  fortune | mixmatch put - --name fortune.txt");
  put->callback([&session, options] { session.action = [&session, options] { return Put(session, *options); }; });
}

}  // namespace mixmatch::client
