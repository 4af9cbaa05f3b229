// Named arrays in one file, in the safetensors format (github.com/huggingface/safetensors): 8 bytes of header length,
// a JSON header with name, type, shape and place of each array and free text metadata, then the arrays' bytes.
// What is written here carries a checksum in its metadata; files of other programs need not.
#ifndef MIXMATCH_MODEL_TENSORS_SAFETENSORS_H_
#define MIXMATCH_MODEL_TENSORS_SAFETENSORS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace mixmatch::model {

enum class ArrayType { kU8, kI32, kI64, kF16, kBf16, kF32 };

int BytesOf(ArrayType type);

// One array, row-major, in this machine's byte order (the format's: little-endian). Owns its bytes.
struct Array {
  ArrayType type = ArrayType::kF32;
  std::vector<int64_t> shape;  // No dimension is negative; a scalar has none.
  std::string bytes;           // product(shape) * BytesOf(type) of them.

  int64_t size() const;  // Elements.
  template <typename T>
  absl::Span<const T> as() const {
    return {reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T)};
  }
  template <typename T>
  static Array Of(ArrayType type, std::vector<int64_t> shape, absl::Span<const T> values) {
    return {type, std::move(shape), std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T))};
  }
};

struct Safetensors {
  std::map<std::string, Array> arrays;
  std::map<std::string, std::string> metadata;
  bool checked = false;  // Parse found a checksum, and it fits.

  std::string Serialize() const;
  // DATA_LOSS: cut or altered, or not this format. UNIMPLEMENTED: an element type that is not listed above.
  static absl::StatusOr<Safetensors> Parse(absl::string_view bytes);

  // The file is replaced as a whole. NOT_FOUND and others as the file system says.
  absl::Status WriteFile(const std::string& path) const;
  static absl::StatusOr<Safetensors> ReadFile(const std::string& path);

  // The array, or INVALID_ARGUMENT if it is missing or of another type or number of dimensions.
  absl::StatusOr<const Array*> Find(const std::string& name, ArrayType type, size_t dimensions) const;
};

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_TENSORS_SAFETENSORS_H_
