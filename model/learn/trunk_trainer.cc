#include "model/learn/trunk_trainer.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <exception>
#include <numeric>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "model/head/bytes.h"
#include "model/learn/augment.h"
#include "model/learn/pair_draw.h"
#include "model/trunk/trunk_net.h"

namespace mixmatch::model {
namespace {

constexpr uint32_t kMagic = 0x5254584d;  // "MXTR".
constexpr uint32_t kVersion = 1;
constexpr int kMinEvents = 2;
constexpr int kMaxEvents = 1024;
constexpr int kMaxPartsOfEvent = 16;
constexpr double kBeta1 = 0.9, kBeta2 = 0.999, kEpsilon = 1e-8;
constexpr double kMaxGradientNorm = 1.0;
constexpr double kFalseNegativeCosine = 0.9;
constexpr double kProxyRate = 10;   // Times the learning rate: a proxy moves only when its event is near.
constexpr double kSmoothing = 0.1;  // Of the choice among proxies.
constexpr double kBlocked = -1e4;  // A logit that adds nothing to a sum of exponentials.

// AdamW's state of one weight array (Loshchilov and Hutter 2019). An array without a gradient, as of a stem whose
// modality was not in the batch, is left alone: its count is its own.
struct Moments {
  at::Tensor first, second;
  int64_t count = 0;
};

// An array that is the trainer's own.
struct Extra {
  at::Tensor values;
  Moments moments;
  bool defined() const { return values.defined(); }
};

// Everything a step changes.
struct State {
  TrunkNet net;
  std::vector<Moments> moments;
  std::vector<at::Tensor> average;  // Empty unless asked for.
  // What is trained with the trunk and is not part of it; undefined unless asked for.
  Extra proxies;                    // [proxies, dim].
  Extra spelling;                   // [1 + symbols, width + 1]: a linear map with its bias; symbol 0 is none.
  int64_t steps = 0;
};

Extra FreshExtra(at::Tensor values) {
  Extra extra{std::move(values), {}};
  extra.moments = {at::zeros_like(extra.values), at::zeros_like(extra.values), 0};
  extra.values.set_requires_grad(true);
  return extra;
}

// Those that were asked for, in the order in which they are saved.
std::vector<Extra*> Extras(State* state) {
  std::vector<Extra*> extras;
  for (Extra* extra : {&state->proxies, &state->spelling}) {
    if (extra->defined()) extras.push_back(extra);
  }
  return extras;
}

at::Tensor RowsTensor(const std::vector<float>& rows, int64_t dim) {
  at::Tensor out = at::empty({static_cast<int64_t>(rows.size()) / dim, dim}, at::kFloat);
  std::memcpy(out.data_ptr<float>(), rows.data(), rows.size() * sizeof(float));
  return out;
}

// Unit rows after each slot's mean over the batch is taken away. Vectors of one modality share most of their direction,
// above all in an untrained trunk; only what is left tells two parts apart.
at::Tensor CentredBySlot(const at::Tensor& rows, const std::vector<TokenView>& parts) {
  at::Tensor slots = at::empty({rows.size(0)}, at::kLong);
  for (size_t i = 0; i < parts.size(); ++i) slots.data_ptr<int64_t>()[i] = parts[i].slot;
  at::Tensor same = slots.unsqueeze(0).eq(slots.unsqueeze(1)).to(at::kFloat);
  same = same / same.sum(1, /*keepdim=*/true);
  const at::Tensor centred = rows - same.matmul(rows);
  return centred / centred.norm(2, {1}, true).clamp_min(1e-6);
}

// Parts of one step with the event that each is of; a row of the batch each.
struct Batch {
  std::vector<TokenView> parts;
  at::Tensor event;           // [n], place in the batch.
  std::vector<uint64_t> ids;  // [n], of the events.
  std::vector<const std::vector<int>*> spellings;  // [n].
};

// Rows of earlier steps, newest first.
struct Memory {
  at::Tensor rows;           // [m, dim]; undefined when empty.
  std::vector<uint64_t> ids;  // [m].
};

at::Tensor Ids(const std::vector<uint64_t>& ids) {
  at::Tensor out = at::empty({static_cast<int64_t>(ids.size())}, at::kLong);
  std::memcpy(out.data_ptr<int64_t>(), ids.data(), ids.size() * sizeof(uint64_t));
  return out;
}

at::Tensor Same(const at::Tensor& a, const at::Tensor& b) { return a.unsqueeze(1).eq(b.unsqueeze(0)); }

// [n, n], true where a pair is no negative: parts of one event and, by the teacher, a part that is nearly the anchor or
// nearly one of its partners.
at::Tensor NotNegative(const Batch& batch, const at::Tensor& teacher) {
  const at::Tensor same = Same(batch.event, batch.event);
  if (!teacher.defined()) return same;
  const at::Tensor centred = CentredBySlot(teacher, batch.parts);
  const at::Tensor near = centred.matmul(centred.t()).gt(kFalseNegativeCosine).to(at::kFloat);
  return same.logical_or(same.to(at::kFloat).matmul(near).gt(0));
}

// Decoupled contrastive loss on unit rows (see the header); the mean, not the sum, of the negatives' exponentials, so
// that the loss does not depend on the batch: 0 when partners are no nearer than strangers.
at::Tensor ContrastiveLoss(const at::Tensor& rows, const Batch& batch, const at::Tensor& not_negative,
                           const Memory& memory, double temperature) {
  const int64_t n = rows.size(0);
  at::Tensor blocked = not_negative.to(rows.device());
  at::Tensor logits = rows.matmul(rows.t()) / temperature;
  const at::Tensor partners =
      (Same(batch.event, batch.event).to(at::kFloat) - at::eye(n)).to(rows.device());
  const at::Tensor positive = (logits * partners).sum(1) / partners.sum(1).clamp_min(1);
  if (memory.rows.defined()) {
    logits = at::cat({logits, rows.matmul(memory.rows.t()) / temperature}, 1);
    blocked = at::cat({blocked, Same(Ids(batch.ids), Ids(memory.ids)).to(rows.device())}, 1);
  }
  const at::Tensor negatives = blocked.logical_not().sum(1);
  const at::Tensor sums = logits.masked_fill(blocked, kBlocked).logsumexp({1}, false);
  const at::Tensor expected = sums - negatives.clamp_min(1).log();
  const at::Tensor has = negatives.gt(0).to(at::kFloat);
  return ((expected - positive) * has).sum() / has.sum().clamp_min(1);
}

// [n], 1 where the teacher finds a partner of the row before every part of other events, else 0. What it does not know
// it does not hold: new events are free, and an untrained trunk holds nothing back.
at::Tensor KnownToTeacher(const at::Tensor& teacher, const Batch& batch) {
  const at::Tensor rows = CentredBySlot(teacher, batch.parts);
  const at::Tensor own = Same(batch.event, batch.event), self = at::eye(rows.size(0)).gt(0);
  const at::Tensor cosines = rows.matmul(rows.t());
  const at::Tensor nearest_other = std::get<0>(cosines.masked_fill(own, -2).max(1));
  const at::Tensor partner = std::get<0>(cosines.masked_fill(own.logical_not().logical_or(self), -2).max(1));
  return partner.gt(nearest_other).to(at::kFloat);
}

// Each row's choice among all events' proxies.
at::Tensor ProxyLoss(const at::Tensor& rows, const at::Tensor& proxies, const at::Tensor& ids, double temperature) {
  const at::Tensor units = proxies / proxies.norm(2, {1}, true).clamp_min(1e-12);
  return at::cross_entropy_loss(rows.matmul(units.t()) / temperature, ids, {}, at::Reduction::Mean, -100, kSmoothing);
}

// Connectionist temporal classification of the rows of `input` whose spelling is known; undefined when there are none.
at::Tensor SpellingLoss(const StemInput& input, const at::Tensor& states, const Batch& batch, const at::Tensor& map) {
  std::vector<int64_t> rows, lengths, sizes, symbols;
  for (size_t row = 0; row < input.parts.size(); ++row) {
    const std::vector<int>& spelling = *batch.spellings[input.parts[row]];
    if (spelling.empty()) continue;
    rows.push_back(static_cast<int64_t>(row));
    lengths.push_back(input.tokens[row] - 1);  // Without the summary.
    sizes.push_back(static_cast<int64_t>(spelling.size()));
    symbols.insert(symbols.end(), spelling.begin(), spelling.end());
  }
  if (rows.empty()) return {};
  const auto longs = [](const std::vector<int64_t>& values) {
    return at::from_blob(const_cast<int64_t*>(values.data()), {static_cast<int64_t>(values.size())}, at::kLong).clone();
  };
  const at::Tensor places = states.slice(1, 1).index_select(0, longs(rows).to(states.device()));
  const int64_t width = places.size(2);
  const at::Tensor normal = at::layer_norm(places, {width});
  const at::Tensor logits = at::linear(normal, map.narrow(1, 0, width), map.select(1, width));
  return at::ctc_loss(at::log_softmax(logits, -1).transpose(0, 1), longs(symbols).to(states.device()), lengths, sizes,
                      /*blank=*/0, at::Reduction::Mean, /*zero_infinity=*/true);
}

absl::Status SameShape(const TrunkConfig& got, const TrunkConfig& wanted) {
  const auto shape = [](const TrunkConfig& c) {
    return absl::StrCat("slots ", c.slots, ", width ", c.width, ", layers ", c.layers, ", heads ", c.heads,
                        ", output_dim ", c.output_dim);
  };
  if (shape(got) == shape(wanted)) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("TrunkTrainer: got a trunk of ", shape(got), ", wanted ",
                                                    shape(wanted), "; start a trainer of that configuration"));
}

void WriteTensor(ByteWriter* out, const at::Tensor& t) {
  const at::Tensor here = t.detach().to(at::kCPU).contiguous();
  out->Floats({here.data_ptr<float>(), static_cast<size_t>(here.numel())});
}

// Into `t`, wherever it lies; no gradient may be recorded.
bool ReadTensor(ByteReader* in, at::Tensor* t) {
  std::vector<float> values = in->Floats();
  if (!in->ok() || static_cast<int64_t>(values.size()) != t->numel()) return false;
  t->copy_(at::from_blob(values.data(), t->sizes(), at::kFloat));
  return true;
}

// A whole string as the words of a float array: ByteWriter's only long field.
void WriteString(ByteWriter* out, const std::string& s) {
  std::vector<float> words((s.size() + 3) / 4);
  std::memcpy(words.data(), s.data(), s.size());
  out->U64(s.size());
  out->Floats(words);
}

bool ReadString(ByteReader* in, std::string* s) {
  const uint64_t size = in->U64();
  const std::vector<float> words = in->Floats();
  if (!in->ok() || size > words.size() * 4) return false;
  s->assign(reinterpret_cast<const char*>(words.data()), size);
  return true;
}

class NetTrainer : public TrunkTrainer {
 public:
  NetTrainer(std::shared_ptr<const Trunk> published, const TrunkTrainerOptions& options, TrunkNet net)
      : options_(options), published_(std::move(published)), state_(Fresh(std::move(net))) {}

