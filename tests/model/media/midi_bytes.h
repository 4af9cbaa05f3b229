// Standard MIDI Files, made here.
#ifndef MIXMATCH_TESTS_MODEL_MEDIA_MIDI_BYTES_H_
#define MIXMATCH_TESTS_MODEL_MEDIA_MIDI_BYTES_H_

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace mixmatch {

inline std::string BigEndianBytes(uint32_t value, int bytes) {
  std::string out;
  for (int i = bytes - 1; i >= 0; --i) out.push_back(static_cast<char>(value >> (8 * i)));
  return out;
}

// A track of these events, each with the time before it.
inline std::string MidiTrack(const std::string& events) { return "MTrk" + BigEndianBytes(events.size(), 4) + events; }

inline std::string MidiBytes(int format, int division, const std::vector<std::string>& tracks) {
  std::string out = "MThd" + BigEndianBytes(6, 4) + BigEndianBytes(format, 2) + BigEndianBytes(tracks.size(), 2) +
                    BigEndianBytes(division, 2);
  for (const std::string& events : tracks) out += MidiTrack(events);
  return out;
}

// A tune of its own for each seed: so many quarter notes of one instrument at 120 a minute.
inline std::string MakeMidi(uint32_t seed, int notes = 64) {
  std::mt19937 random(seed);
  std::string events = {'\0', '\xc0', static_cast<char>(random() % 112)};
  int scale[4];
  for (int& step : scale) step = static_cast<int>(random() % 24);
  for (int i = 0; i < notes; ++i) {
    const auto pitch = static_cast<char>(48 + scale[(i + random() % 2) % 4]);
    events += {'\0', '\x90', pitch, '\x50', '\x60', pitch, '\0'};  // Running status; velocity 0 releases.
  }
  return MidiBytes(0, 96, {events + std::string("\x00\xff\x2f\x00", 4)});
}

}  // namespace mixmatch

#endif  // MIXMATCH_TESTS_MODEL_MEDIA_MIDI_BYTES_H_
