#include "model/head/moments.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <utility>

namespace mixmatch::model {

Moments Moments::Clone() const {
  Moments copy = *this;
  for (at::Tensor& c : copy.within) {
    if (c.defined()) c = c.clone();
  }
  for (std::vector<at::Tensor>& row : copy.between) {
    for (at::Tensor& b : row) {
      if (b.defined()) b = b.clone();
    }
  }
  return copy;
}

void Moments::Remember(absl::Span<const EventChange> changes, const std::vector<std::vector<int64_t>>& owner,
                       const std::vector<std::vector<float>>& sums) {
  std::vector<size_t> next(dims.size(), 0);
  for (int64_t e = 0; e < static_cast<int64_t>(changes.size()); ++e) {
    const bool keep = changes[e].sign > 0 && changes[e].slots.size() > 1;
    std::vector<std::vector<float>> event(dims.size());
    for (size_t m = 0; m < dims.size(); ++m) {
      if (next[m] == owner[m].size() || owner[m][next[m]] != e) continue;
      const float* sum = &sums[m][next[m]++ * (dims[m] + 1)];
      if (keep) event[m].assign(sum, sum + dims[m] + 1);
    }
    if (!keep) continue;
    recent.push_back(std::move(event));
    if (recent.size() > kOversample) recent.pop_front();
  }
}

void Moments::Fold(absl::Span<const EventChange> changes, double single_weight) {
  const size_t slots = dims.size();
  const int64_t n = static_cast<int64_t>(changes.size());
  fresh += std::count_if(changes.begin(), changes.end(), [](const EventChange& c) { return c.sign > 0; });
  // Per modality: rows of every part, and one row of the sum of each event that has the modality.
  std::vector<std::vector<float>> rows(slots), row_scale(slots), sums(slots), sum_scale(slots);
  std::vector<std::vector<int64_t>> owner(slots);  // The event of each sum row.
  for (int64_t e = 0; e < n; ++e) {
    const EventChange& change = changes[e];
    const bool single = change.slots.size() == 1;
    const double u = change.weight * (single ? single_weight : 1.0) * change.sign;
    std::vector<int> count(slots, 0);
    for (int s : change.slots) ++count[s];
    const int present = static_cast<int>(slots - std::count(count.begin(), count.end(), 0));
    (single ? singles : events) += change.sign > 0 ? 1 : -1;
    size_t offset = 0;
    for (int s : change.slots) {
      const int d = dims[s];
      const float* x = &change.features[offset];
      offset += d;
      const float w = 1.0f / count[s];
      rows[s].insert(rows[s].end(), x, x + d);
      rows[s].push_back(1.0f);
      row_scale[s].push_back(static_cast<float>(u * w));
      if (owner[s].empty() || owner[s].back() != e) {
        owner[s].push_back(e);
        sums[s].resize(sums[s].size() + d + 1, 0.0f);
        sum_scale[s].push_back(static_cast<float>(u / present));
        mass[s] += u;
      }
      float* sum = &sums[s][sums[s].size() - d - 1];
      for (int i = 0; i < d; ++i) sum[i] += w * x[i];
      sum[d] += w;
    }
  }
  Remember(changes, owner, sums);
  std::vector<at::Tensor> sum_tensor(slots);
  for (size_t m = 0; m < slots; ++m) {
    if (rows[m].empty()) continue;
    const int64_t width = dims[m] + 1;
    if (!within[m].defined()) within[m] = at::zeros({width, width}, at::kFloat);
    const int64_t count = static_cast<int64_t>(row_scale[m].size());
    const at::Tensor x = at::from_blob(rows[m].data(), {count, width}, at::kFloat);
    const at::Tensor scale = at::from_blob(row_scale[m].data(), {count, 1}, at::kFloat);
    within[m].addmm_((x * scale).t(), x);
    sum_tensor[m] = at::from_blob(sums[m].data(), {static_cast<int64_t>(owner[m].size()), width}, at::kFloat);
  }
  for (size_t m = 0; m < slots; ++m) {
    for (size_t k = m; k < slots; ++k) {
      std::vector<int64_t> left, right;  // Rows of events that have both.
      std::vector<float> scale;
      for (size_t i = 0, j = 0; i < owner[m].size() && j < owner[k].size();) {
        if (owner[m][i] == owner[k][j]) {
          scale.push_back(sum_scale[m][i]);
          left.push_back(i++);
          right.push_back(j++);
        } else {
          owner[m][i] < owner[k][j] ? ++i : ++j;
        }
      }
      if (left.empty()) continue;
      const int64_t count = static_cast<int64_t>(left.size());
      const at::Tensor a = sum_tensor[m].index_select(0, at::from_blob(left.data(), {count}, at::kLong));
      const at::Tensor b = sum_tensor[k].index_select(0, at::from_blob(right.data(), {count}, at::kLong));
      if (!between[m][k].defined()) between[m][k] = at::zeros({dims[m] + 1, dims[k] + 1}, at::kFloat);
      between[m][k].addmm_((a * at::from_blob(scale.data(), {count, 1}, at::kFloat)).t(), b);
    }
  }
}

}  // namespace mixmatch::model
