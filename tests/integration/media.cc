#include "tests/integration/media.h"

#include <gtest/gtest.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <zlib.h>

#include <cmath>
#include <fstream>
#include <random>
#include <sstream>

#include "tests/integration/server_process.h"

namespace mixmatch {
namespace {

void PutBig(uint32_t value, std::string& out) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

void PutLittle(uint32_t value, int bytes, std::string& out) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
}

void PutChunk(const std::string& type, const std::string& data, std::string& out) {
  PutBig(static_cast<uint32_t>(data.size()), out);
  const std::string body = type + data;
  out += body;
  PutBig(static_cast<uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(body.data()), body.size())), out);
}

std::string Png(uint32_t width, uint32_t height, const std::string& rows) {
  std::string out = "\x89PNG\r\n\x1a\n", header;
  PutBig(width, header);
  PutBig(height, header);
  header += std::string("\x08\x02\x00\x00\x00", 5);  // 8 bits, RGB.
  PutChunk("IHDR", header, out);
  uLongf size = compressBound(rows.size());
  std::string packed(size, '\0');
  compress(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(rows.data()), rows.size());
  packed.resize(size);
  PutChunk("IDAT", packed, out);
  PutChunk("IEND", "", out);
  return out;
}

}  // namespace

std::string MakePng(uint32_t seed, int size) {
  std::mt19937 random(seed);
  uint32_t colors[16];
  for (uint32_t& color : colors) color = random();
  std::string rows;
  for (int y = 0; y < size; ++y) {
    rows.push_back(0);  // No filter.
    for (int x = 0; x < size; ++x) {
      const uint32_t color = colors[(y * 4 / size) * 4 + x * 4 / size];
      for (int shift : {0, 8, 16}) rows.push_back(static_cast<char>(color >> shift));
    }
  }
  return Png(size, size, rows);
}

std::string PngHeader(uint32_t width, uint32_t height) { return Png(width, height, std::string(1000, '\0')); }

std::string MakeWav(uint32_t seed, double seconds) {
  constexpr int kRate = 16000;
  std::mt19937 random(seed);
  double pitches[3];
  for (double& pitch : pitches) pitch = 150.0 + random() % 3000;
  std::string samples;
  for (int i = 0; i < static_cast<int>(seconds * kRate); ++i) {
    double value = 0.0;
    for (double pitch : pitches) value += std::sin(2 * M_PI * pitch * i / kRate);
    PutLittle(static_cast<uint16_t>(static_cast<int16_t>(value * 8000)), 2, samples);
  }
  std::string out = "RIFF";
  PutLittle(36 + samples.size(), 4, out);
  out += "WAVEfmt ";
  PutLittle(16, 4, out);
  PutLittle(1, 2, out);
  PutLittle(1, 2, out);
  PutLittle(kRate, 4, out);
  PutLittle(kRate * 2, 4, out);
  PutLittle(2, 2, out);
  PutLittle(16, 2, out);
  out += "data";
  PutLittle(samples.size(), 4, out);
  return out + samples;
}

const std::string& MakeMp4() {
  static const auto* const bytes = [] {
    ScratchDir dir;
    std::ofstream(dir.path() + "/words.srt") << "1\n00:00:00,200 --> 00:00:01,200\nA small test card\n\n"
                                                "2\n00:00:01,700 --> 00:00:02,700\nNow it is a fractal\n\n";
    const std::string command =
        "cd " + dir.path() +
        " && ffmpeg -v error -y -f lavfi -i testsrc=size=96x64:rate=12:duration=1.5"
        " -f lavfi -i mandelbrot=size=96x64:rate=12 -f lavfi -i sine=frequency=440:duration=3 -i words.srt"
        " -filter_complex '[1:v]trim=duration=1.5,setpts=PTS-STARTPTS[m];[0:v][m]concat=n=2:v=1[v]'"
        " -map '[v]' -map 2:a -map 3:s -c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac -c:s mov_text"
        " -bitexact clip.mp4";
    EXPECT_EQ(system(command.c_str()), 0) << "ffmpeg is needed to make a clip";
    std::ifstream in(dir.path() + "/clip.mp4", std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return new std::string(out.str());
  }();
  return *bytes;
}

std::string MakeWordsPng(const std::string& words) {
  ScratchDir dir;
  const std::string path = dir.path() + "/words.png";
  const std::string command =
      "ffmpeg -nostdin -v error -y -f lavfi -i color=white:s=480x80 -frames:v 1"
      " -vf \"drawtext=text='" + words + "':fontsize=18:x=10:y=30\" " + path;
  EXPECT_EQ(system(command.c_str()), 0) << "ffmpeg and a font are needed to write words";
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::string Sha256(const std::string& bytes) {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

}  // namespace mixmatch
