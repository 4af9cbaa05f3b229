// mixmatch-shards: turns the files of a manifest into shards for training and for the learning benchmark.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "absl/strings/str_format.h"
#include "model/shards/shard_maker.h"

namespace mixmatch::model {
namespace {

constexpr size_t kRowsPerBatch = 256;

struct Flags {
  std::vector<std::string> manifests;
  std::string out, decoder;
  int parts_per_shard = 8192;
  int threads = 1;
};

std::string ShardPath(const Flags& flags, int number) {
  return flags.out + absl::StrFormat("/shard-%05d.safetensors", number);
}

absl::Status Run(const Flags& flags) {
  std::vector<ManifestRow> rows;
  for (const std::string& manifest : flags.manifests) {
    absl::StatusOr<std::vector<ManifestRow>> more = ReadManifest(manifest);
    if (!more.ok()) return more.status();
    std::move(more->begin(), more->end(), std::back_inserter(rows));
  }
  MediaDecoderOptions options;
  options.worker_path = flags.decoder;
  options.workers = flags.threads;
  const absl::StatusOr<std::unique_ptr<MediaDecoder>> decoder = MediaDecoder::Create(options);
  if (!decoder.ok()) return decoder.status();
  std::error_code error;
  std::filesystem::create_directories(flags.out, error);
  if (error) return absl::PermissionDeniedError("cannot make the folder " + flags.out + ": " + error.message());

  const size_t total = rows.size();
  size_t done = 0, skipped = 0, parts = 0;
  int shards = 0;
  Shard shard;
  const auto write = [&]() -> absl::Status {
    if (shard.parts.empty()) return absl::OkStatus();
    parts += shard.parts.size();
    absl::Status status = shard.WriteFile(ShardPath(flags, shards++));
    shard = Shard();
    return status;
  };
  for (const std::vector<ManifestRow>& batch : BatchByEvent(std::move(rows), kRowsPerBatch)) {
    AddRows(batch, decoder->get(), flags.threads, &shard, [&](const ManifestRow& row, const absl::Status& reason) {
      ++skipped;
      absl::FPrintF(stderr, "\nskipped %s: %s\n", row.id, reason.ToString());
    });
    done += batch.size();
    absl::FPrintF(stderr, "\r%d of %d files, %d skipped", done, total, skipped);
    if (shard.parts.size() < static_cast<size_t>(flags.parts_per_shard)) continue;
    if (absl::Status status = write(); !status.ok()) return status;
  }
  if (absl::Status status = write(); !status.ok()) return status;
  // Shards of an earlier, longer run must not be read with these.
  for (int number = shards; std::filesystem::remove(ShardPath(flags, number), error); ++number) {
  }
  absl::FPrintF(stderr, "\r%d of %d files, %d skipped: %d parts in %d shards\n", done, total, skipped, parts, shards);
  if (shards == 0 && total > 0) return absl::InvalidArgumentError("no file of the manifest could be decoded");
  return absl::OkStatus();
}

}  // namespace
}  // namespace mixmatch::model

int main(int argc, char** argv) {
  mixmatch::model::Flags flags;
  CLI::App app(
      "Decodes the files of a manifest, cuts and describes them, and writes shards for training.\n"
      "A file that cannot be decoded is reported and skipped.\n"
      "Example: mixmatch-shards --manifest corpora/manifest.jsonl --out shards/emoji --threads 2");
  app.add_option("--manifest", flags.manifests, "Lists of files, one JSON object a line (see tests/corpora)")
      ->required()
      ->check(CLI::ExistingFile);
  app.add_option("--out", flags.out, "Folder for shard-00000.safetensors and on; made if missing")->required();
  app.add_option("--decoder", flags.decoder, "The mixmatch-decoder program; default: beside this one");
  app.add_option("--parts-per-shard", flags.parts_per_shard, "About so many parts in one file, never cutting an event")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.add_option("--threads", flags.threads, "Files decoded at once")->check(CLI::Range(1, 64))->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  const absl::Status status = mixmatch::model::Run(flags);
  if (status.ok()) return 0;
  absl::FPrintF(stderr, "mixmatch-shards: %s\n", status.ToString());
  return 1;
}
