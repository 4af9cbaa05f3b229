#include "client/cli/plot.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "client/cli/format.h"
#include "client/cli/html.h"

namespace mixmatch::client {
namespace {

constexpr char kStyle[] = R"(<style>
:root { --second: #c2571a; --good: #1a7f4b; --bad: #b3363e; --back-mark: #8250df; }
@media (prefers-color-scheme: dark) {
  :root { --second: #f0955a; --good: #4cc38a; --bad: #ff7b82; --back-mark: #b392f0; }
}
svg { display: block; width: 100%; height: auto; background: var(--card); border: 1px solid var(--line);
  border-radius: .6rem; margin: 0 0 1rem; }
svg text { fill: var(--soft); font: 12px system-ui, sans-serif; }
svg text.title { fill: var(--ink); font-size: 13px; font-weight: 600; }
.grid { stroke: var(--line); stroke-width: 1; }
.axis { stroke: var(--soft); stroke-width: 1; }
.line { fill: none; stroke-width: 1.5; }
.line.loss, .line.probe, .line.drift { stroke: var(--bar); }
.line.candidate { stroke: var(--second); stroke-dasharray: 2 3; }
.dot.loss, .dot.probe, .dot.drift { fill: var(--bar); }
.dot.candidate { fill: none; stroke: var(--second); stroke-width: 1.5; }
.mark { stroke-width: 1.5; }
.mark.published, .key.published { stroke: var(--good); }
.mark.refused, .key.refused { stroke: var(--bad); stroke-dasharray: 2 3; }
.mark.back, .key.back { stroke: var(--back-mark); stroke-dasharray: 7 3; }
.key { stroke-width: 2; }
table { border-collapse: collapse; background: var(--card); border: 1px solid var(--line); }
th, td { padding: .3rem .8rem; text-align: right; border-bottom: 1px solid var(--line); font-size: .9rem; }
.scroll { overflow-x: auto; }
</style>
)";

// Pixels of the drawing.
constexpr double kWidth = 900;
constexpr double kLeft = 70;
constexpr double kRight = 20;
constexpr double kTop = 46;      // Of a chart, above its frame: title, labels of marks.
constexpr double kHeight = 170;  // Of a frame.
constexpr double kBelow = 20;    // Of a chart, below its frame: labels of the axis.
constexpr double kFoot = 26;     // Name of the axis.
constexpr double kRadius = 2.2;
constexpr double kRing = 4.5;      // A candidate's dot, around that of the trunk in use.
constexpr double kDigit = 8;       // Width of a digit in a mark's label.
constexpr int kTicks = 5;
constexpr int kMostRows = 30;

struct Point {
  double x = 0;
  double y = 0;
  std::string tip;
};

struct Series {
  const char* style;
  std::vector<Point> points;
  bool ring = false;
};

// A range of values and where its ends are drawn.
struct Scale {
  double low = 0;
  double high = 1;
  double from = 0;
  double to = 1;
  double operator()(double value) const { return from + (value - low) / (high - low) * (to - from); }
};

double Seconds(const google::protobuf::Timestamp& time) {
  return static_cast<double>(time.seconds()) + time.nanos() * 1e-9;
}

// 1, 2 or 5 times a power of ten, so that about kTicks of it are in the range.
double NiceStep(double range) {
  const double rough = range / kTicks;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  for (double factor : {1.0, 2.0, 5.0}) {
    if (rough <= factor * power) return factor * power;
  }
  return 10.0 * power;
}

// Seconds as people count them.
double NiceSeconds(double range) {
  for (double step : {1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 21600.0, 43200.0}) {
    if (range / step <= kTicks + 1) return step;
  }
  return std::max(86400.0, std::ceil(range / 86400.0 / kTicks) * 86400.0);
}

std::string TimeText(double seconds, double range) {
  const char* const format = range > 86400.0 ? "%m-%d %H:%M" : range > 600.0 ? "%H:%M" : "%H:%M:%S";
  return absl::FormatTime(format, absl::FromUnixMillis(std::llround(seconds * 1000.0)), absl::UTCTimeZone());
}

std::string FullTime(const google::protobuf::Timestamp& time) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S", absl::FromUnixSeconds(time.seconds()), absl::UTCTimeZone());
}

const char* StyleOf(v1::TrainingMark mark) {
  switch (mark) {
    case v1::TRAINING_MARK_PUBLISHED:
      return "published";
    case v1::TRAINING_MARK_REFUSED:
      return "refused";
    case v1::TRAINING_MARK_ROLLED_BACK:
      return "back";
    default:
      return "";
  }
}

class Drawing {
 public:
  Drawing(const v1::HistoryResponse& history, PlotAxis axis) : history_(history), axis_(axis) {
    double low = 0, high = 0;
    bool first = true;
    for (const v1::TrainingSample& sample : history.samples()) {
      const double x = X(sample);
      low = first ? x : std::min(low, x);
      high = first ? x : std::max(high, x);
      first = false;
    }
    if (high <= low) high = low + 1.0;
    x_ = {low, high, kLeft, kWidth - kRight};
  }

