#include "server/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>

#include "server/access/access_flags.h"

namespace mixmatch::server {
namespace {

constexpr char kFooter[] =
    "Examples:\n"
    "  mixmatchd --data-dir /var/lib/mixmatch\n"
    "  mixmatchd --config /etc/mixmatch.toml --listen 127.0.0.1:7411\n"
    "  mixmatchd --listen 0.0.0.0:7411 --tls-cert tls.crt --tls-key tls.key --admin-token-file admin.token\n"
    "  mixmatchd --data-dir new --init my-trunk.safetensors       # written by mixmatch train\n"
    "  mixmatchd --data-dir data --backup-dir /mnt/backups        # then: mixmatch admin backup\n"
    "  mixmatchd restore --backup-dir /mnt/backups --data-dir new # see mixmatchd restore --help\n"
    "  mixmatchd --data-dir copy --head random --learning off   # the same data, nothing learned: a baseline\n"
    "\n"
    "A config file holds the same names, e.g.  listen = \"127.0.0.1:7411\"; so does the environment:\n"
    "MIXMATCH_LISTEN. Beyond loopback only users may call, and they send tokens over TLS alone: see\n"
    "server/SECURITY.md.";

void AddServing(CLI::App& app, ServerOptions& o) {
  app.add_option("--listen", o.listen, "Address and port; port 0 takes a free one")->capture_default_str();
  app.add_option("--data-dir", o.data_dir, "Where everything is kept; made if it is not there")->capture_default_str();
  app.add_option("--port-file", o.port_file, "Write the bound port here once calls are taken");
  app.add_option("--log-level", o.log_level, "debug, info, warn or error")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
      ->capture_default_str();
  app.add_option("--drain-seconds", o.drain_seconds, "How long SIGTERM waits for calls under way")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  app.add_option("--max-upload-bytes", o.limits.max_upload_bytes, "Largest upload")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--max-query-bytes", o.limits.max_query_bytes, "Largest content of a query")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--max-k", o.limits.max_k, "Most hits of a search")->check(CLI::Range(1, 100000))->capture_default_str();
  app.add_option("--max-rpcs", o.limits.max_rpcs, "Calls handled at once")
      ->check(CLI::Range(4, 4096))
      ->capture_default_str();
  app.add_option("--ingest-threads", o.limits.ingest_threads, "Uploads decoded and encoded at once")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_option("--ingest-queue", o.limits.ingest_queue, "Finished uploads that may wait for a thread")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  app.add_option("--upload-expiry-seconds", o.limits.upload_expiry_seconds, "Forget an interrupted upload after so long")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
}

void AddSearching(CLI::App& app, SearchServingOptions& o) {
  app.add_option("--search-threads", o.threads, "Threads that compute searches at once; 0: one a core")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  app.add_option("--max-searches", o.max_waiting, "Search calls that may wait for them; further ones are refused")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  app.add_option("--max-batch-queries", o.max_batch, "Searches in one BatchSearch")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  app.add_option("--batch-window-us", o.batch_window_us,
                 "Microseconds that a search waits for others to be encoded with; 0: only while it waits anyway")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str();
}

void AddMedia(CLI::App& app, ServerOptions& o) {
  model::MediaLimits& limits = o.decoder.limits;
  app.add_option("--decoder", o.decoder.worker_path, "The mixmatch-decoder program; default: beside mixmatchd");
  app.add_option("--decoders", o.decoder.workers, "Decoding processes")->check(CLI::Range(1, 64))->capture_default_str();
  app.add_option("--max-pixels", limits.max_pixels, "Of a picture or frame")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--max-media-seconds", limits.max_seconds, "Of a sound or video")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--max-text-bytes", limits.max_text_bytes, "Of a text")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--max-table-bytes", limits.max_table_bytes, "Of a table, series or score")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--max-cells", limits.max_cells, "Of a table; a series may have four times as many values")
      ->check(CLI::Range(int64_t{1}, int64_t{100'000'000}))
      ->capture_default_str();
  app.add_option("--max-columns", limits.max_columns, "Of a table or series")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  app.add_option("--max-cell-bytes", limits.max_cell_bytes, "Of a cell of a table")
      ->check(CLI::Range(1, 64 << 20))
      ->capture_default_str();
  app.add_option("--max-pages", limits.max_pages, "Of a PDF")->check(CLI::Range(1, 1'000'000))->capture_default_str();
  app.add_option("--max-archive-entries", limits.max_archive_entries, "Files in a document that is an archive")
      ->check(CLI::Range(1, 65'535))
      ->capture_default_str();
  app.add_option("--max-inflated-bytes", limits.max_inflated_bytes, "Unpacked from a document")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--max-inflate-ratio", limits.max_inflate_ratio, "How many times its size a packed file may unpack to")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.add_option("--max-blocks", limits.max_blocks, "Texts, pictures and tables of a document")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.add_option("--max-document-pictures", limits.max_document_pictures, "Pictures of a document")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.add_option("--max-decoder-bytes", limits.max_memory_bytes, "Memory of a decoding process")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--max-decode-seconds", limits.max_wall_seconds,
                 "Time to decode one item, and one second more for each second of sound or video")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--max-decode-cpu-seconds", limits.max_cpu_seconds, "CPU time to decode one item, likewise")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--max-query-media-seconds", limits.max_collected_seconds, "Of a sound or video in a query")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--max-subtitles", limits.max_subtitles, "Of an item; further ones are left out")
      ->check(CLI::Range(0, 60'000))
      ->capture_default_str();
  app.add_option("--video-frames-per-second", limits.frames_per_second, "Of a video, looked at")
      ->check(CLI::Range(1.0, 60.0))
      ->capture_default_str();
  app.add_option("--video-full-rate-seconds", limits.full_rate_seconds,
                 "Longer videos are decoded without the frames that no other frame needs")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--video-slow-frames-per-second", limits.slow_frames_per_second, "Of those, looked at")
      ->check(CLI::Range(0.5, 60.0))
      ->capture_default_str();
}

// It becomes a word of a command: nothing that could be another option.
std::string IsLanguages(std::string& value) {
  const bool known = std::all_of(value.begin(), value.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '+' || c == '/';
  });
  return known ? "" : "wanted names of languages joined by +";
}

