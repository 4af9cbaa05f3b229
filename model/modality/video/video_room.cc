#include "model/modality/video/video_room.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "model/modality/image/image_tokens.h"
#include "model/modality/video/video_features.h"

namespace mixmatch::model {
namespace {

constexpr int kTokenFrames = 4;

class Room final : public ModalityRoom {
 public:
  Modality modality() const override { return Modality::kVideo; }
  const char* name() const override { return "video"; }
  int feature_dim() const override { return kVideoFeatures; }
  uint32_t feature_version() const override { return 1; }

  absl::StatusOr<std::vector<float>> DescribeFeatures(const PartContent& part) const override {
    if (absl::Status status = Check(part.frames); !status.ok()) return status;
    return VideoFeatures(part.frames);
  }

  // Up to four frames, evenly spread, of 4 x 4 patches each.
  absl::StatusOr<Described> Describe(const PartContent& part) const override {
    absl::StatusOr<std::vector<float>> features = DescribeFeatures(part);
    if (!features.ok()) return features.status();
    Described described;
    described.features = *std::move(features);
    const size_t frames = std::min<size_t>(kTokenFrames, part.frames.size());
    for (size_t i = 0; i < frames; ++i) {
      const size_t at = frames == 1 ? 0 : i * (part.frames.size() - 1) / (frames - 1);
      AppendMosaicTokens(part.frames[at].image, 4, described.tokens.bytes);
    }
    described.tokens.count = static_cast<int>(frames) * 16;
    return described;
  }

 private:
  static absl::Status Check(absl::Span<const TimedFrame> frames) {
    if (frames.empty()) return absl::InvalidArgumentError("part.frames: got none, wanted at least 1");
    for (const TimedFrame& frame : frames) {
      const RgbView& image = frame.image;
      if (image.width < 1 || image.height < 1 ||
          image.rgb.size() != static_cast<size_t>(image.width) * image.height * 3) {
        return absl::InvalidArgumentError(absl::StrCat("part.frames: got ", image.rgb.size(), " bytes for ",
                                                       image.width, " x ", image.height, ", wanted 3 a pixel"));
      }
    }
    return absl::OkStatus();
  }
};

}  // namespace

const ModalityRoom* VideoRoom() {
  static const Room* room = new Room();
  return room;
}

}  // namespace mixmatch::model