  std::string Draw() {
    Series loss{"loss", {}}, probe{"probe", {}}, candidate{"candidate", {}, true}, drift{"drift", {}};
    for (const v1::TrainingSample& sample : history_.samples()) {
      if (sample.has_loss()) Add(sample, "loss", sample.loss(), loss);
      if (sample.has_probe_recall()) Add(sample, "in use", sample.probe_recall(), probe);
      if (sample.has_candidate_recall()) Add(sample, "candidate", sample.candidate_recall(), candidate);
      if (sample.has_drift()) Add(sample, "drift", sample.drift(), drift);
    }
    Chart("loss (nats)", "no training step yet", {&loss}, std::nullopt);
    const double top = y_ + kTop;
    Chart("probe recall@10 (0 to 1): dots in use, rings candidate", "no judgement yet", {&probe, &candidate}, 1.0);
    Marks(top);
    Chart("drift (mean 1 \xE2\x88\x92 cosine, candidate to trunk in use)", "no judgement yet", {&drift}, std::nullopt);
    Text((kLeft + kWidth - kRight) / 2, y_ + 16, "middle",
         axis_ == PlotAxis::kSteps ? "training steps" : "time (UTC)");
    return absl::StrFormat(
        "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"Loss, probe recall and drift\">\n%s</svg>\n", kWidth,
        y_ + kFoot, svg_);
  }

 private:
  double X(const v1::TrainingSample& sample) const {
    return axis_ == PlotAxis::kSteps ? static_cast<double>(sample.steps()) : Seconds(sample.time());
  }

  void Add(const v1::TrainingSample& sample, const char* what, double value, Series& series) const {
    if (!std::isfinite(value)) return;
    series.points.push_back(
        {X(sample), value,
         absl::StrFormat("%s %.4f, step %d, trunk %d, generation %d, %s", what, value, sample.steps(), sample.trunk(),
                         sample.generation(), FullTime(sample.time()))});
  }

