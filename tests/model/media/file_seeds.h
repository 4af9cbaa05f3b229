// One honest small file of each type that is taken: the rows that file_contract_test walks.
#ifndef MIXMATCH_TESTS_MODEL_MEDIA_FILE_SEEDS_H_
#define MIXMATCH_TESTS_MODEL_MEDIA_FILE_SEEDS_H_

#include <ostream>
#include <string>
#include <vector>

#include "mixmatch/v1/item.pb.h"
#include "model/media/media_decoder.h"

namespace mixmatch::model {

// A word that is in every text here, and in no message.
inline constexpr char kSecretWord[] = "heron";

struct FileSeed {
  const char* name;        // Letters and digits.
  const char* media_type;  // As a client states it.
  v1::Modality modality;   // What it is taken for.
  // Each makes one limit too small for the file.
  std::vector<void (*)(MediaLimits&)> limits;
  // The same bytes each time; some are made by the ffmpeg program.
  std::string (*make)();
};

inline void PrintTo(const FileSeed& seed, std::ostream* out) { *out << seed.name; }

// A new type of file is tested by a new row.
const std::vector<FileSeed>& FileSeeds();

}  // namespace mixmatch::model

#endif  // MIXMATCH_TESTS_MODEL_MEDIA_FILE_SEEDS_H_
