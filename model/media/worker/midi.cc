#include "model/media/worker/midi.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "proto/base/status_macros.h"

namespace mixmatch::model {
namespace {

constexpr uint8_t kDrumChannel = 9, kDrums = 128;
constexpr uint32_t kUsualTempo = 500'000;  // Microseconds a quarter note.
constexpr double kMostBeats = 1e6;
constexpr int64_t kEventsPerNote = 4;  // Beginning, end, and as many of tempo and instrument.

absl::Status Bad(absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("content: got a MIDI file ", why,
                                                 ", wanted a whole Standard MIDI File of format 0 or 1; export it again"));
}

struct Event {
  enum Kind : uint8_t { kNote, kProgram, kTempo };  // A note of velocity 0 is a release.
  int64_t tick;
  uint32_t value;  // Tempo, or program.
  Kind kind;
  uint8_t channel, pitch, velocity;
};

struct Song {
  std::vector<Event> events;
  int64_t end_tick = 0;
  double beats_per_bar = 0.0;  // 0: not stated.
  int64_t bar_tick = 0;        // Where that is stated.
};

// Reads one track; each call gives false where the track is cut.
class TrackReader {
 public:
  TrackReader(absl::string_view bytes, int64_t max_events, Song* song) : left_(bytes), max_events_(max_events), song_(*song) {}

  absl::Status Read() {
    while (!left_.empty() && !ended_) {
      if (!ReadEvent()) return Bad("that is cut");
      if (static_cast<int64_t>(song_.events.size()) > max_events_) {
        return absl::ResourceExhaustedError(absl::StrCat("content: got a MIDI file of more than ", max_events_, " events; ",
                                                         "split it, or raise the server's --max-cells"));
      }
    }
    song_.end_tick = std::max(song_.end_tick, tick_);
    return absl::OkStatus();
  }

 private:
  bool Byte(uint8_t* byte) {
    if (left_.empty()) return false;
    *byte = static_cast<uint8_t>(left_.front());
    left_.remove_prefix(1);
    return true;
  }

  // A number of 7 bits a byte, at most four of them.
  bool Variable(uint32_t* value) {
    *value = 0;
    for (int i = 0; i < 4; ++i) {
      uint8_t byte;
      if (!Byte(&byte)) return false;
      *value = *value << 7 | (byte & 0x7f);
      if (byte < 0x80) return true;
    }
    return false;
  }

  bool Take(uint32_t size, absl::string_view* data) {
    if (size > left_.size()) return false;
    *data = left_.substr(0, size);
    left_.remove_prefix(size);
    return true;
  }

  bool ReadEvent() {
    uint32_t delta;
    if (!Variable(&delta) || left_.empty()) return false;
    tick_ += delta;
    uint8_t status = static_cast<uint8_t>(left_.front());
    if (status >= 0x80) {
      left_.remove_prefix(1);
    } else {
      status = running_;  // The same as before.
    }
    running_ = status >= 0xf0 ? 0 : status;
    if (status == 0xff) return ReadMeta();
    if (status == 0xf0 || status == 0xf7) {
      uint32_t size;
      absl::string_view ignored;
      return Variable(&size) && Take(size, &ignored);
    }
    return status >= 0x80 && status < 0xf0 && ReadMessage(status);
  }

  bool ReadMessage(uint8_t status) {
    uint8_t first, second = 0;
    const uint8_t kind = status & 0xf0, channel = status & 0x0f;
    if (!Byte(&first) || (kind != 0xc0 && kind != 0xd0 && !Byte(&second))) return false;
    first &= 0x7f;
    second &= 0x7f;
    if (kind == 0x80) song_.events.push_back({tick_, 0, Event::kNote, channel, first, 0});
    if (kind == 0x90) song_.events.push_back({tick_, 0, Event::kNote, channel, first, second});
    if (kind == 0xc0) song_.events.push_back({tick_, first, Event::kProgram, channel, 0, 0});
    return true;
  }

  bool ReadMeta() {
    uint8_t type;
    uint32_t size;
    absl::string_view data;
    if (!Byte(&type) || !Variable(&size) || !Take(size, &data)) return false;
    const auto at = [&](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(data[i])); };
    if (type == 0x2f) ended_ = true;
    if (type == 0x51 && size == 3) {
      song_.events.push_back({tick_, std::max(1u, at(0) << 16 | at(1) << 8 | at(2)), Event::kTempo, 0, 0, 0});
    }
    if (type == 0x58 && size >= 2 && (song_.beats_per_bar == 0.0 || tick_ < song_.bar_tick)) {
      song_.beats_per_bar = std::clamp(std::ldexp(4.0 * at(0), -static_cast<int>(at(1))), 0.25, 64.0);
      song_.bar_tick = tick_;
    }
    return true;
  }

  absl::string_view left_;
  const int64_t max_events_;
  Song& song_;
  int64_t tick_ = 0;
  uint8_t running_ = 0;
  bool ended_ = false;
};

// Plays the events by time.
class Player {
 public:
  explicit Player(int division) : ticks_per_beat_(division) { struck_.fill(-1); }

  // Of SMPTE frames: ticks do not follow the tempo.
  void FixSecondsPerTick(double seconds) { fixed_seconds_per_tick_ = seconds; }

  void Play(const Event& event) {
    MoveTo(event.tick);
    switch (event.kind) {
      case Event::kTempo: tempo_ = event.value; break;
      case Event::kProgram: programs_[event.channel] = static_cast<uint8_t>(event.value); break;
      case Event::kNote: Strike(event); break;
    }
  }

  void MoveTo(int64_t tick) {
    const auto ticks = static_cast<double>(tick - tick_);
    seconds_ += ticks * (fixed_seconds_per_tick_ > 0 ? fixed_seconds_per_tick_ : tempo_ * 1e-6 / ticks_per_beat_);
    tick_ = tick;
  }

