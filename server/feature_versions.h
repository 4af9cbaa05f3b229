// Keeps features of different versions apart: the store remembers by which version of each room its features were made
// (model/modality/modality.h).
#ifndef MIXMATCH_SERVER_FEATURE_VERSIONS_H_
#define MIXMATCH_SERVER_FEATURE_VERSIONS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/store/store.h"

namespace mixmatch::server {

// Versions by the name of the room.
using FeatureVersions = std::map<std::string, uint32_t>;

// Of the rooms of this build.
FeatureVersions RoomVersions();

// Takes the features of every room whose version is another than `now` says out of the store, so that nothing old is
// searched, mapped or learned from; what was uploaded stays. Returns the slots of which parts may lack features from then on,
// also those left over from an earlier start: see Redescription. Nothing is taken out of a new data directory. A directory
// that no version was noted in is of the time when all were 1. Call it before anything reads features; a crash in between is
// made good by the next call.
absl::StatusOr<std::vector<int>> TakeOutOldFeatures(index::Store& store, const FeatureVersions& now);

// All parts have features again.
absl::Status NoteFeaturesMade(index::Store& store);

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_FEATURE_VERSIONS_H_
