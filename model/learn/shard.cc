#include "model/learn/shard.h"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "model/modality/modality.h"
#include "model/modality/packed_features.h"
#include "model/tensors/safetensors.h"

namespace mixmatch::model {
namespace {

using nlohmann::json;

constexpr char kFormat[] = "mixmatch-shard-1";
constexpr char kFormatKey[] = "format";

absl::Status Damaged(absl::string_view what) {
  return absl::DataLossError(absl::StrCat("shard: ", what, "; make it again with mixmatch-shards"));
}

absl::Status Check(const Shard& shard) {
  for (size_t i = 0; i < shard.parts.size(); ++i) {
    const ShardPart& part = shard.parts[i];
    const size_t tokens = part.tokens.size() / kTokenBytes;
    if (part.slot < 0 || part.event < 0 || part.event >= shard.events.size() || part.row < 0 ||
        part.row >= shard.rows.size()) {
      return absl::InvalidArgumentError(absl::StrCat("shard.parts[", i, "]: got slot ", part.slot, ", event ",
                                                     part.event, ", row ", part.row, " of ", shard.events.size(),
                                                     " events and ", shard.rows.size(), " rows"));
    }
    if (part.tokens.size() % kTokenBytes != 0 || tokens < 1 || tokens > kMostTokens) {
      return absl::InvalidArgumentError(absl::StrCat("shard.parts[", i, "].tokens: got ", part.tokens.size(),
                                                     " bytes, wanted 1 to ", kMostTokens, " times ", kTokenBytes));
    }
  }
  return absl::OkStatus();
}

// Starts of n runs and the end of the last, within [0, most].
bool Ascending(absl::Span<const int64_t> starts, int64_t most) {
  return !starts.empty() && starts.front() == 0 && starts.back() == most &&
         std::is_sorted(starts.begin(), starts.end());
}

absl::StatusOr<std::vector<std::string>> Strings(const Safetensors& file, const std::string& key) {
  const auto found = file.metadata.find(key);
  if (found == file.metadata.end()) return Damaged(absl::StrCat("no ", key));
  const json list = json::parse(found->second, nullptr, /*allow_exceptions=*/false);
  if (!list.is_array()) return Damaged(absl::StrCat(key, " is not a list"));
  std::vector<std::string> strings;
  for (const json& entry : list) strings.push_back(entry.is_string() ? entry.get<std::string>() : entry.dump());
  return strings;
}

struct Arrays {
  absl::Span<const int32_t> slot, event, row;
  absl::Span<const int64_t> token_start, feature_start;
  absl::string_view tokens, features;
};

absl::StatusOr<Arrays> FindArrays(const Safetensors& file) {
  Arrays arrays;
  const auto find = [&file](const char* name, ArrayType type, size_t dimensions) -> const Array* {
    const absl::StatusOr<const Array*> array = file.Find(name, type, dimensions);
    return array.ok() ? *array : nullptr;
  };
  const Array* slot = find("slot", ArrayType::kI32, 1);
  const Array* event = find("event", ArrayType::kI32, 1);
  const Array* row = find("row", ArrayType::kI32, 1);
  const Array* token_start = find("token_start", ArrayType::kI64, 1);
  const Array* feature_start = find("feature_start", ArrayType::kI64, 1);
  const Array* tokens = find("tokens", ArrayType::kU8, 2);
  const Array* features = find("features", ArrayType::kF16, 1);
  for (const Array* array : {slot, event, row, token_start, feature_start, tokens, features}) {
    if (array == nullptr) return Damaged("an array is missing or of another type");
  }
  arrays = {slot->as<int32_t>(),          event->as<int32_t>(), row->as<int32_t>(), token_start->as<int64_t>(),
            feature_start->as<int64_t>(), tokens->bytes,        features->bytes};
  const size_t n = arrays.slot.size();
  if (arrays.event.size() != n || arrays.row.size() != n || arrays.token_start.size() != n + 1 ||
      arrays.feature_start.size() != n + 1 || tokens->shape[1] != kTokenBytes ||
      !Ascending(arrays.token_start, tokens->shape[0]) || !Ascending(arrays.feature_start, features->shape[0])) {
    return Damaged("its arrays do not fit each other");
  }
  return arrays;
}

}  // namespace

absl::Status Shard::WriteFile(const std::string& path) const {
  if (absl::Status status = Check(*this); !status.ok()) return status;
  std::vector<int32_t> slot, event, row;
  std::vector<int64_t> token_start = {0}, feature_start = {0};
  std::string tokens, features;
  for (const ShardPart& part : parts) {
    slot.push_back(part.slot);
    event.push_back(part.event);
    row.push_back(part.row);
    tokens.append(reinterpret_cast<const char*>(part.tokens.data()), part.tokens.size());
    features += PackFeatures(part.features);
    token_start.push_back(static_cast<int64_t>(tokens.size()) / kTokenBytes);
    feature_start.push_back(static_cast<int64_t>(features.size()) / 2);
  }
  const int64_t n = static_cast<int64_t>(parts.size());
  Safetensors file;
  file.arrays["slot"] = Array::Of<int32_t>(ArrayType::kI32, {n}, slot);
  file.arrays["event"] = Array::Of<int32_t>(ArrayType::kI32, {n}, event);
  file.arrays["row"] = Array::Of<int32_t>(ArrayType::kI32, {n}, row);
  file.arrays["token_start"] = Array::Of<int64_t>(ArrayType::kI64, {n + 1}, token_start);
  file.arrays["feature_start"] = Array::Of<int64_t>(ArrayType::kI64, {n + 1}, feature_start);
  file.arrays["tokens"] = {ArrayType::kU8, {token_start.back(), kTokenBytes}, std::move(tokens)};
  file.arrays["features"] = {ArrayType::kF16, {feature_start.back()}, std::move(features)};
  // A name that is not UTF-8 gets replacement characters rather than stopping the writer.
  const auto dump = [](const std::vector<std::string>& list) {
    return json(list).dump(-1, ' ', false, json::error_handler_t::replace);
  };
  file.metadata = {{kFormatKey, kFormat}, {"events", dump(events)}, {"rows", dump(rows)}};
  return file.WriteFile(path);
}

absl::StatusOr<Shard> Shard::ReadFile(const std::string& path) {
  const absl::StatusOr<Safetensors> file = Safetensors::ReadFile(path);
  if (!file.ok()) return file.status();
  const auto format = file->metadata.find(kFormatKey);
  if (format == file->metadata.end()) return Damaged("the file says no format");
  if (format->second != kFormat) {
    return absl::UnimplementedError(absl::StrCat("shard: the file has another format than ", kFormat,
                                                 "; make it again with this version's mixmatch-shards"));
  }
  if (!file->checked) return Damaged("it has no checksum");
  absl::StatusOr<std::vector<std::string>> events = Strings(*file, "events"), rows = Strings(*file, "rows");
  if (!events.ok()) return events.status();
  if (!rows.ok()) return rows.status();
  const absl::StatusOr<Arrays> arrays = FindArrays(*file);
  if (!arrays.ok()) return arrays.status();
  Shard shard;
  shard.events = *std::move(events);
  shard.rows = *std::move(rows);
  shard.parts.resize(arrays->slot.size());
  for (size_t i = 0; i < shard.parts.size(); ++i) {
    ShardPart& part = shard.parts[i];
    part.slot = arrays->slot[i];
    part.event = arrays->event[i];
    part.row = arrays->row[i];
    const auto bytes = arrays->tokens.substr(arrays->token_start[i] * kTokenBytes,
                                             (arrays->token_start[i + 1] - arrays->token_start[i]) * kTokenBytes);
    part.tokens.assign(bytes.begin(), bytes.end());
    absl::StatusOr<std::vector<float>> values = UnpackFeatures(arrays->features.substr(
        arrays->feature_start[i] * 2, (arrays->feature_start[i + 1] - arrays->feature_start[i]) * 2));
    if (!values.ok()) return Damaged("a feature is not a number");
    part.features = *std::move(values);
  }
  if (!Check(shard).ok()) return Damaged("a part names an event, row or number of tokens that cannot be");
  return shard;
}

std::vector<std::string> ShardFiles(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".safetensors") files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace mixmatch::model
