// What a file says of itself and of its tracks.
#ifndef MIXMATCH_MODEL_MEDIA_WORKER_TRACK_NAMES_H_
#define MIXMATCH_MODEL_MEDIA_WORKER_TRACK_NAMES_H_

#include <string>

#include "model/media/worker/ffmpeg.h"

namespace mixmatch::model {

// A value of `tags` as well-formed UTF-8 of at most 1,000 bytes without space around it; empty if there is none.
std::string TagOf(const AVDictionary* tags, const char* name);

// "title (language)", or the one of them that there is, or "".
std::string TrackName(const AVStream* stream);

// "title: ...", "artist: ...", a line each, of the tags that are about the content; at most 8,000 bytes.
std::string TagLines(const AVFormatContext* format);

// Of `audio` among several sound tracks: "<its name>, one of <all names>". Empty if it is the only one.
std::string SoundTrackTitle(const AVFormatContext* format, const AVStream* audio);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WORKER_TRACK_NAMES_H_