void AddReading(CLI::App& app, model::MediaDecoderOptions& o, std::string& read_words) {
  app.add_option("--read-words", read_words, "Words in pictures are read: in all, in figures of documents alone, or off")
      ->check(CLI::IsMember({"all", "figures", "off"}))
      ->capture_default_str();
  app.add_option("--word-reader", o.reader_path, "The tesseract program, which reads them; without it none are read")
      ->capture_default_str();
  app.add_option("--word-languages", o.reader_languages, "As for tesseract -l, e.g. eng+deu; empty: all that are installed")
      ->check(CLI::Validator(IsLanguages, "LANGUAGES"));
  app.add_option("--max-reading-seconds", o.limits.max_reading_seconds,
                 "Time for the words in the pictures of one item; those that are left then are stored without")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--max-reading-cpu-seconds", o.limits.max_reading_cpu_seconds, "CPU time to read one picture")
      ->check(CLI::Range(1.0, 3600.0))
      ->capture_default_str();
  app.add_option("--max-reader-bytes", o.limits.max_reader_bytes, "Memory of the program that reads them")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--max-scan-bytes", o.limits.max_scan_bytes,
                 "Gray pixels of one item in which words are looked for; further pictures are stored without")
      ->check(CLI::Range(int64_t{4} << 20, int64_t{1} << 40))
      ->capture_default_str();
}