  void Text(double x, double y, const char* anchor, absl::string_view words) {
    absl::StrAppendFormat(&svg_, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", x, y, anchor, words);
  }
  void Line(const char* style, double x1, double y1, double x2, double y2) {
    absl::StrAppendFormat(&svg_, "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n", style, x1,
                          y1, x2, y2);
  }

  // The next chart from the top: from 0, or from the least value if that is far above, to `top` or the largest value.
  void Chart(absl::string_view title, absl::string_view empty, const std::vector<const Series*>& all,
             std::optional<double> top) {
    const double above = y_ + kTop, below = above + kHeight;
    absl::StrAppendFormat(&svg_, "<text class=\"title\" x=\"%.1f\" y=\"%.1f\">%s</text>\n", kLeft, y_ + 20, title);
    double least = HUGE_VAL, most = -HUGE_VAL;
    for (const Series* series : all) {
      for (const Point& point : series->points) {
        least = std::min(least, point.y);
        most = std::max(most, point.y);
      }
    }
    const bool none = most < least;
    double low = none || least >= 0.0 ? 0.0 : least;
    if (!top.has_value() && !none && least > 0.5 * most && least < most) low = least;
    double high = top.value_or(none ? 1.0 : most);
    if (high <= low) high = low + std::max(std::abs(low) * 0.1, 1e-6);
    const double step = NiceStep(high - low);
    if (!top.has_value()) {
      low = std::floor(low / step) * step;
      high = std::ceil(high / step - 1e-9) * step;
    }
    const Scale y{low, high, below, above};
    for (int i = 0; low + i * step <= high + step * 1e-6; ++i) {
      const double value = low + i * step;
      Line("grid", kLeft, y(value), kWidth - kRight, y(value));
      Text(kLeft - 6, y(value) + 4, "end", absl::StrFormat("%.4g", std::abs(value) < step * 1e-6 ? 0.0 : value));
    }
    XTicks(above, below);
    if (none) Text((kLeft + kWidth - kRight) / 2, (above + below) / 2, "middle", empty);
    for (const Series* series : all) Curve(*series, y);
    y_ = below + kBelow;
  }

  void XTicks(double above, double below) {
    const double range = x_.high - x_.low;
    const double step = axis_ == PlotAxis::kSteps ? std::max(1.0, NiceStep(range)) : NiceSeconds(range);
    Line("axis", kLeft, below, kWidth - kRight, below);
    for (double value = std::ceil(x_.low / step) * step; value <= x_.high + step * 1e-6; value += step) {
      Line("grid", x_(value), above, x_(value), below);
      Text(x_(value), below + 15, "middle",
           axis_ == PlotAxis::kSteps ? absl::StrCat(std::llround(value)) : TimeText(value, range));
    }
  }

  void Curve(const Series& series, const Scale& y) {
    if (series.points.size() > 1) {
      absl::StrAppend(&svg_, "<polyline class=\"line ", series.style, "\" points=\"");
      for (const Point& point : series.points) absl::StrAppendFormat(&svg_, "%.1f,%.1f ", x_(point.x), y(point.y));
      absl::StrAppend(&svg_, "\"/>\n");
    }
    for (const Point& point : series.points) {
      absl::StrAppendFormat(
          &svg_, "<circle class=\"dot %s\" cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\"><title>%s</title></circle>\n",
          series.style, x_(point.x), y(point.y), series.ring ? kRing : kRadius, point.tip);
    }
  }

  void Marks(double above) {
    double labelled = 0;  // Labels reach up to here.
    for (const v1::TrainingSample& sample : history_.samples()) {
      const std::string style = StyleOf(sample.mark());
      if (style.empty()) continue;
      const double x = x_(X(sample));
      absl::StrAppendFormat(&svg_,
                            "<line class=\"mark %s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\">"
                            "<title>trunk %d %s, step %d, %s</title></line>\n",
                            style, x, above, x, above + kHeight, sample.marked_trunk(),
                            style == "back" ? "used again" : style, sample.steps(), FullTime(sample.time()));
      const std::string label = absl::StrCat(sample.marked_trunk());
      const double half = kDigit * (static_cast<double>(label.size()) + 0.5) / 2.0;
      if (x - half < labelled) continue;  // It would lie on the one before.
      labelled = x + half;
      Text(x, above - 5, "middle", label);
    }
  }

  const v1::HistoryResponse& history_;
  const PlotAxis axis_;
  Scale x_;
  double y_ = 0;  // Where the next chart begins.
  std::string svg_;
};

void AddRow(const char* element, const std::vector<std::string>& cells, std::string& html) {
  absl::StrAppend(&html, "<tr>");
  for (const std::string& cell : cells) absl::StrAppend(&html, "<", element, ">", HtmlEscape(cell), "</", element, ">");
  absl::StrAppend(&html, "</tr>\n");
}

std::string Key(absl::string_view style, absl::string_view words) {
  return absl::StrCat(
      "<svg style=\"display:inline;width:1.6rem;border:0;background:none;margin:0 .3rem 0 .8rem\" viewBox=\"0 0 26 8\">"
      "<line class=\"key ",
      style, "\" x1=\"0\" y1=\"4\" x2=\"26\" y2=\"4\"/></svg>", words);
}

}  // namespace

std::vector<std::string> TrunkTitles() { return {"trunk", "steps", "when", "probe before", "probe after", "what"}; }

std::vector<std::string> TrunkCells(const v1::TrunkRecord& trunk) {
  return {absl::StrCat(trunk.trunk()),
          absl::StrCat(trunk.steps()),
          FullTime(trunk.published_time()),
          trunk.has_probe_recall_before() ? absl::StrFormat("%.3f", trunk.probe_recall_before()) : "-",
          trunk.has_probe_recall_after() ? absl::StrFormat("%.3f", trunk.probe_recall_after()) : "-",
          trunk.current()       ? "in use"
          : trunk.rolled_back() ? "taken back"
          : trunk.published()   ? "earlier"
                                : "refused"};
}

std::string TrainingPage(const v1::HistoryResponse& history, absl::string_view server, PlotAxis axis) {
  const std::string title = absl::StrCat("Mix-Match: learning of ", server);
  std::string html = PageHead(title);
  absl::StrAppend(&html, kStyle, "<h1>", HtmlEscape(title), "</h1>\n", Drawing(history, axis).Draw());
  absl::StrAppend(&html, "<p class=\"soft\">Trunks, by number:", Key("published", "published"),
                  Key("refused", "refused"), Key("back", "gone back to"), "</p>\n<h2>Trunks, newest first</h2>\n<div class=\"scroll\"><table>\n");
  AddRow("th", TrunkTitles(), html);
  const int rows = std::min(history.trunks_size(), kMostRows);
  for (int i = 0; i < rows; ++i) AddRow("td", TrunkCells(history.trunks(i)), html);
  absl::StrAppend(&html, "</table></div>\n");
  if (rows < history.trunks_size()) {
    absl::StrAppend(&html, "<p class=\"soft\">and ", history.trunks_size() - rows,
                    " earlier ones: mixmatch learn history</p>\n");
  }
  absl::StrAppend(&html, "</body></html>\n");
  return html;
}

}  // namespace mixmatch::client
