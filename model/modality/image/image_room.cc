#include "model/modality/image/image_room.h"

#include "absl/strings/str_cat.h"
#include "model/modality/image/image_features.h"
#include "model/modality/image/image_tokens.h"

namespace mixmatch::model {
namespace {

class Room final : public ModalityRoom {
 public:
  Modality modality() const override { return Modality::kImage; }
  const char* name() const override { return "image"; }
  int feature_dim() const override { return kImageFeatures; }
  uint32_t feature_version() const override { return 1; }

  absl::StatusOr<std::vector<float>> DescribeFeatures(const PartContent& part) const override {
    if (absl::Status status = Check(part.image); !status.ok()) return status;
    return ImageFeatures(part.image);
  }

  absl::StatusOr<Described> Describe(const PartContent& part) const override {
    absl::StatusOr<std::vector<float>> features = DescribeFeatures(part);
    if (!features.ok()) return features.status();
    Described described;
    described.features = *std::move(features);
    AppendMosaicTokens(part.image, 8, described.tokens.bytes);
    described.tokens.count = 64;
    return described;
  }

 private:
  static absl::Status Check(const RgbView& image) {
    if (image.width < 1 || image.height < 1 ||
        image.rgb.size() != static_cast<size_t>(image.width) * image.height * 3) {
      return absl::InvalidArgumentError(absl::StrCat("part.image: got ", image.rgb.size(), " bytes for ", image.width,
                                                     " x ", image.height, ", wanted 3 a pixel"));
    }
    return absl::OkStatus();
  }
};

}  // namespace

const ModalityRoom* ImageRoom() {
  static const Room* room = new Room();
  return room;
}

}  // namespace mixmatch::model
