#include "model/media/media_decoder.h"

#include <dirent.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/model/media/decode_bytes.h"

namespace mixmatch::model {
namespace {

using ::testing::HasSubstr;

// The bytes of the file `name` that the ffmpeg command line makes with `arguments`, the same on every machine.
std::string Make(const std::string& name, const std::string& arguments) {
  return MadeByFfmpeg(name, absl::StrCat("-threads 1 ", arguments));
}

// A sine for two seconds beside moving bars for as long, `extra` being output options.
std::string MakeVideo(const std::string& name, const std::string& extra = "") {
  return Make(name, absl::StrCat("-f lavfi -i testsrc=s=160x120:r=10:d=2 -f lavfi -i sine=440:d=2 ", extra));
}

// The same picture every time, as `name`'s ending says.
std::string MakePicture(const std::string& name, const std::string& size = "300x200") {
  return Make(name, absl::StrCat("-f lavfi -i testsrc=s=", size, " -frames:v 1"));
}

std::string MakeSound(const std::string& name, const std::string& extra = "") {
  return Make(name, absl::StrCat("-f lavfi -i sine=440:d=2 ", extra));
}

absl::StatusOr<DecodedMedia> Decode(const std::string& bytes, absl::string_view hint = "",
                                    const MediaDecoderOptions& options = OneDecoder()) {
  return DecodeBytes(bytes, options, hint);
}

absl::StatusOr<DecodedMedia> Decode(MediaDecoder* decoder, const std::string& bytes, absl::string_view hint = "") {
  return DecodeBytes(decoder, bytes, hint);
}

std::array<int, 3> PixelAt(const DecodedImage& image, int x, int y) {
  const uint8_t* pixel = image.rgb.data() + 3 * (y * image.width + x);
  return {pixel[0], pixel[1], pixel[2]};
}

double Rms(const std::vector<float>& samples) {
  double energy = 0.0;
  for (float sample : samples) energy += sample * sample;
  return std::sqrt(energy / samples.size());
}

#define EXPECT_REFUSED(result, wanted_code, words)                          \
  do {                                                                      \
    const absl::Status refused = (result).status();                         \
    EXPECT_EQ(refused.code(), absl::StatusCode::wanted_code) << refused;    \
    EXPECT_THAT(std::string(refused.message()), HasSubstr(words));          \
  } while (false)

TEST(MediaDecoderTest, EveryCommonPictureFormatDecodesToTheSamePicture) {
  const auto png = Decode(MakePicture("p.png"));
  ASSERT_TRUE(png.ok()) << png.status();
  for (const auto& [name, type] : {std::pair<std::string, std::string>{"p.png", "image/png"},
                                   {"p.jpg", "image/jpeg"},
                                   {"p.gif", "image/gif"},
                                   {"p.bmp", "image/bmp"},
                                   {"p.webp", "image/webp"}}) {
    const auto media = Decode(MakePicture(name));
    ASSERT_TRUE(media.ok()) << name << media.status();
    EXPECT_EQ(media->modality, v1::MODALITY_IMAGE);
    EXPECT_EQ(media->media_type, type);
    ASSERT_EQ(media->frames.size(), 1u);
    const DecodedImage& image = media->frames[0].image;
    ASSERT_EQ(image.rgb.size(), png->frames[0].image.rgb.size()) << name;
    EXPECT_EQ(image.width, 256);
    EXPECT_EQ(image.height, 171);
    double difference = 0.0;
    for (size_t i = 0; i < image.rgb.size(); ++i) difference += std::abs(image.rgb[i] - png->frames[0].image.rgb[i]);
    EXPECT_LT(difference / image.rgb.size(), 12.0) << name;
  }
}

TEST(MediaDecoderTest, SmallPicturesAreNotEnlarged) {
  const auto media = Decode(MakePicture("p.png", "40x20"));
  ASSERT_TRUE(media.ok()) << media.status();
  EXPECT_EQ(media->frames[0].image.width, 40);
}

TEST(MediaDecoderTest, TransparentPixelsBecomeWhite) {
  const auto media = Decode(Make("t.png", "-f lavfi -i color=black@0.0:s=32x32,format=rgba -frames:v 1"));
  ASSERT_TRUE(media.ok()) << media.status();
  EXPECT_EQ(PixelAt(media->frames[0].image, 16, 16), (std::array<int, 3>{255, 255, 255}));
}

TEST(MediaDecoderTest, AnSvgIsDrawnOnWhiteAtImageSideWithItsWords) {
  const auto media = Decode(
      "<?xml version='1.0'?><!-- <html> --><svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 20 10'>"
      "<rect width='10' height='10' fill='#f00'/><text x='11' y='8' font-size='9'>Hi</text></svg>");
  ASSERT_TRUE(media.ok()) << media.status();
  EXPECT_EQ(media->media_type, "image/svg+xml");
  const DecodedImage& image = media->frames[0].image;
  EXPECT_EQ(image.width, 256);
  EXPECT_EQ(image.height, 128);
  EXPECT_EQ(PixelAt(image, 60, 60), (std::array<int, 3>{255, 0, 0}));
  EXPECT_EQ(PixelAt(image, 250, 5), (std::array<int, 3>{255, 255, 255}));
  int dark = 0;
  for (int y = 0; y < image.height; ++y) {
    for (int x = 132; x < image.width; ++x) dark += PixelAt(image, x, y)[0] < 64;
  }
  EXPECT_GT(dark, 100);
}

TEST(MediaDecoderTest, AnSvgCannotReadOtherFiles) {
  const std::string path = absl::StrCat(testing::TempDir(), "/", getpid(), "-black.png");
  std::ofstream(path, std::ios::binary) << Make("b.png", "-f lavfi -i color=black:s=32x32 -frames:v 1");
  const auto media = Decode(absl::StrCat("<svg xmlns='http://www.w3.org/2000/svg' width='32' height='32'><image href='file://",
                                         path, "' width='32' height='32'/></svg>"));
  unlink(path.c_str());
  ASSERT_TRUE(media.ok()) << media.status();
  EXPECT_EQ(PixelAt(media->frames[0].image, 128, 128), (std::array<int, 3>{255, 255, 255}));
}

TEST(MediaDecoderTest, EveryCommonSoundFormatGivesTwoSecondsOfMonoAt16Khz) {
  for (const std::string name : {"a.wav", "a.mp3", "a.flac", "a.ogg", "a.opus", "a.m4a", "a.aac", "a.aiff", "a.au",
                                 "a.caf", "a.webm"}) {
    const auto media = Decode(MakeSound(name), "audio/whatever");
    ASSERT_TRUE(media.ok()) << name << media.status();
    EXPECT_EQ(media->modality, v1::MODALITY_AUDIO) << name;
    EXPECT_TRUE(absl::StartsWith(media->media_type, "audio/")) << media->media_type;
    EXPECT_NEAR(media->samples.size() / 16000.0, 2.0, 0.1) << name;
    EXPECT_NEAR(media->duration_seconds, 2.0, 0.1) << name;
    EXPECT_NEAR(Rms(media->samples), 0.088, 0.01) << name;
    EXPECT_TRUE(media->frames.empty());
  }
}

TEST(MediaDecoderTest, ADeadChannelDoesNotHalveTheSound) {
  const auto mono = Decode(MakeSound("m.wav"));
  const auto half_dead = Decode(MakeSound("d.wav", "-af 'pan=stereo|c0=0*c0|c1=c0'"));
  ASSERT_TRUE(mono.ok() && half_dead.ok());
  EXPECT_NEAR(Rms(half_dead->samples), Rms(mono->samples), 1e-3);
}

TEST(MediaDecoderTest, ASoundWithCoverArtIsASound) {
  const auto media =
      Decode(Make("c.mp3", "-f lavfi -i sine=440:d=2 -f lavfi -i testsrc=s=64x64:r=1:d=1 -map 0 -map 1 -c:v png "
                           "-disposition:v attached_pic"));
  ASSERT_TRUE(media.ok()) << media.status();
  EXPECT_EQ(media->modality, v1::MODALITY_AUDIO);
}

TEST(MediaDecoderTest, EveryCommonVideoFormatGivesFramesAndSound) {
  for (const std::string name : {"v.mp4", "v.mkv", "v.webm", "v.avi", "v.mov", "v.ts", "v.flv"}) {
    const auto media = Decode(MakeVideo(name), "video/x");
    ASSERT_TRUE(media.ok()) << name << media.status();
    EXPECT_EQ(media->modality, v1::MODALITY_VIDEO) << name;
    EXPECT_NEAR(media->frames.size(), 20, 1) << name;
    EXPECT_EQ(media->frames[0].image.width, 128) << name;
    EXPECT_EQ(media->frames[0].image.height, 96) << name;
    EXPECT_LT(media->frames[0].seconds, 0.15) << name;
    EXPECT_NEAR(media->frames.back().seconds, 1.9, 0.2) << name;
    EXPECT_NEAR(media->samples.size() / 16000.0, 2.0, 0.1) << name;
  }
}

TEST(MediaDecoderTest, AVideoIsSampledAtFramesPerSecondAndNoMoreThanMaxFrames) {
  MediaDecoderOptions options = OneDecoder();
  options.limits.frames_per_second = 5.0;
  const auto slow = Decode(MakeVideo("v.mp4"), "", options);
  ASSERT_TRUE(slow.ok()) << slow.status();
  ASSERT_EQ(slow->frames.size(), 10u);
  EXPECT_NEAR(slow->frames[1].seconds, 0.2, 1e-6);
  options.limits.max_frames = 4;
  const auto few = Decode(MakeVideo("v.mp4"), "", options);
  ASSERT_TRUE(few.ok()) << few.status();
  EXPECT_EQ(few->frames.size(), 4u);
  EXPECT_NEAR(few->frames.back().seconds, 1.5, 0.11);
}

TEST(MediaDecoderTest, ARotatedVideoStandsUpright) {
  const std::string flat = MakeVideo("flat.mp4");
  const std::string path = absl::StrCat(testing::TempDir(), "/", getpid(), "-in.mp4");
  std::ofstream(path, std::ios::binary) << flat;
  const auto media = Decode(Make("turned.mp4", absl::StrCat("-i ", path, " -c copy -metadata:s:v rotate=90")));
  const auto before = Decode(flat);
  unlink(path.c_str());
  ASSERT_TRUE(media.ok() && before.ok()) << media.status();
  const DecodedImage& turned = media->frames[0].image;
  EXPECT_EQ(turned.width, 96);
  EXPECT_EQ(turned.height, 128);
  // FFmpeg 5.1 writes this as a quarter turn to the left: the left edge becomes the bottom one.
  EXPECT_EQ(PixelAt(turned, 40, 128 - 1 - 10), PixelAt(before->frames[0].image, 10, 40));
}

TEST(MediaDecoderTest, SubtitlesComeAsPlainTextWithTheirTimes) {
  const std::string path = absl::StrCat(testing::TempDir(), "/", getpid(), ".srt");
  std::ofstream(path) << "1\n00:00:00,500 --> 00:00:01,250\n<i>Hello</i> there\n";
  const auto media = Decode(MakeVideo("s.mkv", absl::StrCat("-i ", path)));
  unlink(path.c_str());
  ASSERT_TRUE(media.ok()) << media.status();
  ASSERT_EQ(media->subtitles.size(), 1u);
  EXPECT_EQ(media->subtitles[0].text, "Hello there");
  EXPECT_NEAR(media->subtitles[0].start_seconds, 0.5, 0.05);
  EXPECT_NEAR(media->subtitles[0].end_seconds, 1.25, 0.05);
}

TEST(MediaDecoderTest, TextLosesItsByteOrderMarkAndUtf16BecomesUtf8) {
  EXPECT_EQ(Decode("\xef\xbb\xbfgr\xc3\xbc\xc3\x9f")->text, "gr\xc3\xbc\xc3\x9f");
  EXPECT_EQ(Decode(std::string("\xff\xfeh\0\x3d\xd8\0\xde", 8))->text, "h\xf0\x9f\x98\x80");
  EXPECT_EQ(Decode("# head", "text/markdown")->media_type, "text/markdown");
  EXPECT_EQ(Decode("# head", "")->modality, v1::MODALITY_TEXT);
}

TEST(MediaDecoderTest, ContentThatContradictsItsHintIsRefused) {
  EXPECT_REFUSED(Decode("just words", "image/png"), kInvalidArgument, "wanted image");
  EXPECT_REFUSED(Decode(MakePicture("p.png"), "audio/wav"), kInvalidArgument, "wanted audio");
  EXPECT_REFUSED(Decode(MakeSound("a.wav"), "video/mp4"), kInvalidArgument, "wanted video");
  EXPECT_REFUSED(Decode("%PDF-1.7 and so on", "image/png"), kInvalidArgument, "wanted image");
  EXPECT_TRUE(Decode(MakePicture("p.png"), "image/jpeg").ok());
  EXPECT_TRUE(Decode(MakePicture("p.png"), "text/plain").ok());
}

TEST(MediaDecoderTest, ContentThatNothingDecodesIsUnimplementedAndNamesWhatIsSupported) {
  EXPECT_REFUSED(Decode(std::string("\x1f\x8b\x08\0\0\0\0\0", 8)), kUnimplemented, "application/gzip");
  EXPECT_REFUSED(Decode("SQLite format 3 and so on"), kUnimplemented, "WAV");
  EXPECT_REFUSED(Decode(std::string("PAR1\x15\x04\x15\x10PAR1", 12)), kUnimplemented, "application/vnd.apache.parquet");
  EXPECT_REFUSED(Decode(std::string("\x01\0\x02\xff\xfe\0\x07", 7)), kUnimplemented, "UTF-8 text");
}

TEST(MediaDecoderTest, PlaylistsAreTextsAndOpenNothing) {
  const auto media = Decode("#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n");
  ASSERT_TRUE(media.ok()) << media.status();
  EXPECT_EQ(media->modality, v1::MODALITY_TEXT);
}

TEST(MediaDecoderTest, EmptyContentIsRefused) { EXPECT_REFUSED(Decode(""), kInvalidArgument, "0 bytes"); }

TEST(MediaDecoderTest, CutFilesAreRefused) {
  for (const std::string name : {"p.jpg", "p.png", "p.webp"}) {
    const std::string whole = MakePicture(name);
    EXPECT_REFUSED(Decode(whole.substr(0, whole.size() / 2)), kInvalidArgument, "wanted a whole file");
  }
  const std::string start_first = MakeVideo("f.mp4", "-movflags +faststart");
  EXPECT_REFUSED(Decode(start_first.substr(0, start_first.size() / 2)), kInvalidArgument, "truncated");
  const std::string end_last = MakeVideo("e.mp4");
  EXPECT_REFUSED(Decode(end_last.substr(0, end_last.size() / 2)), kInvalidArgument, "wanted a whole file");
  for (const std::string name : {"a.wav", "a.flac"}) {
    const std::string whole = MakeSound(name);
    EXPECT_REFUSED(Decode(whole.substr(0, whole.size() / 2)), kInvalidArgument, "truncated");
  }
}

TEST(MediaDecoderTest, DamagedPicturesAreRefused) {
  for (const std::string name : {"p.jpg", "p.png"}) {
    std::string bytes = MakePicture(name);
    bytes.replace(bytes.size() / 2, 200, 200, '\x5a');
    EXPECT_REFUSED(Decode(bytes), kInvalidArgument, "damaged");
  }
  EXPECT_REFUSED(Decode("<svg xmlns='http://www.w3.org/2000/svg'><rect"), kInvalidArgument, "image/svg+xml");
}

TEST(MediaDecoderTest, ASoundOfNoDurationIsRefused) {
  EXPECT_REFUSED(Decode(MakeSound("z.wav", "-t 0")), kInvalidArgument, "wanted at least 0.02 s");
  EXPECT_REFUSED(Decode(MakeSound("s.wav", "-t 0.005")), kInvalidArgument, "wanted at least 0.02 s");
}

TEST(MediaDecoderTest, AOnePixelPictureIsRefused) {
  EXPECT_REFUSED(Decode(Make("one.png", "-f lavfi -i testsrc=s=16x16 -frames:v 1 -vf format=rgb24,crop=1:1:0:0")),
                 kInvalidArgument, "1 x 1");
}

TEST(MediaDecoderTest, APictureOf50000By50000IsRefusedByItsHeader) {
  std::string png = MakePicture("p.png");
  png.replace(16, 8, std::string("\0\0\xc3\x50\0\0\xc3\x50", 8));
  EXPECT_REFUSED(Decode(png), kResourceExhausted, "50000 x 50000");
}

TEST(MediaDecoderTest, LongTextsAndSoundsAreRefused) {
  MediaDecoderOptions options = OneDecoder();
  options.limits.max_text_bytes = 10;
  options.limits.max_seconds = 1.0;
  EXPECT_REFUSED(Decode("eleven byte", "", options), kResourceExhausted, "at most 10");
  EXPECT_REFUSED(Decode(MakeSound("a.mp3"), "", options), kResourceExhausted, "at most 1 s");
}

TEST(MediaDecoderTest, TheCallersDescriptorKeepsItsPositionAndStaysOpen) {
  auto decoder = MediaDecoder::Create(OneDecoder());
  ASSERT_TRUE(decoder.ok());
  const int fd = memfd_create("item", MFD_CLOEXEC);
  ASSERT_EQ(write(fd, "words", 5), 5);
  EXPECT_EQ((*decoder)->Decode(fd, "")->text, "words");
  EXPECT_EQ(lseek(fd, 0, SEEK_CUR), 5);
  close(fd);
}

TEST(MediaDecoderTest, AMissingWorkerIsNotFound) {
  MediaDecoderOptions options = OneDecoder();
  options.worker_path = "/nowhere/mixmatch-decoder";
  EXPECT_EQ(MediaDecoder::Create(options).status().code(), absl::StatusCode::kNotFound);
}

TEST(MediaDecoderTest, TheWorkerStaysAliveBetweenItems) {
  auto decoder = MediaDecoder::Create(OneDecoder());
  ASSERT_TRUE(Decode(decoder->get(), "one").ok());
  const pid_t first = WorkerPid();
  ASSERT_NE(first, 0);
  ASSERT_FALSE(Decode(decoder->get(), "%PDF-").ok());
  ASSERT_TRUE(Decode(decoder->get(), "two").ok());
  EXPECT_EQ(WorkerPid(), first);
}

TEST(MediaDecoderTest, TheWorkerHasNoPrivilegesNoEnvironmentAndNoOtherDescriptors) {
  auto decoder = MediaDecoder::Create(OneDecoder());
  ASSERT_TRUE(Decode(decoder->get(), "one").ok());
  const std::string proc = absl::StrCat("/proc/", WorkerPid());
  EXPECT_EQ(ReadFile(proc + "/environ"), "");
  const std::string status = ReadFile(proc + "/status");
  EXPECT_THAT(status, HasSubstr("NoNewPrivs:\t1"));
  EXPECT_THAT(status, HasSubstr("Seccomp:\t2"));
  DIR* descriptors = opendir((proc + "/fd").c_str());
  ASSERT_NE(descriptors, nullptr);
  int open = 0;
  while (const dirent* entry = readdir(descriptors)) open += entry->d_name[0] != '.';
  closedir(descriptors);
  EXPECT_LE(open, 4);
}

TEST(MediaDecoderTest, AWorkerThatDiedWhileIdleCostsNoItem) {
  auto decoder = MediaDecoder::Create(OneDecoder());
  ASSERT_TRUE(Decode(decoder->get(), "one").ok());
  const pid_t worker = WorkerPid();
  kill(worker, SIGKILL);
  siginfo_t ended;
  ASSERT_EQ(waitid(P_PID, worker, &ended, WEXITED | WNOWAIT), 0);
  EXPECT_TRUE(Decode(decoder->get(), "two").ok());
}

TEST(MediaDecoderTest, AnItemThatHangsIsRefusedInTimeAndTheNextOneDecodes) {
  MediaDecoderOptions options = OneDecoder();
  options.limits.max_wall_seconds = 1.0;
  auto decoder = MediaDecoder::Create(options);
  ASSERT_TRUE(Decode(decoder->get(), "one").ok());
  kill(WorkerPid(), SIGSTOP);
  EXPECT_REFUSED(Decode(decoder->get(), "two"), kResourceExhausted, "more than 1 s");
  EXPECT_TRUE(Decode(decoder->get(), "three").ok());
}

TEST(MediaDecoderTest, AWorkerKilledInTheMiddleOfAnItemCostsThatItemOnly) {
  auto decoder = MediaDecoder::Create(OneDecoder());
  ASSERT_TRUE(Decode(decoder->get(), "one").ok());
  const pid_t worker = WorkerPid();
  kill(worker, SIGSTOP);
  const int fd = memfd_create("item", MFD_CLOEXEC);
  ASSERT_EQ(write(fd, "two", 3), 3);
  absl::Status status;
  std::thread caller([&] { status = (*decoder)->Decode(fd, "").status(); });
  // Whichever comes first: killed before the request, the item goes to a new worker; after it, the item is lost.
  kill(worker, SIGKILL);
  caller.join();
  close(fd);
  EXPECT_TRUE(status.ok() || absl::IsResourceExhausted(status)) << status;
  EXPECT_TRUE(Decode(decoder->get(), "three").ok());
}

TEST(MediaDecoderTest, AnItemBeyondTheMemoryOfAWorkerIsRefused) {
#if defined(__SANITIZE_ADDRESS__) || defined(MIXMATCH_TSAN)
  GTEST_SKIP() << "a sanitizer's shadow memory takes terabytes, so that a worker under one has no limit of memory";
#endif
  MediaDecoderOptions options = OneDecoder();
  options.limits.max_memory_bytes = 700 << 20;
  auto decoder = MediaDecoder::Create(options);
  const std::string big = Make("big.png", "-f lavfi -i color=red:s=9900x9900,format=rgba -frames:v 1");
  EXPECT_EQ(Decode(decoder->get(), big).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(Decode(decoder->get(), "next").ok());
}

TEST(MediaDecoderTest, ManyCallersShareFewWorkers) {
  MediaDecoderOptions options = OneDecoder();
  options.workers = 2;
  auto decoder = MediaDecoder::Create(options);
  std::vector<std::thread> callers;
  std::atomic<int> right = 0;
  for (int i = 0; i < 8; ++i) {
    callers.emplace_back([&, i] {
      for (int j = 0; j < 20; ++j) {
        const std::string words = absl::StrCat("caller ", i, " item ", j);
        const auto media = Decode(decoder->get(), words);
        right += media.ok() && media->text == words;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(right, 160);
}

class HostileWorkerTest : public testing::TestWithParam<std::pair<const char*, absl::StatusCode>> {};

TEST_P(HostileWorkerTest, CostsItsItemAndNothingElse) {
  MediaDecoderOptions options = OneDecoder();
  options.worker_path = MIXMATCH_HOSTILE_WORKER;
  options.limits.max_wall_seconds = 1.0;
  auto decoder = MediaDecoder::Create(options);
  ASSERT_TRUE(decoder.ok());
  for (int i = 0; i < 2; ++i) {
    const absl::Status status = Decode(decoder->get(), "item", GetParam().first).status();
    EXPECT_EQ(status.code(), GetParam().second) << status;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Ways, HostileWorkerTest,
    testing::Values(std::pair{"crash", absl::StatusCode::kInternal}, std::pair{"exit", absl::StatusCode::kInternal},
                    std::pair{"killed", absl::StatusCode::kResourceExhausted},
                    std::pair{"hang", absl::StatusCode::kResourceExhausted},
                    std::pair{"huge-text", absl::StatusCode::kDataLoss},
                    std::pair{"unknown-record", absl::StatusCode::kDataLoss},
                    std::pair{"huge-samples", absl::StatusCode::kDataLoss},
                    std::pair{"endless-frames", absl::StatusCode::kDataLoss},
                    std::pair{"negative-frame", absl::StatusCode::kDataLoss},
                    std::pair{"no-number-frame", absl::StatusCode::kDataLoss},
                    std::pair{"scan-of-nothing", absl::StatusCode::kDataLoss},
                    std::pair{"huge-scan", absl::StatusCode::kDataLoss},
                    std::pair{"two-scans", absl::StatusCode::kDataLoss},
                    std::pair{"empty-video", absl::StatusCode::kDataLoss},
                    std::pair{"ok-error", absl::StatusCode::kDataLoss}),
    [](const auto& info) {
      std::string name = info.param.first;
      for (char& c : name) c = c == '-' ? '_' : c;
      return name;
    });

}  // namespace
}  // namespace mixmatch::model
