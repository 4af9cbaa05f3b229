// Texts that are subtitles of something else: SubRip (.srt) and WebVTT (.vtt) files.
#ifndef MIXMATCH_MODEL_MEDIA_WORKER_SUBTITLE_FILE_H_
#define MIXMATCH_MODEL_MEDIA_WORKER_SUBTITLE_FILE_H_

#include <functional>
#include <string>

#include "absl/strings/string_view.h"

namespace mixmatch::model {

// "text/vtt" or "application/x-subrip", by the first lines; empty for any other text.
std::string SubtitleFileType(absl::string_view text);

// Calls `take` with each cue that has words, without its markup, in the order of the file. Ends before it starts: no cue.
void ReadSubtitleFile(absl::string_view text,
                      const std::function<void(double start_seconds, double end_seconds, absl::string_view words)>& take);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WORKER_SUBTITLE_FILE_H_
