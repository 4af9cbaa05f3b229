#include "client/cli/cli.h"

#include <google/protobuf/util/json_util.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace mixmatch::client {
namespace {

int CodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
      return kUnreachable;
    case absl::StatusCode::kNotFound:
      return kNotFound;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kUnimplemented:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kResourceExhausted:
      return kRefused;
    default:
      return kSomeFailed;
  }
}

// Columns of a UTF-8 string on a terminal, near enough: characters.
size_t Width(const std::string& text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

Client& Context::client() {
  if (client_ == nullptr) {
    ClientOptions options;
    options.address = server;
    options.timeout = absl::Seconds(timeout_seconds);
    client_ = Client::Create(options);
  }
  return *client_;
}

int Fail(const Context& context, absl::string_view what, const absl::Status& status) {
  std::string hint;
  if (absl::IsUnavailable(status)) {
    hint = absl::StrCat("\n  Is the server running at ", context.server,
                        "? Start it with: mixmatchd --data-dir DIR\n  Another address: --server HOST:PORT or MIXMATCH_SERVER");
  }
  if (absl::IsDeadlineExceeded(status)) hint = "\n  Give it longer: --timeout SECONDS";
  const std::string message = absl::StrCat(absl::StatusCodeToString(status.code()), ": ", Printable(status.message()));
  std::fprintf(stderr, "mixmatch: %s: %s%s\n", Printable(what).c_str(), message.c_str(), hint.c_str());
  return CodeOf(status);
}

std::string ToJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  return status.ok() ? json : "{}";
}

void PrintJson(const google::protobuf::Message& message) { std::printf("%s\n", ToJson(message).c_str()); }

std::string Printable(absl::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 && c != '\n') c = '?';
    if (c == 0x7f) c = '?';
  }
  return out;
}

void PrintTable(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const std::string& cell : header) widths.push_back(Width(cell));
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Width(Printable(row[i])));
  }
  const auto print = [&](const std::vector<std::string>& row) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      std::string cell = Printable(row[i]);
      std::replace(cell.begin(), cell.end(), '\n', ' ');
      absl::StrAppend(&line, cell, std::string(i + 1 < row.size() ? widths[i] - Width(cell) + 2 : 0, ' '));
    }
    std::printf("%s\n", line.c_str());
  };
  print(header);
  for (const auto& row : rows) print(row);
}

std::string ModalityName(v1::Modality modality) {
  return absl::AsciiStrToLower(absl::StripPrefix(v1::Modality_Name(modality), "MODALITY_"));
}

std::vector<v1::Modality> ParseModalities(const std::string& list) {
  std::vector<v1::Modality> modalities;
  for (absl::string_view name : absl::StrSplit(list, ',', absl::SkipWhitespace())) {
    v1::Modality modality = v1::MODALITY_UNSPECIFIED;
    const std::string full = absl::StrCat("MODALITY_", absl::AsciiStrToUpper(absl::StripAsciiWhitespace(name)));
    if (!v1::Modality_Parse(full, &modality) || modality == v1::MODALITY_UNSPECIFIED) {
      throw CLI::ValidationError("--for", "wanted some of text,image,audio,video");
    }
    modalities.push_back(modality);
  }
  return modalities;
}

std::string HumanBytes(double bytes) {
  const char* const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  int unit = 0;
  while (bytes >= 1024.0 && unit < 4) {
    bytes /= 1024.0;
    ++unit;
  }
  return absl::StrFormat(unit == 0 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
}

bool IsTerminal(int fd) { return isatty(fd) == 1; }

}  // namespace mixmatch::client
