#include "index/vector/segment_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"

namespace mixmatch::index {
namespace {

constexpr char kMagic[] = "MMSEGM02";
constexpr uint64_t kHasGraph = 1, kHasCodes = 2, kWorn = 4;
constexpr const char* kRegionNames[] = {"ids", "vectors", "codes", "links"};
enum { kHead, kVectors, kCodes, kLinks };

std::vector<int64_t> RowsToWrite(const Segment& segment) {
  if (!segment.has_graph()) return segment.LiveRows();
  std::vector<int64_t> rows(segment.size());
  for (int64_t row = 0; row < segment.size(); ++row) rows[row] = row;
  return rows;
}

void WriteHead(const Segment& segment, const std::vector<int64_t>& rows, FileWriter& out) {
  const SegmentGraph& graph = segment.graph();
  out.Write(kMagic, 8);
  out.Scalar<uint64_t>(segment.data().rows.dim());
  out.Scalar<uint64_t>(rows.size());
  out.Scalar<uint64_t>((graph.graph != nullptr ? kHasGraph : 0) | (graph.codes != nullptr ? kHasCodes : 0) |
                       (graph.worn ? kWorn : 0));
  out.Scalar<uint32_t>(segment.ef());
  out.Scalar<uint32_t>(graph.fresh_ef);
  for (int64_t row : rows) out.Scalar<uint64_t>(segment.data().ids[row]);
  std::vector<uint64_t> dead((rows.size() + 63) / 64);
  for (size_t i = 0; i < rows.size(); ++i) dead[i / 64] |= uint64_t{!segment.IsLive(rows[i])} << (i % 64);
  out.Array(dead);
}

void WriteLinks(const HnswGraph& graph, FileWriter& out) {
  const HnswParts parts = graph.ToParts();
  out.Scalar<int32_t>(parts.m);
  out.Scalar<int32_t>(parts.entry_point);
  out.Scalar<int32_t>(parts.max_level);
  out.Scalar<int32_t>(0);
  out.Scalar<uint64_t>(parts.neighbors.size());
  out.Array(parts.levels);
  out.Array(parts.neighbors);
}

// What the head says.
struct Head {
  uint64_t rows = 0, flags = 0;
  int ef = 0, fresh_ef = 0;
  std::vector<PartId> ids;
  std::vector<uint64_t> dead;

  bool IsLive(uint64_t row) const { return !(dead[row / 64] >> (row % 64) & 1); }
};

class SegmentReader {
 public:
  SegmentReader(const std::string& path, const SegmentFileEntry& entry, const ReadOptions& options)
      : path_(path), entry_(entry), options_(options), file_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    for (int i = kHead; i < kLinks; ++i) begins_[i + 1] = begins_[i] + entry.regions[i].bytes;
  }

  absl::StatusOr<SegmentRead> Read() {
    if (file_.get() < 0) {
      if (errno != ENOENT && errno != ENOTDIR) return FileError(path_, "open");
      Damage("the file is missing");
      return std::move(read_);
    }
    struct stat status;
    if (fstat(file_.get(), &status) != 0) return FileError(path_, "look at");
    bytes_ = status.st_size;
    if (bytes_ > begins_[kLinks] + entry_.regions[kLinks].bytes) Damage("longer than it was written");
    if (!ReadHead()) return std::move(read_);
    if (entry_.ef > 0 && entry_.dead.size() == head_.dead.size()) {  // It has changed since the file was written.
      head_.ef = static_cast<int>(entry_.ef);
      head_.dead = entry_.dead;
    }
    auto rows = std::make_shared<SegmentRows>(options_.dim);
    MIXMATCH_ASSIGN_OR_RETURN(const bool have_rows, ReadVectors(rows->rows));
    if (!have_rows) {
      for (uint64_t row = 0; row < head_.rows; ++row) {
        if (head_.IsLive(row)) read_.lost.push_back(head_.ids[row]);
      }
      return std::move(read_);
    }
    auto dead = std::make_shared<Tombstones>(head_.rows);
    for (uint64_t row = 0; row < head_.rows; ++row) {
      if (!head_.IsLive(row)) dead->Set(row);
    }
    SegmentGraph graph;
    graph.fresh_ef = head_.fresh_ef;
    graph.worn = (head_.flags & kWorn) != 0;
    if (head_.flags & kHasGraph) {
      graph.graph = ReadLinks();
      read_.graph_lost = graph.graph == nullptr;
    }
    if (head_.flags & kHasCodes) {
      std::shared_ptr<const Codes> codes = ReadCodes();
      if (codes == nullptr) codes = CodesOf(rows->rows);
      if (graph.graph != nullptr && options_.codes) graph.codes = std::move(codes);
    } else if (graph.graph != nullptr && options_.codes) {
      graph.codes = CodesOf(rows->rows);
    }
    rows->ids = std::move(head_.ids);
    rows->rows.ForgetPages();
    read_.segment = std::make_shared<const Segment>(std::move(rows), std::move(dead), std::move(graph),
                                                    std::max(1, head_.ef));
    return std::move(read_);
  }

