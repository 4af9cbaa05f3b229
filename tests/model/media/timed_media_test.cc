// Sounds and videos as a stream: what comes beside frames and samples, and that nothing grows with their length.
#include <dirent.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "model/media/media_collector.h"
#include "model/media/media_decoder.h"
#include "tests/model/media/decode_bytes.h"

namespace mixmatch::model {
namespace {

using ::testing::HasSubstr;

// Counts, and keeps nothing.
class Counter final : public MediaSink {
 public:
  absl::Status Begin(v1::Modality, const std::string&) override { return absl::OkStatus(); }
  absl::Status Frame(DecodedFrame frame) override {
    ++frames;
    last = frame.seconds;
    return after_frame;
  }
  absl::Status Samples(double, absl::Span<const float> some) override {
    samples += some.size();
    return absl::OkStatus();
  }
  absl::Status Subtitle(DecodedSubtitle) override { return absl::OkStatus(); }
  absl::Status Chapter(DecodedChapter) override { return absl::OkStatus(); }
  absl::Status Tags(std::string) override { return absl::OkStatus(); }
  absl::Status Cover(DecodedImage) override { return absl::OkStatus(); }
  absl::Status SoundTrack(std::string) override { return absl::OkStatus(); }

  int frames = 0;
  double last = 0.0;
  size_t samples = 0;
  absl::Status after_frame;
};

int64_t PeakKilobytes(const std::string& status_file) {
  for (absl::string_view line : absl::StrSplit(ReadFile(status_file), '\n')) {
    int64_t value = 0;
    const std::vector<absl::string_view> words = absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipWhitespace());
    if (words.size() > 1 && words[0] == "VmHWM:" && absl::SimpleAtoi(words[1], &value)) return value;
  }
  return 0;
}

TEST(TimedMediaTest, ChaptersAndTagsComeWithTheirTimes) {
  const std::string meta = ScratchPath("meta.txt");
  std::ofstream(meta) << ";FFMETADATA1\ntitle=Two tones\nartist=Nobody\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1000\n"
                         "title=First\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=1000\nEND=2000\ntitle=Second\n";
  for (const std::string name : {"c.mp4", "c.mkv", "c.m4a"}) {
    const auto media = DecodeBytes(MadeByFfmpeg(name, absl::StrCat("-f lavfi -i sine=440:d=2 -i ", meta, " -map_metadata 1")));
    ASSERT_TRUE(media.ok()) << name << media.status();
    EXPECT_THAT(media->tags, HasSubstr("title: Two tones\nartist: Nobody")) << name;
    ASSERT_EQ(media->chapters.size(), 2u) << name;
    EXPECT_EQ(media->chapters[1].title, "Second");
    EXPECT_NEAR(media->chapters[1].start_seconds, 1.0, 0.05);
    EXPECT_NEAR(media->chapters[1].end_seconds, 2.0, 0.05);
  }
  unlink(meta.c_str());
}

TEST(TimedMediaTest, CoverArtIsAPictureBesideTheSound) {
  const auto media =
      DecodeBytes(MadeByFfmpeg("c.mp3", "-f lavfi -i sine=440:d=2 -f lavfi -i color=red:s=600x300:r=1:d=1 -map 0 -map 1 -c:v png "
                           "-disposition:v attached_pic"));
  ASSERT_TRUE(media.ok()) << media.status();
  EXPECT_EQ(media->modality, v1::MODALITY_AUDIO);
  EXPECT_EQ(media->cover.width, 256);
  EXPECT_EQ(media->cover.height, 128);
  EXPECT_GT(media->cover.rgb[0], 200);
}

TEST(TimedMediaTest, TheDefaultOfSeveralSoundTracksIsTakenAndTheOthersAreNamed) {
  const auto media = DecodeBytes(MadeByFfmpeg(
      "t.mkv", "-f lavfi -i sine=440:d=2 -f lavfi -i anullsrc=d=2 -map 0 -map 1 -t 2 -metadata:s:a:0 language=eng "
               "-metadata:s:a:1 language=deu -metadata:s:a:1 title=Kommentar -disposition:a:0 0 -disposition:a:1 default"));
  ASSERT_TRUE(media.ok()) << media.status();
  EXPECT_EQ(media->sound_track, "Kommentar (deu), one of eng; Kommentar (deu)");
  for (float sample : media->samples) ASSERT_LT(std::abs(sample), 0.01f);
}

TEST(TimedMediaTest, FramesOfAVariableRateHaveTheirOwnTimes) {
  // One second at 10 frames a second, then one at 2.
  const auto media = DecodeBytes(MadeByFfmpeg("v.mkv", "-f lavfi -i testsrc=s=64x48:r=10:d=2 -vf \"select='lt(t,1)+not(mod(n,5))'\" "
                                          "-vsync vfr"));
  ASSERT_TRUE(media.ok()) << media.status();
  ASSERT_EQ(media->frames.size(), 12u);
  EXPECT_NEAR(media->frames[5].seconds, 0.5, 0.01);
  EXPECT_NEAR(media->frames[11].seconds, 1.5, 0.01);
}

TEST(TimedMediaTest, SideCarFilesAreTextsOfTimedCues) {
  const auto srt = DecodeBytes("1\r\n00:00:01,500 --> 00:00:02,000\r\n<i>Hello</i>\r\nthere\r\n\r\n"
                          "2\r\n01:00:00,000 --> 01:00:01,000\r\nLater\r\n");
  ASSERT_TRUE(srt.ok()) << srt.status();
  EXPECT_EQ(srt->modality, v1::MODALITY_TEXT);
  EXPECT_EQ(srt->media_type, "application/x-subrip");
  ASSERT_EQ(srt->subtitles.size(), 2u);
  EXPECT_EQ(srt->subtitles[0].text, "Hello\nthere");
  EXPECT_DOUBLE_EQ(srt->subtitles[0].start_seconds, 1.5);
  EXPECT_DOUBLE_EQ(srt->subtitles[1].start_seconds, 3600.0);
  EXPECT_DOUBLE_EQ(srt->duration_seconds, 3601.0);
  const auto vtt = DecodeBytes("WEBVTT\n\nNOTE no cue\n\nintro\n00:01.000 --> 00:02.500 align:start\n<v Ann>Hi\n");
  ASSERT_TRUE(vtt.ok()) << vtt.status();
  EXPECT_EQ(vtt->media_type, "text/vtt");
  ASSERT_EQ(vtt->subtitles.size(), 1u);
  EXPECT_EQ(vtt->subtitles[0].text, "Hi");
  EXPECT_DOUBLE_EQ(vtt->subtitles[0].end_seconds, 2.5);
  EXPECT_TRUE(DecodeBytes("1\nA list, not subtitles --> no times\n")->subtitles.empty());
}

TEST(TimedMediaTest, AnHourOfSoundTakesNoMoreMemoryThanAMinute) {
  auto decoder = MediaDecoder::Create(OneDecoder());
  const auto sound = [](const std::string& seconds) {
    return MadeByFfmpeg("s.wav", absl::StrCat("-f lavfi -i sine=440:r=16000:d=", seconds, " -c:a adpcm_ima_wav"));
  };
  const auto count = [&](const std::string& bytes) {
    Counter counter;
    const int fd = FileOf(bytes);
    const auto media = (*decoder)->DecodeTo(fd, "", counter);
    close(fd);
    EXPECT_TRUE(media.ok()) << media.status();
    return counter.samples;
  };
  EXPECT_NEAR(count(sound("60")), 60 * 16000, 8000);
  const int64_t worker = PeakKilobytes(absl::StrCat("/proc/", WorkerPid(), "/status"));
  const std::string hour = sound("3600");
  const int64_t held = PeakKilobytes("/proc/self/status");
  EXPECT_NEAR(count(hour), 3600 * 16000, 8000);
#if !defined(__SANITIZE_ADDRESS__) && !defined(MIXMATCH_TSAN)
  // Samples of an hour are 220 MB.
  EXPECT_LT(PeakKilobytes("/proc/self/status") - held, 40 << 10);
  EXPECT_LT(PeakKilobytes(absl::StrCat("/proc/", WorkerPid(), "/status")) - worker, 20 << 10);
#endif
}

TEST(TimedMediaTest, LongVideosAreLookedAtMoreRarely) {
  MediaDecoderOptions options = OneDecoder();
  options.limits.full_rate_seconds = 4.0;
  auto decoder = MediaDecoder::Create(options);
  const auto count = [&](const std::string& length) {
    Counter counter;
    const int fd = FileOf(MadeByFfmpeg("v.mp4", absl::StrCat("-f lavfi -i testsrc=s=64x48:r=16:d=", length, " -c:v libx264")));
    EXPECT_TRUE((*decoder)->DecodeTo(fd, "", counter).ok());
    close(fd);
    return counter.frames;
  };
  EXPECT_NEAR(count("3"), 48, 1);
  EXPECT_NEAR(count("8"), 32, 5);
}

TEST(TimedMediaTest, ARefusalOfTheSinkEndsTheDecodingAndTheNextItemDecodes) {
  auto decoder = MediaDecoder::Create(OneDecoder());
  const std::string video = MadeByFfmpeg("v.mp4", "-f lavfi -i testsrc=s=64x48:r=10:d=5");
  Counter counter;
  counter.after_frame = absl::UnavailableError("enough");
  const int fd = FileOf(video);
  EXPECT_EQ((*decoder)->DecodeTo(fd, "", counter).status(), absl::UnavailableError("enough"));
  EXPECT_EQ(counter.frames, 1);
  counter.after_frame = absl::OkStatus();
  EXPECT_TRUE((*decoder)->DecodeTo(fd, "", counter).ok());
  close(fd);
}

TEST(TimedMediaTest, CpuTimeOfAnItemIsLimited) {
  MediaDecoderOptions options = OneDecoder();
  options.limits.max_cpu_seconds = 0.1;
  // A third of a second of large frames: what they cost is not paid for by their length.
  const std::string heavy = MadeByFfmpeg("h.mkv", "-f lavfi -i testsrc2=s=2560x1440:r=1000 -frames:v 300 -c:v ffv1");
  const auto media = DecodeBytes(heavy, options);
  EXPECT_EQ(media.status().code(), absl::StatusCode::kResourceExhausted) << media.status();
  EXPECT_THAT(std::string(media.status().message()), HasSubstr("CPU time"));
}

TEST(TimedMediaTest, WhatIsCollectedAtOnceIsLimited) {
  MediaDecoderOptions options = OneDecoder();
  options.limits.max_collected_seconds = 1.0;
  EXPECT_EQ(DecodeBytes(MadeByFfmpeg("a.mp3", "-f lavfi -i sine=440:d=2"), options).status().code(),
            absl::StatusCode::kResourceExhausted);
}

TEST(TimedMediaTest, AStreamIsDecodedAsItComes) {
  auto decoder = MediaDecoder::Create(OneDecoder());
  const std::string bytes = MadeByFfmpeg("s.ts", "-f lavfi -i testsrc=s=64x48:r=10:d=8 -f lavfi -i sine=440:d=8 -c:v mpeg2video");
  for (const size_t size : {bytes.size(), bytes.size() / 2}) {  // A stream may end anywhere.
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    std::thread writer([&, to = ends[1]] {
      size_t at = 0;
      while (at < size) {
        const ssize_t put = write(to, bytes.data() + at, std::min<size_t>(size - at, 5000));
        if (put <= 0) break;
        at += put;
      }
      close(to);
    });
    Counter counter;
    const auto media = (*decoder)->DecodeLive(ends[0], "", counter);
    close(ends[0]);
    writer.join();
    ASSERT_TRUE(media.ok()) << media.status();
    EXPECT_EQ(media->media_type, "video/mp2t");
    EXPECT_NEAR(counter.last, 8.0 * size / bytes.size(), 1.0);
    EXPECT_GT(counter.samples, 16000u);
  }
}

}  // namespace
}  // namespace mixmatch::model