void AddLive(CLI::App& app, ServerOptions& o) {
  app.add_option("--max-live-streams", o.live.max_streams, "Live streams at once, each with a decoding process")
      ->check(CLI::Range(0, 64))
      ->capture_default_str();
  app.add_option("--max-live-bytes", o.live.max_bytes, "Of one live stream")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--max-live-seconds", o.live.max_seconds, "Of one live stream; --max-media-seconds holds too")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--live-idle-seconds", o.decoder.limits.live_idle_seconds,
                 "A live stream of which nothing can be decoded for so long is ended")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--live-answer-seconds", o.live.answer_seconds,
                 "A live stream whose client does not read an answer for so long is ended")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
}

void AddBackup(CLI::App& app, BackupOptions& o) {
  app.add_option("--backup-dir", o.directory, "Backups are made in folders below this one; none without it");
  app.add_option("--max-checkpoint-bytes", o.max_checkpoint_bytes, "Of an imported checkpoint; it is held in memory")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
}

// What is said as words, until they are known to be right.
struct LearningWords {
  std::string learning = "on", slow = "on", head = "learned", trunk = "small";
};

void AddLearning(CLI::App& app, ServerOptions& o, LearningWords& words) {
  const CLI::IsMember on_off({"on", "off"});
  app.add_option("--learning", words.learning, "off: serve and store, learn nothing")->check(on_off)->capture_default_str();
  app.add_option("--slow-learning", words.slow, "off: the fast head learns, the trunk does not train")
      ->check(on_off)
      ->capture_default_str();
  app.add_option("--head", words.head, "random: serve with the never-trained head, for comparison")
      ->check(CLI::IsMember({"learned", "random"}))
      ->capture_default_str();
  app.add_option("--init", o.init,
                 "What a new data directory's trunk begins as: base (trained, shipped beside mixmatchd), scratch "
                 "(random weights), or a trunk's file")
      ->capture_default_str();
  app.add_option("--trunk", words.trunk, "Size of the trunk of --init scratch: tiny (tests), small (two cores) or base (many)")
      ->check(CLI::IsMember({"tiny", "small", "base"}))
      ->capture_default_str();
  LearnerOptions& l = o.learner;
  app.add_option("--learn-interval-seconds", l.min_interval, "Least time between two changes of the fast head")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  app.add_option("--learn-duty", l.duty, "The fast head's share of one core while uploads come in")
      ->check(CLI::Range(0.01, 1.0))
      ->capture_default_str();
  app.add_option("--train-idle-seconds", l.idle_seconds, "The trunk trains when nothing was uploaded for so long")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  app.add_option("--train-duty", l.train_duty, "The share of the time that the trunk trains or reads while searches come in")
      ->check(CLI::Range(0.01, 1.0))
      ->capture_default_str();
  app.add_option("--train-batch", l.batch_events, "Events in a training step")
      ->check(CLI::Range(2, 256))
      ->capture_default_str();
  app.add_option("--publish-steps", l.publish_steps, "Training steps between two candidate trunks")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  app.add_option("--probe-events", l.probe.probe_events, "Held-out events that judge a candidate, at most")
      ->check(CLI::Range(2, 100000))
      ->capture_default_str();
  app.add_option("--probe-train-events", l.probe.train_events, "Events that the judged heads learn from, at most")
      ->check(CLI::Range(2, 10000000))
      ->capture_default_str();
  app.add_option("--publish-anchors", l.anchors,
                 "Parts of a modality that a trunk reads before it is published; the rest is estimated from them at first")
      ->check(CLI::Range(1, 100000000))
      ->capture_default_str();
  app.add_option("--min-probe-events", l.min_probe_events, "Least held-out events that may judge a candidate")
      ->check(CLI::Range(2, 100000))
      ->capture_default_str();
  app.add_option("--checkpoint-seconds", l.checkpoint_seconds, "Most time between two checkpoints while things change")
      ->check(CLI::Range(0.1, 86400.0))
      ->capture_default_str();
}

// The rules as words, until they are known to be right.
struct LinkWords {
  std::string names = "on", times = "on", places = "on", folders = "off";
};

