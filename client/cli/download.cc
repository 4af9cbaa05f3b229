#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "client/cli/command.h"
#include "client/cli/format.h"

namespace mixmatch::client {
namespace {

struct DownloadOptions {
  uint64_t id = 0;
  std::string to;
  uint64_t offset = 0;
  uint64_t length = 0;
  bool force = false;
};

// The item's name as a file name of this folder: never a path, never hidden.
std::string FileName(const v1::Item& item) {
  std::string name = Printable(item.name());
  for (char& c : name) {
    if (c == '/' || c == '\\') c = '_';
  }
  if (name.empty() || name[0] == '.' || name.size() > 200) name = absl::StrCat("item-", item.item_id());
  return name;
}

int Download(Session& session, const DownloadOptions& options) {
  v1::DownloadRequest request;
  request.set_item_id(options.id);
  request.set_offset(options.offset);
  request.set_length(options.length);
  if (options.to == "-") {
    const absl::Status status =
        session.client().Download(request, [&](absl::string_view piece) { session.out() << piece; });
    return status.ok() ? kOk : session.Fail(status);
  }
  std::string path = options.to;
  if (path.empty()) {
    const auto item = session.client().Get(options.id);
    if (!item.ok()) return session.Fail(item.status());
    path = FileName(*item);
  }
  std::error_code error;
  if (std::filesystem::exists(path, error) && !options.force) {
    session.err() << "mixmatch download: " << path << " exists; give --force to replace it, or -o another name\n";
    return kUsage;
  }
  // Written beside and then renamed: a broken download leaves nothing under the name.
  const std::string partial = path + ".partial";
  std::ofstream file(partial, std::ios::binary | std::ios::trunc);
  uint64_t bytes = 0;
  absl::Status status = session.client().Download(request, [&](absl::string_view piece) {
    file << piece;
    bytes += piece.size();
  });
  file.close();
  if (status.ok() && !file)
    status = absl::InternalError("cannot write the file; is there space, and may you write here?");
  if (status.ok()) std::filesystem::rename(partial, path, error);
  if (status.ok() && error) status = absl::InternalError(absl::StrCat("cannot name the file: ", error.message()));
  if (!status.ok()) {
    std::filesystem::remove(partial, error);
    return session.Fail(status);
  }
  if (session.json) {
    session.out() << "{\"item_id\":\"" << options.id << "\",\"file\":" << JsonString(path) << ",\"bytes\":" << bytes
                  << "}\n";
  } else {
    session.out() << path << "  " << Bytes(bytes) << "\n";
  }
  return kOk;
}

}  // namespace

void AddDownload(CLI::App& app, Session& session) {
  CLI::App* download = app.add_subcommand("download", "Fetch an item's content");
  const auto options = std::make_shared<DownloadOptions>();
  download->add_option("id", options->id, "Item id")->required();
  download->add_option("-o,--output", options->to, "File to write; - is stdout; default: the item's name, here");
  download->add_option("--offset", options->offset, "First byte");
  download->add_option("--length", options->length, "Bytes from there; 0: to the end");
  download->add_flag("-f,--force", options->force, "Replace a file that exists");
  download->footer("Examples:\n  mixmatch download 12\n  mixmatch download 12 -o - | ffplay -");
  download->callback(
      [&session, options] { session.action = [&session, options] { return Download(session, *options); }; });
}

}  // namespace mixmatch::client
