// What occurs together within one item, without being told: frames and their sound, captions and figures, pages.
#ifndef MIXMATCH_SERVER_CONTAINER_LINKS_H_
#define MIXMATCH_SERVER_CONTAINER_LINKS_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "mixmatch/v1/item.pb.h"
#include "server/event_links.h"

namespace mixmatch::server {

// Links of one container, without corrections:
// - around each shot of a video, the sound and subtitles that overlap it in time, and around each window of a sound its
//   subtitles, at weight 3;
// - a caption with what it describes, at weight 3; what is on the same page, or a figure or table with the texts beside it
//   where there are no pages, at weight 1/4; the last text of a page with the first of the next, at weight 1/8;
// - the words read in a picture with it and its captions, at weight 3;
// - a chapter's name with what lies within it, and what a file says of itself (tags, cover) with a few of its parts, at
//   weight 1/2;
// - of other items all parts, or where there are many each run of neighbors (with the header, of tables), at weight 1.
// No link has more than 33 parts but a shot's, which has as many as overlap it. Empty if there are fewer than two parts.
std::vector<EventLink> ContainerLinks(absl::Span<const v1::Part> parts, bool explain = false);

// Whether it is at a time of its own: windows, shots, subtitles; not chapters, and nothing that is of the whole file.
bool HasTime(const v1::Part& part);
std::pair<int, uint64_t> SlotAndPart(const v1::Part& part);
// At most `most` parts, evenly spread over all.
std::vector<const v1::Part*> Few(absl::Span<const v1::Part> parts, size_t most);

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_CONTAINER_LINKS_H_
