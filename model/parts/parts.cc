#include "model/parts/parts.h"

#include "absl/strings/str_cat.h"
#include "model/parts/document_parts.h"
#include "model/parts/part_list.h"
#include "model/parts/score_parts.h"
#include "model/parts/series_parts.h"
#include "model/parts/table_parts.h"
#include "model/parts/text_parts.h"
#include "model/parts/timed_parts.h"
#include "proto/base/status_macros.h"

namespace mixmatch::model {
namespace {

absl::Status AddPicture(const DecodedMedia& media, PartList& parts) {
  if (media.frames.empty()) return absl::OkStatus();
  const DecodedImage& image = media.frames.front().image;
  PartContent content;
  content.modality = Modality::kImage;
  content.image = {image.width, image.height, image.rgb};
  MIXMATCH_RETURN_IF_ERROR(parts.Describe(content, PartDraft()));
  return parts.AddWords(image.words, 0);
}

}  // namespace

absl::StatusOr<std::vector<PartDraft>> MakeParts(const DecodedMedia& media) {
  PartList parts;
  switch (media.modality) {
    case v1::MODALITY_TEXT:
      MIXMATCH_RETURN_IF_ERROR(media.subtitles.empty() ? AddText(media.text, 0.0, 0.0, parts)
                                                       : AddSubtitles(media, parts));
      break;
    case v1::MODALITY_IMAGE:
      MIXMATCH_RETURN_IF_ERROR(AddPicture(media, parts));
      break;
    case v1::MODALITY_DOCUMENT:
      MIXMATCH_RETURN_IF_ERROR(AddDocument(media, parts));
      break;
    case v1::MODALITY_TABLE:
      MIXMATCH_RETURN_IF_ERROR(AddTable(media.table, PartDraft(), parts));
      break;
    case v1::MODALITY_SERIES:
      MIXMATCH_RETURN_IF_ERROR(AddSeries(media.series, parts));
      break;
    case v1::MODALITY_SCORE:
      MIXMATCH_RETURN_IF_ERROR(AddScore(media.score, media.duration_seconds, parts));
      break;
    case v1::MODALITY_AUDIO:
    case v1::MODALITY_VIDEO:
      MIXMATCH_RETURN_IF_ERROR(AddTimed(media, parts));
      break;
    default:
      return absl::UnimplementedError(absl::StrCat("content: modality ", v1::Modality_Name(media.modality),
                                                   " has no room yet; send text, a picture, a sound or a video"));
  }
  if (parts.size() == 0) {
    return absl::InvalidArgumentError(media.modality == v1::MODALITY_TEXT
                                          ? "content: got text of white space only, wanted at least one word"
                                          : "content: got nothing that can be seen, heard or read");
  }
  return parts.Take();
}

}  // namespace mixmatch::model
