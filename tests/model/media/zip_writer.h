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
  bool zip64 = false;         // Sizes and places in ZIP64 fields alone.
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
    const std::string sizes = options.zip64 ? std::string(8, '\xff') : LittleEndian(packed.size(), 4) + LittleEndian(stated, 4);
    const std::string wide = LittleEndian(stated, 8) + LittleEndian(packed.size(), 8);
    const std::string local = options.zip64 ? LittleEndian(1, 2) + LittleEndian(16, 2) + wide : "";
    const std::string central =
        options.zip64 ? LittleEndian(1, 2) + LittleEndian(24, 2) + wide + LittleEndian(zip.size(), 8) : "";
    const std::string common = LittleEndian(20, 2) + LittleEndian(options.flags, 2) + LittleEndian(8, 2) +
                               LittleEndian(0, 4) + LittleEndian(crc, 4) + sizes + LittleEndian(name.size(), 2);
    directory += "PK\x01\x02" + LittleEndian(20, 2) + common + LittleEndian(central.size(), 2) + LittleEndian(0, 10) +
                 LittleEndian(options.zip64 ? 0xffffffff : zip.size(), 4) + name + central;
    zip += "PK\x03\x04" + common + LittleEndian(local.size(), 2) + name + local + packed;
  }
  if (options.zip64) {
    const std::string record = "PK\x06\x06" + LittleEndian(44, 8) + LittleEndian(45, 2) + LittleEndian(45, 2) +
                               LittleEndian(0, 8) + LittleEndian(files.size(), 8) + LittleEndian(files.size(), 8) +
                               LittleEndian(directory.size(), 8) + LittleEndian(zip.size(), 8);
    const std::string locator = "PK\x06\x07" + LittleEndian(0, 4) + LittleEndian(zip.size() + directory.size(), 8) + LittleEndian(1, 4);
    return zip + directory + record + locator + "PK\x05\x06" + LittleEndian(0, 4) + std::string(12, '\xff') + LittleEndian(0, 2);
  }
  const std::string end = "PK\x05\x06" + LittleEndian(0, 4) + LittleEndian(files.size(), 2) +
                          LittleEndian(files.size(), 2) + LittleEndian(directory.size(), 4) +
                          LittleEndian(zip.size(), 4) + LittleEndian(0, 2);
  return zip + directory + end;
}

}  // namespace mixmatch::model

#endif  // MIXMATCH_TESTS_MODEL_MEDIA_ZIP_WRITER_H_
