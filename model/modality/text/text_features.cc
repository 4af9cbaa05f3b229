#include "model/modality/text/text_features.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "absl/container/flat_hash_map.h"
#include "model/modality/feature_math.h"

namespace mixmatch::model {
namespace {

constexpr size_t kMostCharacters = 20000;  // Beyond this a text is a document, and its chunks are parts.

// Base letters of U+00C0..U+017F; ' ' where none is meant.
constexpr char kLatinBase[] =
    "aaaaaaaceeeeiiiidnooooo ouuuuytsaaaaaaaceeeeiiiidnooooo ouuuuyty"
    "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkklllllllllln"
    "nnnnnnnnooooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";

char32_t FoldCharacter(char32_t c) {
  if (c < 0x80) {
    if (c >= 'A' && c <= 'Z') return c + 32;
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : U' ';
  }
  if (c < 0xc0) return c == 0xaa || c == 0xb5 || c == 0xba ? c : U' ';
  if (c < 0x180) {
    static_assert(sizeof(kLatinBase) >= 0x180 - 0xc0);
    return static_cast<char32_t>(kLatinBase[c - 0xc0]);
  }
  if (c >= 0x300 && c < 0x370) return 0;  // Combining accents vanish.
  switch (c) {                            // Greek with tonos.
    case 0x386: case 0x3ac: return 0x3b1;
    case 0x388: case 0x3ad: return 0x3b5;
    case 0x389: case 0x3ae: return 0x3b7;
    case 0x38a: case 0x3af: case 0x3aa: case 0x3ca: case 0x390: return 0x3b9;
    case 0x38c: case 0x3cc: return 0x3bf;
    case 0x38e: case 0x3cd: case 0x3ab: case 0x3cb: case 0x3b0: return 0x3c5;
    case 0x38f: case 0x3ce: return 0x3c9;
    case 0x3c2: return 0x3c3;
    case 0x401: case 0x451: return 0x435;  // Cyrillic io as ie.
    default: break;
  }
  if (c >= 0x391 && c <= 0x3a9) return c + 32;
  if (c >= 0x410 && c <= 0x42f) return c + 32;
  if (c >= 0x400 && c <= 0x40f) return c + 80;
  if (c >= 0x460 && c <= 0x4ff && c % 2 == 0) return c + 1;
  if (c >= 0x531 && c <= 0x556) return c + 48;
  if ((c >= 0x2000 && c <= 0x206f) || (c >= 0x2190 && c <= 0x2bff) || (c >= 0x3000 && c <= 0x3004) ||
      (c >= 0x3008 && c <= 0x3020) || c == 0x30fb) {
    return U' ';
  }
  if (c >= 0xff01 && c <= 0xff5e) return FoldCharacter(c - 0xfee0);  // Full width.
  if (c >= 0xfe00 && c <= 0xfe0f) return 0;                          // Variation selectors.
  return c;
}

// The next code point of `text` from `at`; 0xfffd for a bad byte. Moves `at` on.
char32_t NextCodePoint(absl::string_view text, size_t& at) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = byte(at++);
  if (lead < 0x80) return lead;
  const int more = lead >= 0xf0 && lead < 0xf5 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc2 ? 1 : -1;
  if (more < 0 || lead >= 0xf5 || at + more > text.size()) return 0xfffd;
  char32_t c = lead & (0x3f >> more);
  for (int i = 0; i < more; ++i) {
    if ((byte(at + i) & 0xc0) != 0x80) return 0xfffd;
    c = (c << 6) | (byte(at + i) & 0x3f);
  }
  at += more;
  return c;
}

class Counter {
 public:
  // Counts the feature `characters` of `kind`; features of different kinds never meet.
  void Add(const char32_t* characters, size_t count, uint64_t kind, float weight) {
    uint64_t hash = 0xcbf29ce484222325ull ^ (kind * 0x9e3779b97f4a7c15ull);
    for (size_t i = 0; i < count; ++i) hash = (hash ^ characters[i]) * 0x100000001b3ull, hash ^= hash >> 29;
    Entry& entry = counts_[hash];
    entry.count += 1.0f;
    entry.weight = weight;
  }

  std::vector<float> Features() const {
    // In units of 2^-32: sums of whole numbers are the same in any order, and that of a hash map differs by process.
    std::vector<int64_t> sums(kTextFeatures, 0);
    for (const auto& [hash, entry] : counts_) {
      SplitMix mix(hash);
      const uint64_t bits = mix.Next();
      const auto value = static_cast<int64_t>(entry.weight * std::sqrt(entry.count) * 0x1p32f);
      // Two places a feature, each with its own sign: two features seldom share both.
      sums[bits % kTextFeatures] += bits >> 63 ? value : -value;
      sums[(bits >> 24) % kTextFeatures] += (bits >> 62) & 1 ? value : -value;
    }
    std::vector<float> out(kTextFeatures);
    for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<float>(sums[i]) * 0x1p-32f;
    return out;
  }

 private:
  struct Entry {
    float count = 0.0f;
    float weight = 0.0f;
  };
  absl::flat_hash_map<uint64_t, Entry> counts_;
};

}  // namespace

std::u32string FoldText(absl::string_view text) {
  std::u32string out;
  for (size_t at = 0; at < text.size() && out.size() < kMostCharacters;) {
    const char32_t c = NextCodePoint(text, at);
    if (c == 0xfffd) continue;
    const char32_t folded = FoldCharacter(c);
    if (folded == 0) continue;
    if (folded == U' ' && (out.empty() || out.back() == U' ')) continue;
    out.push_back(folded);
  }
  while (!out.empty() && out.back() == U' ') out.pop_back();
  return out;
}

std::vector<float> TextFeatures(absl::string_view text) {
  const std::u32string folded = FoldText(text);
  Counter counter;
  size_t previous = std::u32string::npos;  // Where the word before begins.
  for (size_t begin = 0; begin < folded.size();) {
    size_t end = folded.find(U' ', begin);
    if (end == std::u32string::npos) end = folded.size();
    const std::u32string word = U" " + folded.substr(begin, end - begin) + U" ";
    static constexpr float kGramWeight[] = {0.0f, 0.3f, 0.6f, 1.0f, 1.0f, 1.0f};
    for (size_t n = 1; n <= 5; ++n) {
      for (size_t i = 0; i + n <= word.size(); ++i) {
        if (n == 1 && word[i] == U' ') continue;
        counter.Add(word.data() + i, n, n, kGramWeight[n]);
      }
    }
    counter.Add(word.data(), word.size(), 6, 1.5f);
    if (previous != std::u32string::npos) counter.Add(folded.data() + previous, end - previous, 7, 1.0f);
    previous = begin;
    begin = end + 1;
  }
  std::vector<float> out;
  out.reserve(kTextFeatures);
  AppendBlock(counter.Features(), 1.0f, 2.0f, out);
  return out;
}

}  // namespace mixmatch::model