  double beat() const { return static_cast<double>(tick_) / ticks_per_beat_; }
  double seconds() const { return seconds_; }

  std::vector<DecodedNote> Finish() {
    for (int64_t& open : struck_) Release(&open);
    return std::move(notes_);
  }

 private:
  void Release(int64_t* open) {
    if (*open >= 0) notes_[*open].beats = static_cast<float>(beat() - notes_[*open].beat);
    *open = -1;
  }

  void Strike(const Event& event) {
    int64_t* open = &struck_[event.channel * 128 + event.pitch];
    Release(open);
    if (event.velocity == 0) return;
    *open = static_cast<int64_t>(notes_.size());
    DecodedNote note;
    note.seconds = seconds_;
    note.beat = beat();
    note.pitch = event.pitch;
    note.velocity = event.velocity;
    note.program = event.channel == kDrumChannel ? kDrums : programs_[event.channel];
    notes_.push_back(note);
  }

  const double ticks_per_beat_;
  double fixed_seconds_per_tick_ = 0.0;
  uint32_t tempo_ = kUsualTempo;
  int64_t tick_ = 0;
  double seconds_ = 0.0;
  std::array<uint8_t, 16> programs_{};
  std::array<int64_t, 16 * 128> struck_;  // The note that sounds on each channel and pitch, or -1.
  std::vector<DecodedNote> notes_;
};

uint32_t BigEndian(absl::string_view bytes, size_t at, int size) {
  uint32_t value = 0;
  for (int i = 0; i < size; ++i) value = value << 8 | static_cast<uint8_t>(bytes[at + i]);
  return value;
}

absl::StatusOr<Song> ReadTracks(absl::string_view bytes, uint32_t tracks, int64_t max_events) {
  Song song;
  while (tracks > 0) {
    if (bytes.size() < 8) return Bad("that is cut");
    const bool is_track = bytes.substr(0, 4) == "MTrk";
    const uint32_t size = BigEndian(bytes, 4, 4);
    bytes.remove_prefix(8);
    if (size > bytes.size()) return Bad("that is cut");
    if (is_track) {
      MIXMATCH_RETURN_IF_ERROR(TrackReader(bytes.substr(0, size), max_events, &song).Read());
      --tracks;
    }
    bytes.remove_prefix(size);
  }
  std::stable_sort(song.events.begin(), song.events.end(), [](const Event& a, const Event& b) { return a.tick < b.tick; });
  return song;
}

absl::StatusOr<Player> PlayerOf(uint32_t division) {
  if (division < 0x8000) {
    if (division == 0) return Bad("that does not say how long its notes are");
    return Player(static_cast<int>(division));
  }
  const int frames = 256 - static_cast<int>(division >> 8), ticks = static_cast<int>(division & 0xff);
  const double rate = (frames == 29 ? 30.0 / 1.001 : frames) * ticks;  // 29: drop frames.
  if (rate <= 0.0) return Bad("that does not say how long its notes are");
  Player player(std::max(1, static_cast<int>(std::lround(rate * kUsualTempo * 1e-6))));
  player.FixSecondsPerTick(1.0 / rate);
  return player;
}

}  // namespace

absl::StatusOr<MidiFile> ParseMidi(absl::string_view bytes, int64_t max_notes, double max_seconds) {
  if (!absl::ConsumePrefix(&bytes, "MThd") || bytes.size() < 10) return Bad("that is cut");
  const uint32_t head = BigEndian(bytes, 0, 4), format = BigEndian(bytes, 4, 2), tracks = BigEndian(bytes, 6, 2);
  if (head < 6 || head > bytes.size() - 4) return Bad("that is cut");
  if (format > 1) return Bad("of independent patterns");
  MIXMATCH_ASSIGN_OR_RETURN(Player player, PlayerOf(BigEndian(bytes, 8, 2)));
  MIXMATCH_ASSIGN_OR_RETURN(const Song song, ReadTracks(bytes.substr(4 + head), tracks, max_notes * kEventsPerNote));
  for (const Event& event : song.events) player.Play(event);
  player.MoveTo(song.end_tick);
  if (player.seconds() > max_seconds || player.beat() > kMostBeats) {
    return absl::ResourceExhaustedError(absl::StrCat("content: got music of ", player.seconds(), " s and ", player.beat(),
                                                     " beats, wanted at most ", max_seconds, " s and ", kMostBeats,
                                                     " beats; split it, or raise the server's --max-media-seconds"));
  }
  MidiFile file;
  file.seconds = player.seconds();
  if (song.beats_per_bar > 0.0) file.score.beats_per_bar = song.beats_per_bar;
  file.score.notes = player.Finish();
  if (file.score.notes.empty()) return Bad("without a note");
  if (static_cast<int64_t>(file.score.notes.size()) > max_notes) {
    return absl::ResourceExhaustedError(absl::StrCat("content: got ", file.score.notes.size(), " notes, wanted at most ",
                                                     max_notes, "; split it, or raise the server's --max-cells"));
  }
  return file;
}

absl::Status DecodeMidi(const Content& content, const WireRequest& request, ResponseWriter* writer) {
  MIXMATCH_ASSIGN_OR_RETURN(const std::string bytes, content.ReadEverything(request.max_table_bytes, "a MIDI file"));
  MIXMATCH_ASSIGN_OR_RETURN(const MidiFile file, ParseMidi(bytes, request.max_cells, request.max_seconds));
  writer->Score(file.score);
  writer->Done(WireKind::kScore, file.seconds, "audio/midi");
  return absl::OkStatus();
}

}  // namespace mixmatch::model
