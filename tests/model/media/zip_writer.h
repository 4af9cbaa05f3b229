// Archives for tests.
#ifndef MIXMATCH_TESTS_MODEL_MEDIA_ZIP_WRITER_H_
#define MIXMATCH_TESTS_MODEL_MEDIA_ZIP_WRITER_H_

#include <zlib.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace mixmatch::model {

inline std::string LittleEndian(uint64_t value, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
  return out;
}

inline std::string Deflated(const std::string& bytes) {
  z_stream stream = {};
  deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

struct ZipOptions {
  uint16_t flags = 0;         // 1: says that it is encrypted.
  int64_t stated_bytes = -1;  // What the directory says each file unpacks to; -1: the truth.
};

// Names and bytes, in order, deflated.
inline std::string MakeZip(const std::vector<std::pair<std::string, std::string>>& files,
                           const ZipOptions& options = {}) {
  std::string zip, directory;
  for (const auto& [name, bytes] : files) {
    const std::string packed = Deflated(bytes);
    const uint64_t stated = options.stated_bytes < 0 ? bytes.size() : options.stated_bytes;
    const uint32_t crc = crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size()));
    const std::string common = LittleEndian(20, 2) + LittleEndian(options.flags, 2) + LittleEndian(8, 2) +
                               LittleEndian(0, 4) + LittleEndian(crc, 4) + LittleEndian(packed.size(), 4) +
                               LittleEndian(stated, 4) + LittleEndian(name.size(), 2) + LittleEndian(0, 2);
    directory += "PK\x01\x02" + LittleEndian(20, 2) + common + LittleEndian(0, 10) + LittleEndian(zip.size(), 4) + name;
    zip += "PK\x03\x04" + common + name + packed;
  }
  const std::string end = "PK\x05\x06" + LittleEndian(0, 4) + LittleEndian(files.size(), 2) +
                          LittleEndian(files.size(), 2) + LittleEndian(directory.size(), 4) +
                          LittleEndian(zip.size(), 4) + LittleEndian(0, 2);
  return zip + directory + end;
}

}  // namespace mixmatch::model

#endif  // MIXMATCH_TESTS_MODEL_MEDIA_ZIP_WRITER_H_
