#include "server/container_links.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/part_slot.h"

namespace mixmatch::server {
namespace {

constexpr double kStrong = 3.0;   // Surely one thing: frames and their sound, a caption and its figure.
constexpr double kWeak = 0.25;    // Only near each other: what is on one page.
constexpr double kFaint = 0.125;  // Nearer than others: where one page goes on from another.
constexpr double kOfWhole = 0.5;  // Of a long stretch: chapters, tags, covers.
constexpr size_t kFew = 16;       // Parts that stand for many, or make one link with a neighbor.
constexpr size_t kManyParts = 32;

EventLink MakeLink(std::string key, double weight) {
  EventLink link;
  link.key = std::move(key);
  link.kind = v1::EVENT_KIND_CONTAINER;
  link.formed_weight = link.weight = weight;
  return link;
}

uint64_t Position(const v1::Part& part) { return part.part_id() & 0xffff; }

bool Overlap(const v1::Part& a, const v1::Part& b) {
  return a.start_seconds() < b.end_seconds() && b.start_seconds() < a.end_seconds();
}

std::string From(const v1::Part& part) {
  return absl::StrFormat("%.1f s to %.1f s of one file", part.start_seconds(), part.end_seconds());
}

// Collects the links of one container.
class Collector {
 public:
  Collector(absl::Span<const v1::Part> parts, bool explain) : parts_(parts), explain_(explain) {}

  std::vector<EventLink> Links() {
    if (parts_.size() < 2) return {};
    if (IsDocument()) {
      Captions();
      Words();
      if (!Pages()) Neighbors();
    } else if (!Times()) {
      Runs();
    }
    OfWhole();
    return std::move(links_);
  }

 private:
  static bool IsOfPicture(const v1::Part& part) { return part.kind() == v1::PART_KIND_WORDS; }

  static bool IsOfWhole(const v1::Part& part) {
    return part.kind() == v1::PART_KIND_TAGS || part.kind() == v1::PART_KIND_COVER;
  }

  bool IsDocument() const {
    return std::any_of(parts_.begin(), parts_.end(), [](const v1::Part& part) {
      return part.page() > 0 || part.describes_part_id() != 0 || part.kind() == v1::PART_KIND_PAGE ||
             part.kind() == v1::PART_KIND_FIGURE;
    });
  }

  void Put(EventLink link, absl::Span<const v1::Part* const> members, const std::string& why) {
    if (members.size() < 2) return;
    for (const v1::Part* part : members) link.parts.push_back(SlotAndPart(*part));
    if (explain_) link.explanation = why;
    links_.push_back(std::move(link));
  }

  void Captions() {
    for (const v1::Part& part : parts_) by_id_[part.part_id()] = &part;
    for (const v1::Part& caption : parts_) {
      const auto described = by_id_.find(caption.describes_part_id());
      if (IsOfPicture(caption) || caption.describes_part_id() == 0 || described == by_id_.end() ||
          described->second == &caption) {
        continue;
      }
      EventLink link = MakeLink(absl::StrCat("c", Position(caption)), kStrong);
      link.kind = v1::EVENT_KIND_CAPTION;
      const std::string what = described->second->modality() == v1::MODALITY_TABLE ? "table" : "figure";
      const std::string where = caption.page() > 0 ? absl::StrCat(" on page ", caption.page()) : "";
      Put(std::move(link), {described->second, &caption}, absl::StrCat("caption of a ", what, where));
    }
  }

  // What was read in a picture, with it and its captions.
  void Words() {
    std::map<uint64_t, std::vector<const v1::Part*>> read, captions;
    for (const v1::Part& part : parts_) {
      if (part.describes_part_id() != 0) (IsOfPicture(part) ? read : captions)[part.describes_part_id()].push_back(&part);
    }
    for (const auto& [picture_id, words] : read) {
      const auto picture = by_id_.find(picture_id);
      if (picture == by_id_.end()) continue;
      std::vector<const v1::Part*> members = captions[picture_id];
      members.push_back(picture->second);
      members.insert(members.end(), words.begin(), words.begin() + std::min(words.size(), kFew));
      Put(MakeLink(absl::StrCat("w", Position(*picture->second)), kStrong), members, "words read in a picture");
    }
  }

  // What is on one page, some at a time. False where there are no pages.
  bool Pages() {
    std::map<uint32_t, std::vector<const v1::Part*>> pages;
    for (const v1::Part& part : parts_) {
      if (part.page() > 0 && !IsOfWhole(part) && !IsOfPicture(part)) pages[part.page()].push_back(&part);
    }
    for (const auto& [page, members] : pages) {
      for (size_t at = 0; at < members.size(); at += kFew) {
        const size_t count = std::min(kFew, members.size() - at);
        Put(MakeLink(absl::StrCat("p", Position(*members[at])), kWeak), absl::MakeSpan(members).subspan(at, count),
            absl::StrCat("on the same page, ", page));
      }
    }
    for (const auto& [page, members] : pages) {
      const auto next = pages.find(page + 1);
      if (next != pages.end()) TurnOfPage(members, next->second);
    }
    return !pages.empty();
  }

  // The last text of a page with the first of the next.
  void TurnOfPage(const std::vector<const v1::Part*>& page, const std::vector<const v1::Part*>& next) {
    const auto is_text = [](const v1::Part* part) {
      return part->modality() == v1::MODALITY_TEXT && part->kind() == v1::PART_KIND_UNSPECIFIED &&
             part->describes_part_id() == 0;
    };
    const auto last = std::find_if(page.rbegin(), page.rend(), is_text);
    const auto first = std::find_if(next.begin(), next.end(), is_text);
    if (last == page.rend() || first == next.end()) return;
    Put(MakeLink(absl::StrCat("t", Position(**last)), kFaint), {*last, *first},
        absl::StrCat("where page ", (*last)->page(), " goes on to page ", (*first)->page()));
  }