  absl::StatusOr<double> Step(absl::Span<const TrainingEvent> events) override;
  void SetRate(double share) override { rate_ = share; }
  int64_t steps() const override { return state_.steps; }
  absl::StatusOr<std::shared_ptr<const Trunk>> Snapshot() override;
  absl::Status SetPublished(std::shared_ptr<const Trunk> published, bool restart) override;
  absl::StatusOr<std::string> Save() override;
  absl::Status Load(absl::string_view bytes) override;

 private:
  State Fresh(TrunkNet net) const;
  absl::Status Check(absl::Span<const TrainingEvent> events) const;
  Batch Draw(absl::Span<const TrainingEvent> events) const;
  // The loss; `rows` gets the batch's vectors.
  absl::StatusOr<at::Tensor> Loss(const Batch& batch, at::Tensor* rows) const;
  void Remember(const Batch& batch, const at::Tensor& rows);
  absl::StatusOr<double> TrainOn(const Batch& batch);
  double GradientNorm() const;
  void Update(double gradient_scale);
  void UpdateArray(at::Tensor parameter, const at::Tensor& gradient, double rate, Moments* moments) const;
  void ForgetGradients();
  absl::StatusOr<State> Parse(absl::string_view bytes) const;

  const TrunkTrainerOptions options_;
  std::shared_ptr<const Trunk> published_;
  double rate_ = 1;
  Memory memory_;
  State state_;
};

State NetTrainer::Fresh(TrunkNet net) const {
  State state;
  state.net = std::move(net);
  state.net.bf16 = options_.bf16;
  const c10::Device device = options_.cuda ? c10::Device(at::kCUDA, 0) : c10::Device(at::kCPU);
  for (at::Tensor& p : state.net.parameters) {
    p = p.to(device);
    state.moments.push_back({at::zeros_like(p), at::zeros_like(p), 0});
    if (options_.average > 0) state.average.push_back(p.clone());
    p.set_requires_grad(true);
  }
  at::Generator random = at::detail::createCPUGenerator(options_.seed);
  if (options_.proxies > 0) state.proxies = FreshExtra(at::randn({options_.proxies, state.net.config.output_dim}, random).to(device));
  if (options_.symbols > 0) {
    const int64_t width = state.net.config.width;
    state.spelling = FreshExtra(at::randn({1 + options_.symbols, width + 1}, random).to(device) / std::sqrt(double(width)));
  }
  return state;
}

absl::Status NetTrainer::Check(absl::Span<const TrainingEvent> events) const {
  if (events.size() < kMinEvents || events.size() > kMaxEvents) {
    return absl::InvalidArgumentError(absl::StrCat("TrunkTrainer::Step: got ", events.size(), " events, wanted ",
                                                   kMinEvents, " to ", kMaxEvents, "; cut the batch"));
  }
  for (size_t e = 0; e < events.size(); ++e) {
    const std::string where = absl::StrCat("TrunkTrainer::Step event ", e);
    if (events[e].parts.size() < 2) {
      return absl::InvalidArgumentError(
          absl::StrCat(where, ": got ", events[e].parts.size(), " parts, wanted 2 or more; leave the event out"));
    }
    if (options_.proxies > 0 && events[e].id >= static_cast<uint64_t>(options_.proxies)) {
      return absl::InvalidArgumentError(
          absl::StrCat(where, ": got id ", events[e].id, ", wanted one below ", options_.proxies));
    }
    for (const TrainingPart& part : events[e].parts) {
      if (options_.symbols > 0 && !std::all_of(part.spelling.begin(), part.spelling.end(), [&](int symbol) {
            return symbol >= 1 && symbol <= options_.symbols;
          })) {
        return absl::InvalidArgumentError(absl::StrCat(where, ": its spelling has a symbol not of 1 to ", options_.symbols));
      }
      if (absl::Status s = state_.net.Check({part.slot, part.tokens}, where); !s.ok()) return s;
    }
  }
  return absl::OkStatus();
}

// A function of the seed, the step and the events alone: a trainer that was saved and loaded draws as one that never
// stopped.
Batch NetTrainer::Draw(absl::Span<const TrainingEvent> events) const {
  std::mt19937_64 random(options_.seed * 0x9e3779b97f4a7c15ull + state_.steps);
  Batch batch;
  std::vector<int64_t> event;
  for (size_t e = 0; e < events.size(); ++e) {
    for (const int i : DrawParts(events[e], options_.parts_per_event, random)) {
      batch.parts.push_back({events[e].parts[i].slot, events[e].parts[i].tokens});
      batch.ids.push_back(events[e].id);
      batch.spellings.push_back(&events[e].parts[i].spelling);
      event.push_back(static_cast<int64_t>(e));
    }
  }
  batch.event = at::empty({static_cast<int64_t>(event.size())}, at::kLong);
  std::copy(event.begin(), event.end(), batch.event.data_ptr<int64_t>());
  return batch;
}

absl::StatusOr<at::Tensor> NetTrainer::Loss(const Batch& batch, at::Tensor* rows) const {
  at::Tensor teacher;
  if (options_.distillation > 0) {
    absl::StatusOr<std::vector<float>> known = published_->Encode(batch.parts);
    if (!known.ok()) return known.status();
    teacher = RowsTensor(*known, state_.net.config.output_dim);
  }
  const at::Tensor not_negative = NotNegative(batch, teacher);
  std::vector<StemInput> inputs = state_.net.Gather(batch.parts);
  if (options_.augment) {
    at::Generator random = at::detail::createCPUGenerator(options_.seed * 0x9e3779b97f4a7c15ull + state_.steps);
    for (StemInput& input : inputs) Augment(&input, &random);
  }
  const c10::AutoGradMode gradients(true);
  std::vector<at::Tensor> states;
  *rows = state_.net.Forward(inputs, &states);
  at::Tensor loss = ContrastiveLoss(*rows, batch, not_negative, memory_, options_.temperature);
  for (size_t i = 0; state_.spelling.defined() && i < inputs.size(); ++i) {
    const at::Tensor spelled = SpellingLoss(inputs[i], states[i], batch, state_.spelling.values);
    if (spelled.defined()) loss = loss + options_.spelling * spelled;
  }
  if (state_.proxies.defined()) {
    loss = loss + ProxyLoss(*rows, state_.proxies.values, Ids(batch.ids).to(rows->device()), options_.temperature);
  }
  if (!teacher.defined()) return loss;
  const at::Tensor drift =
      (1 - (*rows * teacher.to(rows->device())).sum(1)) * KnownToTeacher(teacher, batch).to(rows->device());
  return loss + options_.distillation * drift.mean();
}

void NetTrainer::Remember(const Batch& batch, const at::Tensor& rows) {
  if (options_.memory == 0) return;
  const at::Tensor all = memory_.rows.defined() ? at::cat({rows.detach(), memory_.rows}, 0) : rows.detach();
  memory_.ids.insert(memory_.ids.begin(), batch.ids.begin(), batch.ids.end());
  const int64_t kept = std::min<int64_t>(options_.memory, all.size(0));
  memory_.rows = all.narrow(0, 0, kept).clone();
  memory_.ids.resize(kept);
}

double NetTrainer::GradientNorm() const {
  double sum = 0;
  for (const at::Tensor& p : state_.net.parameters) {
    if (!p.grad().defined()) continue;
    const double norm = p.grad().norm().item<double>();
    sum += norm * norm;
  }
  return std::sqrt(sum);
}

void NetTrainer::UpdateArray(at::Tensor parameter, const at::Tensor& gradient, double rate, Moments* moments) const {
  ++moments->count;
  moments->first.mul_(kBeta1).add_(gradient, 1 - kBeta1);
  moments->second.mul_(kBeta2).addcmul_(gradient, gradient, 1 - kBeta2);
  const double correct1 = 1 - std::pow(kBeta1, moments->count);
  const double correct2 = 1 - std::pow(kBeta2, moments->count);
  if (parameter.dim() > 1) parameter.mul_(1 - rate * options_.weight_decay);
  const at::Tensor divisor = (moments->second / correct2).sqrt_().add_(kEpsilon);
  parameter.addcdiv_(moments->first, divisor, -rate / correct1);
}

void NetTrainer::Update(double gradient_scale) {
  const c10::AutoGradMode gradients(false);
  // The last array is in every batch: its count is of the steps since the weights were taken from a trunk.
  const double warm = options_.warmup_steps > 0 ? (state_.moments.back().count + 1.0) / options_.warmup_steps : 1.0;
  const double rate = options_.learning_rate * rate_ * std::min(1.0, warm);
  for (size_t i = 0; i < state_.net.parameters.size(); ++i) {
    const at::Tensor& p = state_.net.parameters[i];
    if (p.grad().defined()) UpdateArray(p, p.grad() * gradient_scale, rate, &state_.moments[i]);
    if (!state_.average.empty()) state_.average[i].lerp_(p, 1 - options_.average);
  }
  for (Extra* extra : Extras(&state_)) {
    const double faster = extra == &state_.proxies ? kProxyRate : 1;
    if (extra->values.grad().defined()) UpdateArray(extra->values, extra->values.grad(), faster * rate, &extra->moments);
  }
  ++state_.steps;
}

void NetTrainer::ForgetGradients() {
  for (Extra* extra : Extras(&state_)) extra->values.mutable_grad().reset();
  for (at::Tensor& p : state_.net.parameters) p.mutable_grad().reset();
}

absl::StatusOr<double> NetTrainer::TrainOn(const Batch& batch) {
  at::Tensor rows;
  absl::StatusOr<at::Tensor> loss = Loss(batch, &rows);
  if (!loss.ok()) return loss.status();
  const double value = loss->item<double>();
  if (!loss->requires_grad()) return absl::InternalError("TrunkTrainer::Step: the loss has no gradient");
  loss->backward();
  const double norm = GradientNorm();
  if (!std::isfinite(value) || !std::isfinite(norm)) {
    return absl::InternalError(absl::StrCat("TrunkTrainer::Step ", state_.steps, ": got loss ", value,
                                            " and gradient norm ", norm,
                                            ", wanted finite ones; the weights are as before; restart from the "
                                            "published trunk if it happens again"));
  }
  Update(std::min(1.0, kMaxGradientNorm / std::max(norm, 1e-12)));
  Remember(batch, rows);
  return value;
}

absl::StatusOr<double> NetTrainer::Step(absl::Span<const TrainingEvent> events) {
  if (absl::Status s = Check(events); !s.ok()) return s;
  try {
    ForgetGradients();
    absl::StatusOr<double> loss = TrainOn(Draw(events));
    ForgetGradients();
    return loss;
  } catch (const std::exception& e) {
    return absl::InternalError(absl::StrCat("TrunkTrainer::Step: ", e.what()));
  }
}

absl::StatusOr<std::shared_ptr<const Trunk>> NetTrainer::Snapshot() {
  TrunkNet net = state_.net;
  if (!state_.average.empty()) net.parameters = state_.average;
  return Trunk::FromBytes(net.ToBytes());
}

absl::Status NetTrainer::SetPublished(std::shared_ptr<const Trunk> published, bool restart) {
  if (absl::Status s = SameShape(published->config(), state_.net.config); !s.ok()) return s;
  if (restart) {
    absl::StatusOr<TrunkNet> net = TrunkNet::FromBytes(published->ToBytes());
    if (!net.ok()) return net.status();
    const int64_t steps = state_.steps;
    state_ = Fresh(*std::move(net));
    state_.steps = steps;
  }
  published_ = std::move(published);
  return absl::OkStatus();
}

absl::StatusOr<std::string> NetTrainer::Save() {
  ByteWriter out;
  out.U32(kMagic);
  out.U32(kVersion);
  out.U64(state_.steps);
  WriteString(&out, state_.net.ToBytes());
  for (const Moments& m : state_.moments) {
    out.U64(m.count);
    WriteTensor(&out, m.first);
    WriteTensor(&out, m.second);
  }
  out.U32(state_.average.size());
  for (const at::Tensor& a : state_.average) WriteTensor(&out, a);
  for (const Extra* extra : Extras(&state_)) {
    out.U64(extra->moments.count);
    for (const at::Tensor& t : {extra->values, extra->moments.first, extra->moments.second}) WriteTensor(&out, t);
  }
  return std::move(out).Finish();
}

absl::StatusOr<State> NetTrainer::Parse(absl::string_view bytes) const {
  const c10::AutoGradMode no_gradients(false);
  const absl::Status damaged = absl::DataLossError(
      absl::StrCat("TrunkTrainer::Load: got ", bytes.size(),
                   " bytes that are cut or altered; wanted what Save wrote; start from the published trunk"));
  ByteReader in(bytes);
  if (!in.CheckSum() || in.U32() != kMagic) return damaged;
  if (const uint32_t version = in.U32(); version != kVersion) {
    return absl::FailedPreconditionError(absl::StrCat("TrunkTrainer::Load: got format ", version, ", wanted ", kVersion,
                                                      "; start from the published trunk"));
  }
  const int64_t steps = in.U64();
  std::string weights;
  if (!ReadString(&in, &weights)) return damaged;
  absl::StatusOr<TrunkNet> net = TrunkNet::FromBytes(weights);
  if (!net.ok()) return net.status();
  // Arrays of slots that the state lacks begin from their first values; `places` is where the others lie.
  std::vector<int> places(net->parameters.size());
  std::iota(places.begin(), places.end(), 0);
  if (net->config.slots < state_.net.config.slots) {
    if (absl::Status s = net->AddSlots(state_.net.config.slots, &places); !s.ok()) return s;
  }
  if (absl::Status s = SameShape(net->config, state_.net.config); !s.ok()) return s;
  State state = Fresh(*std::move(net));
  state.steps = steps;
  for (const int place : places) {
    Moments& m = state.moments[place];
    m.count = in.U64();
    if (!ReadTensor(&in, &m.first) || !ReadTensor(&in, &m.second)) return damaged;
  }
  // A state without an average starts one from its weights; one that is not asked for is left.
  if (const uint32_t averages = in.U32(); averages == places.size() && !state.average.empty()) {
    for (const int place : places) {
      if (!ReadTensor(&in, &state.average[place])) return damaged;
    }
  }
  for (Extra* extra : Extras(&state)) {
    extra->moments.count = in.U64();
    for (at::Tensor* t : {&extra->values, &extra->moments.first, &extra->moments.second}) {
      if (!ReadTensor(&in, t)) return damaged;
    }
  }
  if (!in.ok()) return damaged;
  return state;
}

absl::Status NetTrainer::Load(absl::string_view bytes) {
  try {
    absl::StatusOr<State> state = Parse(bytes);
    if (!state.ok()) return state.status();
    state_ = *std::move(state);
    return absl::OkStatus();
  } catch (const std::exception& e) {
    return absl::InternalError(absl::StrCat("TrunkTrainer::Load: ", e.what()));
  }
}

absl::Status CheckOptions(const TrunkTrainerOptions& o) {
  if (o.learning_rate > 0 && o.warmup_steps >= 0 && o.weight_decay >= 0 && o.temperature > 0 && o.distillation >= 0 &&
      o.average >= 0 && o.average < 1 && o.memory >= 0 && o.proxies >= 0 && o.symbols >= 0 &&
      o.spelling >= 0 && o.parts_per_event >= 2 &&
      o.parts_per_event <= kMaxPartsOfEvent) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "TrunkTrainer options: got learning_rate ", o.learning_rate, ", warmup_steps ", o.warmup_steps, ", weight_decay ",
      o.weight_decay, ", temperature ", o.temperature, ", distillation ", o.distillation, ", average ", o.average,
      ", memory ", o.memory, ", parts_per_event ", o.parts_per_event,
      "; wanted a positive rate and temperature, an average below 1, 2 to ", kMaxPartsOfEvent,
      " parts, the others not negative; correct them"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<TrunkTrainer>> TrunkTrainer::Create(std::shared_ptr<const Trunk> published,
                                                                   const TrunkTrainerOptions& options) {
  if (absl::Status s = CheckOptions(options); !s.ok()) return s;
  if (options.cuda && !at::hasCUDA()) {
    return absl::FailedPreconditionError(
        "TrunkTrainer options: got cuda, and LibTorch sees no GPU; train on the CPU, or build against a LibTorch for CUDA "
        "(model/README.md) and look whether nvidia-smi lists a GPU");
  }
  try {
    absl::StatusOr<TrunkNet> net = TrunkNet::FromBytes(published->ToBytes());
    if (!net.ok()) return net.status();
    return std::make_unique<NetTrainer>(std::move(published), options, *std::move(net));
  } catch (const std::exception& e) {
    return absl::InternalError(absl::StrCat("TrunkTrainer::Create: ", e.what()));
  }
}

}  // namespace mixmatch::model