 private:
  void Damage(absl::string_view what) { read_.damage.push_back(Damaged(path_, what)); }
  void DamageIn(int region) { Damage(absl::StrCat("the ", kRegionNames[region], " are cut or altered")); }

  // A region whole, if it is what was written.
  bool ReadRegion(int region, std::string& bytes) {
    const FileRegion& wanted = entry_.regions[region];
    if (begins_[region] <= bytes_ && wanted.bytes <= bytes_ - begins_[region]) {
      bytes.resize(wanted.bytes);
      if (ReadAt(file_.get(), begins_[region], bytes.data(), bytes.size()) && HashOf(bytes) == wanted.sha256) return true;
    }
    DamageIn(region);
    return false;
  }

  bool ReadHead() {
    std::string bytes;
    if (!ReadRegion(kHead, bytes)) return false;
    Reader in(bytes);
    const bool magic = in.Magic(kMagic);
    const uint64_t dim = in.Scalar<uint64_t>();
    head_.rows = in.Scalar<uint64_t>();
    head_.flags = in.Scalar<uint64_t>();
    head_.ef = static_cast<int>(in.Scalar<uint32_t>());
    head_.fresh_ef = static_cast<int>(in.Scalar<uint32_t>());
    head_.ids = in.Array<uint64_t>(head_.rows);
    head_.dead = in.Array<uint64_t>(head_.rows / 64 + (head_.rows % 64 != 0));
    const bool ascend = std::adjacent_find(head_.ids.begin(), head_.ids.end(), std::greater_equal<>()) == head_.ids.end();
    for (uint64_t word : head_.dead) read_.file_dead += __builtin_popcountll(word);
    read_.file_ef = std::max(1, head_.ef);
    if (magic && in.good() && ascend && dim == static_cast<uint64_t>(options_.dim)) return true;
    Damage("not a segment of this version and dimension");
    return false;
  }

  // False if they are damaged.
  absl::StatusOr<bool> ReadVectors(Rows& rows) {
    const FileRegion& wanted = entry_.regions[kVectors];
    const uint64_t row_bytes = sizeof(float) * rows.stride();
    const bool fits = wanted.bytes / row_bytes >= head_.rows && begins_[kVectors] <= bytes_ &&
                      wanted.bytes <= bytes_ - begins_[kVectors];
    if (!fits) {
      DamageIn(kVectors);
      return false;
    }
    const bool keep = options_.vectors_on_disk && options_.codes && (head_.flags & kHasGraph);
    const uint64_t chunk_rows = std::max<uint64_t>(1, (1 << 20) / row_bytes);
    const AlignedFloats chunk = NewAlignedFloats(chunk_rows * rows.stride());
    Sha256 hash;
    uint64_t at = 0;
    for (uint64_t row = 0; row < head_.rows; row += chunk_rows) {
      const uint64_t count = std::min(chunk_rows, head_.rows - row);
      if (!ReadAt(file_.get(), begins_[kVectors] + at, chunk.get(), count * row_bytes)) break;
      hash.Add(chunk.get(), count * row_bytes);
      at += count * row_bytes;
      for (uint64_t i = 0; i < count && !keep; ++i) rows.Append(chunk.get() + i * rows.stride());
    }
    std::string padding(wanted.bytes - std::min(wanted.bytes, at), '\0');
    if (padding.size() >= kPageBytes || !ReadAt(file_.get(), begins_[kVectors] + at, padding.data(), padding.size())) {
      DamageIn(kVectors);
      return false;
    }
    hash.Add(padding.data(), padding.size());
    if (hash.Finish() != wanted.sha256) {
      DamageIn(kVectors);
      return false;
    }
    if (keep) {
      const int descriptor = fcntl(file_.get(), F_DUPFD_CLOEXEC, 0);
      if (descriptor < 0) return FileError(path_, "open again");
      MIXMATCH_ASSIGN_OR_RETURN(auto file, RowFile::Map(descriptor, begins_[kVectors], head_.rows * row_bytes));
      rows = Rows(options_.dim, std::move(file));
    }
    return true;
  }