void AddLinks(CLI::App& app, LinkOptions& o, LinkWords& words) {
  const CLI::IsMember on_off({"on", "off"});
  app.add_option("--link-names", words.names, "on: items of one source, the same name but for the extension, are an event")
      ->check(on_off)
      ->capture_default_str();
  app.add_option("--link-times", words.times, "on: items of one source, observed within the window, are events")
      ->check(on_off)
      ->capture_default_str();
  app.add_option("--link-places", words.places, "on: items of different modalities within the radius are events, weakly")
      ->check(on_off)
      ->capture_default_str();
  app.add_option("--link-folders", words.folders, "on: items of one folder of up to 8 in one source are an event, weakly")
      ->check(on_off)
      ->capture_default_str();
  app.add_option("--link-window-seconds", o.window_seconds, "Farthest apart in time; a link weighs exp(-seconds / this)")
      ->check(CLI::Range(0.001, 86400.0))
      ->capture_default_str();
  app.add_option("--link-radius-meters", o.radius_meters, "Farthest apart in place; a link weighs exp(-metres / this) / 4")
      ->check(CLI::Range(0.1, 100000.0))
      ->capture_default_str();
  app.add_option("--link-nearest", o.nearest,
                 "Items of a modality, and parts of such an item, that one is linked with by time or place, at most")
      ->check(CLI::Range(1, 32))
      ->capture_default_str();
  app.add_option("--max-links-per-source", o.max_per_source,
                 "Weight of links that one source may teach, or one user where users are known; more is stored and held "
                 "back. 0: any")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
}

void AddIndex(CLI::App& app, ServerOptions& o) {
  app.add_option("--exact-below", o.index.exact_below, "Search exactly among fewer vectors than this")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--memtable-limit", o.index.memtable_limit, "Vectors that make a segment")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--hnsw-m", o.index.hnsw_m, "Edges a node of a graph")->check(CLI::Range(4, 256))->capture_default_str();
  app.add_option("--ef-construction", o.index.ef_construction, "Breadth of a graph's building")
      ->check(CLI::Range(8, 4096))
      ->capture_default_str();
  app.add_option("--ef-search", o.index.ef_search, "Breadth of a graph search; 0: the least that reaches --target-recall")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str();
  app.add_option("--target-recall", o.index.target_recall, "Share of the 10 nearest that a graph search is to find")
      ->check(CLI::Range(0.5, 1.0))
      ->capture_default_str();
  app.add_option("--vectors-on-disk-from", o.index.disk_from,
                 "From so many vectors of a modality on, memory holds their int8 codes alone")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--recall-probe-seconds", o.index.probe_seconds, "Time between two measurements of recall, at least")
      ->check(CLI::Range(1.0, 86400.0))
      ->capture_default_str();
}

void AddStore(CLI::App& app, ServerOptions& o) {
  app.add_option("--store-memory-bytes", o.store_memory_bytes,
                 "Memory of the store: records read, and at most a quarter of it for changes not yet in its tables")
      ->check(CLI::Range(int64_t{8} << 20, int64_t{1} << 50))
      ->capture_default_str();
}

void AddOverload(CLI::App& app, OverloadOptions& o) {
  app.add_option("--max-memory-bytes", o.max_memory_bytes,
                 "Memory of the server and its decoders; near it uploads are refused, then searches. 0: what the cgroup "
                 "allows, or nine tenths of the machine's")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--min-free-bytes", o.min_free_bytes, "Kept free on the disk of --data-dir: with less, writes are refused")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--min-free-share", o.min_free_share, "The same as a share of the disk; the larger of both counts")
      ->check(CLI::Range(0.0, 0.9))
      ->capture_default_str();
}

// Secrets are read from files and from variables of their own; this is for one that a flag may take some day.
bool IsSecret(const std::string& name) {
  for (const char* word : {"token", "secret", "password"}) {
    if (name.find(word) != std::string::npos) return name.rfind("-file") != name.size() - 5;
  }
  return false;
}

