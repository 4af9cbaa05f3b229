// Values inside a record, taken off its beginning without belief.
#ifndef MIXMATCH_MODEL_MEDIA_WIRE_VALUES_H_
#define MIXMATCH_MODEL_MEDIA_WIRE_VALUES_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace mixmatch::model {

// False: there is no whole one.
template <typename T>
bool TakeValue(absl::string_view* body, T* value) {
  if (body->size() < sizeof(T)) return false;
  std::memcpy(value, body->data(), sizeof(T));
  body->remove_prefix(sizeof(T));
  return true;
}

// All of `body` as strings, each a uint32 size and then its bytes. False: it is cut, or `out` would hold more than
// `most`.
inline bool TakeStrings(absl::string_view body, size_t most, std::vector<std::string>* out) {
  while (!body.empty()) {
    uint32_t size;
    if (!TakeValue(&body, &size) || size > body.size() || out->size() >= most) return false;
    out->emplace_back(body.substr(0, size));
    body.remove_prefix(size);
  }
  return true;
}

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WIRE_VALUES_H_
