#include "index/vector/flat/flat_index.h"

#include <algorithm>
#include <limits>
#include <mutex>
#include <numeric>
#include <shared_mutex>
#include <utility>

#include "absl/memory/memory.h"
#include "index/vector/validate.h"
#include "proto/base/status_macros.h"

namespace mixmatch::index {

absl::StatusOr<std::unique_ptr<FlatIndex>> FlatIndex::Create(int dim) {
  MIXMATCH_RETURN_IF_ERROR(CheckDim(dim));
  return absl::WrapUnique(new FlatIndex(dim));
}

absl::Status FlatIndex::Upsert(PartId id, absl::Span<const float> vector) {
  MIXMATCH_RETURN_IF_ERROR(CheckVector(vector, dim_, "vector"));
  std::unique_lock<FairSharedMutex> lock(mutex_);
  const auto [at, is_new] = row_of_.try_emplace(id, rows_.size());
  if (is_new) {
    rows_.Append(vector.data());
    if (sketches_ != nullptr) sketches_->Append(vector.data());
    ids_.push_back(id);
  } else {
    rows_.Set(at->second, vector.data());
    if (sketches_ != nullptr) sketches_->Set(at->second, vector.data());
  }
  return absl::OkStatus();
}

absl::Status FlatIndex::Remove(PartId id) {
  std::unique_lock<FairSharedMutex> lock(mutex_);
  const auto at = row_of_.find(id);
  if (at == row_of_.end()) return NoSuchPart(id);
  const int64_t row = at->second;
  row_of_.erase(at);
  const int64_t last = rows_.size() - 1;
  if (row != last) {  // The last row takes its place.
    rows_.Set(row, rows_.row(last));
    if (sketches_ != nullptr) sketches_->SetFrom(*sketches_, last, row);
    ids_[row] = ids_[last];
    row_of_[ids_[row]] = row;
  }
  rows_.PopBack();
  if (sketches_ != nullptr) sketches_->PopBack();
  ids_.pop_back();
  return absl::OkStatus();
}

absl::StatusOr<std::vector<float>> FlatIndex::Get(PartId id) const {
  std::shared_lock<FairSharedMutex> lock(mutex_);
  const auto at = row_of_.find(id);
  if (at == row_of_.end()) return NoSuchPart(id);
  const absl::Span<const float> vector = rows_.vector(at->second);
  return std::vector<float>(vector.begin(), vector.end());
}

bool FlatIndex::Contains(PartId id) const {
  std::shared_lock<FairSharedMutex> lock(mutex_);
  return row_of_.contains(id);
}

int64_t FlatIndex::size() const {
  std::shared_lock<FairSharedMutex> lock(mutex_);
  return rows_.size();
}

absl::StatusOr<std::vector<Neighbor>> FlatIndex::Search(absl::Span<const float> query,
                                                        const SearchOptions& options) const {
  MIXMATCH_RETURN_IF_ERROR(CheckQuery(query, options, dim_));
  TopK found(options.k);
  SearchInto(PaddedCopy(query).get(), options.filter, -std::numeric_limits<float>::infinity(), options.stop, found);
  if (Stopped(options.stop)) return SearchStopped();
  return found.Take();
}

void FlatIndex::SearchInto(const float* padded_query, const PartFilter* filter, float floor, const StopCheck* stop,
                           TopK& found) const {
  std::shared_lock<FairSharedMutex> lock(mutex_);
  const auto allowed = [&](int64_t row) { return filter == nullptr || (*filter)(ids_[row]); };
  Scan(rows_, sketches_.get(), padded_query, ids_, allowed, floor, stop, found);
}

void FlatIndex::AddBytes(int64_t* vectors, int64_t* sketches, int64_t* ids) const {
  std::shared_lock<FairSharedMutex> lock(mutex_);
  *vectors += rows_.bytes_in_memory();
  if (sketches_ != nullptr) *sketches += sketches_->bytes();
  // A slot of the table is an entry and a byte of control.
  *ids += ids_.capacity() * sizeof(PartId) + row_of_.capacity() * (sizeof(std::pair<PartId, int64_t>) + 1);
}

std::shared_ptr<const Sketches> FlatIndex::CopySorted(std::vector<PartId>& ids, Rows& rows) const {
  std::shared_lock<FairSharedMutex> lock(mutex_);
  std::vector<int64_t> order(ids_.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return ids_[a] < ids_[b]; });
  auto sketches = sketches_ == nullptr ? nullptr : std::make_shared<Sketches>(dim_);
  for (int64_t row : order) {
    ids.push_back(ids_[row]);
    rows.Append(rows_.row(row));
    if (sketches != nullptr) sketches->AppendFrom(*sketches_, row);
  }
  return sketches;
}

}  // namespace mixmatch::index