std::vector<Setting> SettingsOf(const CLI::App& app) {
  std::vector<Setting> settings;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_lnames().empty()) continue;
    Setting setting;
    setting.name = option->get_lnames()[0];
    if (setting.name == "help" || setting.name == "version") continue;
    setting.value = option->get_default_str();
    if (option->count() > 0) {
      const std::string given = CLI::detail::join(option->results(), ",");
      setting.changed = given != setting.value;
      setting.value = IsSecret(setting.name) ? "(set)" : given;
    }
    setting.description = option->get_description();
    settings.push_back(std::move(setting));
  }
  std::sort(settings.begin(), settings.end(), [](const Setting& a, const Setting& b) { return a.name < b.name; });
  return settings;
}

void AddTelemetry(CLI::App& app, TelemetryOptions& o) {
  app.add_option("--metrics-listen", o.metrics_listen,
                 "Address and port of /metrics (Prometheus), /healthz and /readyz, e.g. 127.0.0.1:7412; empty: none");
  app.add_option("--metrics-port-file", o.metrics_port_file, "Write that port here");
  app.add_option("--admin-listen", o.admin_listen,
                 "Address and port of gRPC's channelz, e.g. 127.0.0.1:7413 or unix:FILE; this machine alone; empty: none");
  app.add_option("--admin-port-file", o.admin_port_file, "Write that port here");
  app.add_option("--log-format", o.log_format, "text, or json: an object a line")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  app.add_option("--slow-call-ms", o.slow_call_ms, "Log calls that take longer, streams aside; 0: none")
      ->check(CLI::Range(0.0, 3.6e6))
      ->capture_default_str();
}

}  // namespace

absl::StatusOr<ServerOptions> ParseOptions(int argc, char** argv, int& exit_code) {
  ServerOptions options;
  LearningWords learning;
  std::string read_words = "all";
  CLI::App app{"Mix-Match: a multi-modal semantic search server that keeps learning.", "mixmatchd"};
  app.footer(kFooter);
  app.set_version_flag("--version", "mixmatchd " MIXMATCH_VERSION);
  app.set_config("--config", "", "Read flags from this TOML file");
  AddServing(app, options);
  AddAccessFlags(app, options.access);
  AddSearching(app, options.search);
  AddMedia(app, options);
  AddReading(app, options.decoder, read_words);
  AddLive(app, options);
  AddBackup(app, options.backup);
  AddLearning(app, options, learning);
  LinkWords links;
  AddLinks(app, options.links, links);
  AddStore(app, options);
  AddIndex(app, options);
  AddTelemetry(app, options.telemetry);
  AddOverload(app, options.overload);
  for (CLI::Option* option : app.get_options()) {
    if (option->get_lnames().empty()) continue;
    std::string name = option->get_lnames()[0];
    if (name == "help" || name == "version") continue;
    for (char& c : name) c = c == '-' ? '_' : static_cast<char>(std::toupper(c));
    option->envname("MIXMATCH_" + name);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    exit_code = app.exit(error) == 0 ? 0 : 2;
    return absl::FailedPreconditionError("said");
  }
  options.settings = SettingsOf(app);
  options.index.scratch_directory = options.data_dir + "/scratch";
  options.decoder.limits.read_words = read_words == "all"       ? model::ReadWords::kAll
                                      : read_words == "figures" ? model::ReadWords::kFigures
                                                                : model::ReadWords::kOff;
  options.learner.enabled = learning.learning == "on";
  options.learner.slow = learning.slow == "on";
  options.learner.random_head = learning.head == "random";
  options.trunk = model::TrunkConfig::Named(learning.trunk).value();
  options.links.names = links.names == "on";
  options.links.times = links.times == "on";
  options.links.places = links.places == "on";
  options.links.folders = links.folders == "on";
  return options;
}

}  // namespace mixmatch::server