  // Null if they are damaged.
  std::shared_ptr<const Codes> ReadCodes() {
    std::string bytes;
    if (!ReadRegion(kCodes, bytes)) return nullptr;
    auto codes = std::make_shared<Codes>(options_.dim, head_.rows);
    Reader in(bytes);
    in.Read(codes->mutable_codes().data(), codes->mutable_codes().size());
    in.Read(codes->mutable_scales().data(), sizeof(float) * codes->mutable_scales().size());
    if (in.good()) return codes;
    DamageIn(kCodes);
    return nullptr;
  }

  // Null if they are damaged.
  std::shared_ptr<const HnswGraph> ReadLinks() {
    std::string bytes;
    if (!ReadRegion(kLinks, bytes)) return nullptr;
    Reader in(bytes);
    HnswParts parts;
    parts.m = in.Scalar<int32_t>();
    parts.entry_point = in.Scalar<int32_t>();
    parts.max_level = in.Scalar<int32_t>();
    in.Scalar<int32_t>();
    const uint64_t neighbors = in.Scalar<uint64_t>();
    parts.levels = in.Array<int32_t>(head_.rows);
    parts.neighbors = in.Array<int32_t>(neighbors);
    auto graph = in.good() ? HnswGraph::FromParts(parts, head_.rows) : absl::DataLossError("cut");
    if (graph.ok()) return *std::move(graph);
    DamageIn(kLinks);
    return nullptr;
  }

  const std::string& path_;
  const SegmentFileEntry& entry_;
  const ReadOptions& options_;
  const Descriptor file_;
  uint64_t begins_[4] = {};
  uint64_t bytes_ = 0;  // Of the file.
  Head head_;
  SegmentRead read_;
};

}  // namespace

absl::StatusOr<SegmentFileEntry> WriteSegment(const Segment& segment, const std::string& directory,
                                              const std::string& name) {
  const std::vector<int64_t> rows = RowsToWrite(segment);
  FileWriter out(absl::StrCat(directory, "/", name));
  SegmentFileEntry entry;
  entry.name = name;
  for (int64_t row : rows) entry.live += segment.IsLive(row);
  WriteHead(segment, rows, out);
  entry.regions[kHead] = out.EndRegion();
  const Rows& vectors = segment.data().rows;
  for (int64_t row : rows) out.Write(vectors.row(row), sizeof(float) * vectors.stride());
  vectors.ForgetPages();
  entry.regions[kVectors] = out.EndRegion();
  if (segment.graph().codes != nullptr) {
    const auto codes = segment.graph().codes->all_codes();
    out.Write(codes.data(), codes.size());
    out.Array(segment.graph().codes->scales());
  }
  entry.regions[kCodes] = out.EndRegion();
  if (segment.has_graph()) WriteLinks(*segment.graph().graph, out);
  entry.regions[kLinks] = out.EndRegion();
  MIXMATCH_RETURN_IF_ERROR(out.Finish());
  return entry;
}

absl::StatusOr<SegmentRead> ReadSegment(const std::string& directory, const SegmentFileEntry& entry,
                                        const ReadOptions& options) {
  const std::string path = absl::StrCat(directory, "/", entry.name);
  return SegmentReader(path, entry, options).Read();
}

}  // namespace mixmatch::index
