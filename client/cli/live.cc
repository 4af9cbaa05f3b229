#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/cli/command.h"
#include "client/cli/format.h"

namespace mixmatch::client {
namespace {

constexpr size_t kChunkBytes = 64 << 10;

struct LiveOptions {
  std::string input;
  std::string name;
  std::string source;
  std::string event;
  std::string media_type;
};

std::string Kind(const v1::Part& part) {
  switch (part.modality()) {
    case v1::MODALITY_VIDEO: return "video";
    case v1::MODALITY_AUDIO: return "audio";
    case v1::MODALITY_IMAGE: return "image";
    default: return "text";
  }
}

// What is there of a pipe or file, as soon as it is; nothing at the end.
std::string ReadSome(int fd) {
  std::string bytes(kChunkBytes, '\0');
  ssize_t got;
  do {
    got = read(fd, bytes.data(), bytes.size());
  } while (got < 0 && errno == EINTR);
  bytes.resize(got < 0 ? 0 : got);
  return bytes;
}

void Print(Session& session, const v1::LiveResponse& response) {
  for (const v1::Part& part : response.parts()) {
    if (session.json) {
      session.out() << absl::StrFormat(
          R"({"item_id":"%d","part_id":"%d","kind":%s,"start_seconds":%.3f,"end_seconds":%.3f})", part.item_id(),
          part.part_id(), JsonString(Kind(part)), part.start_seconds(), part.end_seconds());
    } else {
      session.out() << absl::StrFormat("%d  %-5s  %8.2f to %8.2f s", part.part_id(), Kind(part), part.start_seconds(),
                                       part.end_seconds());
      if (!part.snippet().empty()) session.out() << "  " << Printable(part.snippet());
    }
    session.out() << "\n" << std::flush;
  }
}

int Live(Session& session, const LiveOptions& options) {
  const bool from_stdin = options.input == "-";
  const int fd = from_stdin ? 0 : open(options.input.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return session.Fail(absl::NotFoundError(absl::StrCat("cannot read ", options.input)));
  v1::UploadHeader header;
  header.set_name(!options.name.empty() || from_stdin ? options.name
                                                      : options.input.substr(options.input.rfind('/') + 1));
  header.set_source(options.source);
  header.set_event_id(options.event);
  header.set_media_type(options.media_type);
  const auto item = session.client().Live(
      header, [&] { return ReadSome(fd); }, [&](const v1::LiveResponse& response) { Print(session, response); });
  if (!from_stdin) close(fd);
  if (!item.ok()) return session.Fail(item.status());
  if (session.json) {
    session.out() << absl::StrFormat(R"({"item_id":"%d","parts":%d,"bytes":%d})", item->item_id(), item->part_count(),
                                     item->size_bytes())
                  << "\n";
  } else {
    session.out() << "item " << item->item_id() << "  " << item->media_type() << "  " << item->part_count()
                  << " parts  " << Bytes(item->size_bytes()) << "\n";
  }
  return kOk;
}

}  // namespace

void AddLive(CLI::App& app, Session& session) {
  CLI::App* live = app.add_subcommand("live", "Store a sound or video while it is made; tell parts as they are found");
  const auto options = std::make_shared<LiveOptions>();
  live->add_option("input", options->input, "A file, a named pipe, or - for stdin")->required();
  live->add_option("--name", options->name, "Its name; default: the file's");
  live->add_option("--source", options->source, "Where it comes from, e.g. camera-3");
  live->add_option("-e,--event", options->event, "The event that it belongs to");
  live->add_option("--type", options->media_type, "What it is, e.g. video/mp2t; a hint");
  live->footer(
      "Containers that can be read as they come: MPEG-TS, Matroska, WebM, Ogg, ADTS AAC, MP3, WAV, FLAC. However it\n"
      "ends, what was told is stored and can be searched.\n\nExample:\n"
      "  ffmpeg -i rtsp://camera -c copy -f mpegts - | mixmatch live - --name cam-1 --source cam-1");
  live->callback([&session, options] { session.action = [&session, options] { return Live(session, *options); }; });
}

}  // namespace mixmatch::client
