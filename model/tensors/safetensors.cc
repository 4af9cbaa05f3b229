#include "model/tensors/safetensors.h"

#include <cstring>
#include <nlohmann/json.hpp>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "model/tensors/files.h"
#include "model/tensors/state_sum.h"

namespace mixmatch::model {
namespace {

using nlohmann::json;

constexpr char kSumKey[] = "mixmatch.sum";
constexpr size_t kLengthBytes = 8;
constexpr size_t kAlignment = 8;

struct TypeName {
  ArrayType type;
  const char* name;
  int bytes;
};
constexpr TypeName kTypes[] = {{ArrayType::kU8, "U8", 1},   {ArrayType::kI32, "I32", 4},   {ArrayType::kI64, "I64", 8},
                               {ArrayType::kF16, "F16", 2}, {ArrayType::kBf16, "BF16", 2}, {ArrayType::kF32, "F32", 4}};

const TypeName& NameOf(ArrayType type) { return kTypes[static_cast<int>(type)]; }

absl::Status Damaged(absl::string_view what) {
  return absl::DataLossError(absl::StrCat("safetensors: ", what, "; the file is cut, altered or of another format"));
}

// A number of elements, or -1 when a dimension is negative or the product too large.
int64_t Product(const std::vector<int64_t>& shape) {
  int64_t product = 1;
  for (int64_t n : shape) {
    if (n < 0 || (n > 0 && product > (int64_t{1} << 48) / n)) return -1;
    product *= n;
  }
  return product;
}

// Over the header, which does not hold the sum yet, and the data.
std::string SumOf(const json& header, absl::string_view data) {
  return absl::StrCat(StateSum(header.dump()), "-", StateSum(data));
}

absl::StatusOr<Array> ParseArray(const json& entry, absl::string_view data) {
  const std::string type_name = entry.at("dtype").get<std::string>();
  const TypeName* type = nullptr;
  for (const TypeName& known : kTypes) {
    if (type_name == known.name) type = &known;
  }
  if (type == nullptr) {
    return absl::UnimplementedError(absl::StrCat("safetensors: element type ", type_name, " is not read here"));
  }
  Array array;
  array.type = type->type;
  array.shape = entry.at("shape").get<std::vector<int64_t>>();
  const auto place = entry.at("data_offsets").get<std::vector<uint64_t>>();
  const int64_t elements = Product(array.shape);
  if (elements < 0 || place.size() != 2 || place[0] > place[1] || place[1] > data.size() ||
      place[1] - place[0] != static_cast<uint64_t>(elements) * type->bytes) {
    return Damaged("an array's place does not fit its shape");
  }
  array.bytes = std::string(data.substr(place[0], place[1] - place[0]));
  return array;
}

}  // namespace

int BytesOf(ArrayType type) { return NameOf(type).bytes; }

int64_t Array::size() const { return Product(shape); }

std::string Safetensors::Serialize() const {
  json header = json::object();
  std::string data;
  for (const auto& [name, array] : arrays) {
    header[name] = {{"dtype", NameOf(array.type).name},
                    {"shape", array.shape},
                    {"data_offsets", {data.size(), data.size() + array.bytes.size()}}};
    data += array.bytes;
  }
  header["__metadata__"] = metadata;
  header["__metadata__"][kSumKey] = SumOf(header, data);
  std::string text = header.dump();
  text.append((kAlignment - text.size() % kAlignment) % kAlignment, ' ');
  const uint64_t length = text.size();
  std::string bytes(reinterpret_cast<const char*>(&length), kLengthBytes);
  return bytes + text + data;
}

absl::StatusOr<Safetensors> Safetensors::Parse(absl::string_view bytes) {
  uint64_t length = 0;
  if (bytes.size() < kLengthBytes) return Damaged("shorter than its first field");
  std::memcpy(&length, bytes.data(), kLengthBytes);
  if (length > bytes.size() - kLengthBytes) return Damaged("shorter than its header");
  const absl::string_view text = bytes.substr(kLengthBytes, length), data = bytes.substr(kLengthBytes + length);
  Safetensors result;
  try {
    json header = json::parse(text.begin(), text.end());
    json& metadata = header["__metadata__"];
    if (metadata.contains(kSumKey)) {
      const std::string sum = metadata[kSumKey].get<std::string>();
      metadata.erase(kSumKey);
      if (sum != SumOf(header, data)) return Damaged("its checksum differs");
      result.checked = true;
    }
    for (const auto& [name, entry] : header.items()) {
      if (name == "__metadata__") {
        if (!entry.is_null()) result.metadata = entry.get<std::map<std::string, std::string>>();
        continue;
      }
      absl::StatusOr<Array> array = ParseArray(entry, data);
      if (!array.ok()) return array.status();
      result.arrays.emplace(name, *std::move(array));
    }
  } catch (const json::exception&) {
    return Damaged("its header is not the JSON that it should be");
  }
  return result;
}

absl::Status Safetensors::WriteFile(const std::string& path) const { return ReplaceFile(path, Serialize()); }

absl::StatusOr<Safetensors> Safetensors::ReadFile(const std::string& path) {
  const absl::StatusOr<std::string> bytes = ReadWholeFile(path);
  if (!bytes.ok()) return bytes.status();
  absl::StatusOr<Safetensors> parsed = Parse(*bytes);
  if (parsed.ok()) return parsed;
  return absl::Status(parsed.status().code(), absl::StrCat(path, ": ", parsed.status().message()));
}

absl::StatusOr<const Array*> Safetensors::Find(const std::string& name, ArrayType type, size_t dimensions) const {
  const auto found = arrays.find(name);
  if (found == arrays.end()) return absl::InvalidArgumentError(absl::StrCat("safetensors: no array ", name));
  const Array& array = found->second;
  if (array.type != type || array.shape.size() != dimensions) {
    return absl::InvalidArgumentError(absl::StrCat("safetensors: array ", name, " has type ", NameOf(array.type).name,
                                                   " and ", array.shape.size(), " dimensions, wanted ",
                                                   NameOf(type).name, " and ", dimensions));
  }
  return &array;
}

}  // namespace mixmatch::model
