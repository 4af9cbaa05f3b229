// Checksummed binary state: 32-bit numbers and float arrays in this machine's byte order.
#ifndef MIXMATCH_MODEL_HEAD_BYTES_H_
#define MIXMATCH_MODEL_HEAD_BYTES_H_

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "model/tensors/state_sum.h"

namespace mixmatch::model {

class ByteWriter {
 public:
  void U32(uint32_t v) { Raw(&v, 4); }
  void U64(uint64_t v) { Raw(&v, 8); }
  void F64(double v) { Raw(&v, 8); }
  void Floats(absl::Span<const float> v) {
    U64(v.size());
    Raw(v.data(), v.size() * 4);
  }
  std::string Finish() && {
    const uint64_t sum = StateSum(bytes_);
    Raw(&sum, 8);
    return std::move(bytes_);
  }

 private:
  void Raw(const void* p, size_t n) { bytes_.append(static_cast<const char*>(p), n); }
  std::string bytes_;
};

// Reads what ByteWriter wrote. Past the end it gives zeros and ok() turns false.
class ByteReader {
 public:
  explicit ByteReader(absl::string_view bytes) : bytes_(bytes) {}
  // Call first: true when the trailing sum fits. Drops it from what is left to read.
  bool CheckSum() {
    if (bytes_.size() < 8) return ok_ = false;
    uint64_t sum;
    std::memcpy(&sum, bytes_.data() + bytes_.size() - 8, 8);
    bytes_.remove_suffix(8);
    return ok_ = sum == StateSum(bytes_);
  }
  uint32_t U32() { return Number<uint32_t>(); }
  uint64_t U64() { return Number<uint64_t>(); }
  double F64() { return Number<double>(); }
  std::vector<float> Floats() {
    const uint64_t n = U64();
    if (!ok_ || n > bytes_.size() / 4) {
      ok_ = false;
      return {};
    }
    std::vector<float> out(n);
    std::memcpy(out.data(), bytes_.data(), n * 4);
    bytes_.remove_prefix(n * 4);
    return out;
  }
  bool ok() const { return ok_; }

 private:
  template <typename T>
  T Number() {
    T v{};
    if (bytes_.size() < sizeof(T)) {
      ok_ = false;
      return v;
    }
    std::memcpy(&v, bytes_.data(), sizeof(T));
    bytes_.remove_prefix(sizeof(T));
    return v;
  }
  absl::string_view bytes_;
  bool ok_ = true;
};

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_HEAD_BYTES_H_
