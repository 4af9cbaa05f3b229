// Written music: Standard MIDI Files (RP-001), formats 0 and 1.
#ifndef MIXMATCH_MODEL_MEDIA_WORKER_MIDI_H_
#define MIXMATCH_MODEL_MEDIA_WORKER_MIDI_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "model/media/rows.h"
#include "model/media/wire.h"
#include "model/media/worker/content.h"
#include "model/media/worker/response_writer.h"

namespace mixmatch::model {

struct MidiFile {
  DecodedScore score;
  double seconds = 0.0;  // From the beginning to its last event.
};

// The notes of all tracks by time, under all tempo changes. A note lasts until it is released, struck again or the file
// ends. The tenth channel is percussion. Divisions in SMPTE frames are read at 120 quarter notes a minute.
// INVALID_ARGUMENT for what is cut, of format 2, or without a note. RESOURCE_EXHAUSTED beyond a limit.
absl::StatusOr<MidiFile> ParseMidi(absl::string_view bytes, int64_t max_notes, double max_seconds);

// Writes the score and the end of the response, or returns why not.
absl::Status DecodeMidi(const Content& content, const WireRequest& request, ResponseWriter* writer);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WORKER_MIDI_H_
