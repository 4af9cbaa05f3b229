// Small media, made here: the same for the same arguments.
#ifndef MIXMATCH_TESTS_INTEGRATION_MEDIA_H_
#define MIXMATCH_TESTS_INTEGRATION_MEDIA_H_

#include <cstdint>
#include <string>
#include <vector>

namespace mixmatch {

// A PNG of size x size pixels with a pattern of its own for each seed.
std::string MakePng(uint32_t seed, int size = 32);
// A PNG whose header states these sides; there are no pixels behind it that would fill them.
std::string PngHeader(uint32_t width, uint32_t height);
// A PNG of black words on white; made by the ffmpeg program.
std::string MakeWordsPng(const std::string& words);
// 16-bit mono WAV: chords of their own for each seed. 0 seconds gives a WAV without a sample.
std::string MakeWav(uint32_t seed, double seconds = 0.5);
// H.264 and AAC in MP4, three seconds with a cut in the middle, with a subtitle track; made by the ffmpeg program.
const std::string& MakeMp4();
std::string Sha256(const std::string& bytes);

}  // namespace mixmatch

#endif  // MIXMATCH_TESTS_INTEGRATION_MEDIA_H_