  // Figures and tables with the texts before and after them, where there are no pages.
  void Neighbors() {
    for (size_t i = 0; i < parts_.size(); ++i) {
      if (parts_[i].modality() == v1::MODALITY_TEXT || IsOfWhole(parts_[i]) || IsOfPicture(parts_[i])) continue;
      std::vector<const v1::Part*> members;
      if (i > 0 && parts_[i - 1].modality() == v1::MODALITY_TEXT) members.push_back(&parts_[i - 1]);
      members.push_back(&parts_[i]);
      if (i + 1 < parts_.size() && parts_[i + 1].modality() == v1::MODALITY_TEXT) members.push_back(&parts_[i + 1]);
      Put(MakeLink(absl::StrCat("n", Position(parts_[i])), kWeak), members, "beside each other in one document");
    }
  }

  // Around shots, or windows of a sound where there are subtitles; and chapters. False if nothing overlaps.
  bool Times() {
    v1::Modality anchor = v1::MODALITY_AUDIO;
    for (const v1::Part& part : parts_) {
      if (part.modality() == v1::MODALITY_VIDEO) anchor = v1::MODALITY_VIDEO;
    }
    std::vector<const v1::Part*> anchors, others;
    for (const v1::Part& part : parts_) {
      if (HasTime(part)) (part.modality() == anchor ? anchors : others).push_back(&part);
    }
    const auto by_start = [](const v1::Part* a, const v1::Part* b) { return a->start_seconds() < b->start_seconds(); };
    std::stable_sort(others.begin(), others.end(), by_start);
    double longest = 0.0;
    for (const v1::Part* part : others) longest = std::max(longest, part->end_seconds() - part->start_seconds());
    const size_t before = links_.size();
    for (const v1::Part* one : anchors) {
      std::vector<const v1::Part*> members = {one};
      auto it = std::lower_bound(others.begin(), others.end(), one->start_seconds() - longest,
                                 [](const v1::Part* part, double start) { return part->start_seconds() < start; });
      for (; it != others.end() && (*it)->start_seconds() < one->end_seconds(); ++it) {
        if (Overlap(*one, **it)) members.push_back(*it);
      }
      Put(MakeLink(absl::StrCat("s", Position(*one)), kStrong), members, absl::StrCat("at the same time: ", From(*one)));
    }
    const bool found = links_.size() > before;
    Chapters();
    return found;
  }

  void Chapters() {
    for (const v1::Part& chapter : parts_) {
      if (chapter.kind() != v1::PART_KIND_CHAPTER) continue;
      std::vector<v1::Part> within;
      for (const v1::Part& part : parts_) {
        if (HasTime(part) && part.kind() != v1::PART_KIND_SUBTITLE && Overlap(chapter, part)) within.push_back(part);
      }
      std::vector<const v1::Part*> members = Few(within, kFew);
      members.push_back(&chapter);
      Put(MakeLink(absl::StrCat("h", Position(chapter)), kOfWhole), members,
          absl::StrCat("in one chapter: ", From(chapter)));
    }
  }

  // All parts, or runs of neighbors where there are many; the header of a table goes with each.
  void Runs() {
    std::vector<const v1::Part*> members;
    const v1::Part* header = nullptr;
    for (const v1::Part& part : parts_) {
      if (IsOfWhole(part) || part.kind() == v1::PART_KIND_CHAPTER) continue;
      if (part.kind() == v1::PART_KIND_HEADER && header == nullptr) header = &part;
      members.push_back(&part);
    }
    if (members.size() <= kManyParts) return Put(MakeLink("all", 1.0), members, "parts of one item");
    for (size_t at = 0; at < members.size(); at += kFew) {
      std::vector<const v1::Part*> run(members.begin() + at, members.begin() + std::min(members.size(), at + kFew));
      if (header != nullptr && run.front() != header) run.push_back(header);
      Put(MakeLink(absl::StrCat("r", Position(*members[at])), 1.0), run, "neighbors in one item");
    }
  }

  // Tags and cover, with a few of all other parts.
  void OfWhole() {
    std::vector<v1::Part> rest;
    std::vector<const v1::Part*> members;
    for (const v1::Part& part : parts_) {
      if (!IsOfWhole(part)) {
        rest.push_back(part);
      } else if (members.size() < kFew) {
        members.push_back(&part);
      }
    }
    if (members.empty()) return;
    for (const v1::Part* part : Few(rest, kFew)) members.push_back(part);
    Put(MakeLink("file", kOfWhole), members, "what the file says of itself");
  }

  const absl::Span<const v1::Part> parts_;
  const bool explain_;
  std::map<uint64_t, const v1::Part*> by_id_;
  std::vector<EventLink> links_;
};

}  // namespace

bool HasTime(const v1::Part& part) {
  return part.end_seconds() > part.start_seconds() && part.kind() != v1::PART_KIND_CHAPTER &&
         part.kind() != v1::PART_KIND_TAGS && part.kind() != v1::PART_KIND_COVER;
}

std::pair<int, uint64_t> SlotAndPart(const v1::Part& part) {
  return {SlotOf(part), part.part_id()};
}

std::vector<const v1::Part*> Few(absl::Span<const v1::Part> parts, size_t most) {
  std::vector<const v1::Part*> few;
  const size_t count = std::min(parts.size(), most);
  for (size_t i = 0; i < count; ++i) few.push_back(&parts[i * parts.size() / count]);
  return few;
}

std::vector<EventLink> ContainerLinks(absl::Span<const v1::Part> parts, bool explain) {
  return Collector(parts, explain).Links();
}

}  // namespace mixmatch::server
