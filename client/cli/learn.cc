#include <CLI/CLI.hpp>
#include <fstream>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "client/cli/command.h"
#include "client/cli/format.h"
#include "client/cli/plot.h"

namespace mixmatch::client {
namespace {

std::string State(const v1::LearningStatus& status) {
  const std::string name = v1::LearningState_Name(status.state());
  return absl::AsciiStrToLower(name.substr(name.rfind('_') + 1));
}

// As "text 0.003, image 0.01 and 0.003 of the trunk, ...".
std::string Ridges(const v1::LearningStatus& status) {
  std::vector<std::string> each;
  for (const v1::ModalityRidge& ridge : status.ridges()) {
    each.push_back(absl::StrFormat("%s %.2g", ModalityName(ridge.modality()), ridge.fixed()));
    if (ridge.trunk() != ridge.fixed()) absl::StrAppendFormat(&each.back(), " and %.2g", ridge.trunk());
  }
  return absl::StrCat(absl::StrJoin(each, ", "), "; chosen from ", status.ridge_events(), " events");
}

void PrintStatus(Session& session, const v1::LearningStatus& status) {
  if (session.json) {
    session.out() << Json(status) << "\n";
    return;
  }
  Table table({"state", State(status)});
  table.Add({"generation", absl::StrCat(status.generation())});
  table.Add({"trunk", absl::StrCat(status.trunk(), ", ", status.trunk_steps(), " steps")});
  if (status.parts_estimated() > 0) {
    table.Add({"to encode again", absl::StrCat(status.parts_estimated(), " parts, estimated until then")});
  }
  if (status.items_undescribed() > 0) {
    table.Add({"to describe again", absl::StrCat(status.items_undescribed(), " items, not found until then")});
  }
  if (status.has_trunk_loss()) table.Add({"trunk loss", absl::StrFormat("%.4f nats", status.trunk_loss())});
  if (status.ridge_events() > 0) table.Add({"ridges", Ridges(status)});
  table.Add({"events learned", absl::StrCat(status.events_seen())});
  table.Add({"events waiting", absl::StrCat(status.events_queued())});
  table.Add({"probe recall@10", status.has_probe_recall()
                                    ? absl::StrFormat("%.3f of %d pairs", status.probe_recall(), status.probe_pairs())
                                    : "too few pairs yet"});
  const double lag =
      static_cast<double>(status.last_refresh_lag().seconds()) + status.last_refresh_lag().nanos() * 1e-9;
  table.Add({"last refresh", absl::StrFormat("%d parts, %.2f s after the event", status.last_refresh_parts(), lag)});
  table.Add({"refused", absl::StrCat(status.publications_refused(), " publications")});
  table.Print(session.out(), session.terminal().color);
}

int Show(Session& session, const absl::StatusOr<v1::LearningStatus>& status) {
  if (!status.ok()) return session.Fail(status.status());
  PrintStatus(session, *status);
  return kOk;
}

struct WatchOptions {
  double interval = 1;
  bool until_idle = false;
};

int Watch(Session& session, const WatchOptions& options) {
  const absl::Status status =
      session.client().WatchLearning(absl::Seconds(options.interval), [&](const v1::LearningStatus& now) {
        if (session.json) {
          session.out() << Json(now) << "\n";
        } else {
          session.out() << absl::StreamFormat("%-8s generation %d  learned %d  waiting %d  steps %d", State(now),
                                              now.generation(), now.events_seen(), now.events_queued(),
                                              now.trunk_steps());
          if (now.has_trunk_loss()) session.out() << absl::StreamFormat("  loss %.4f", now.trunk_loss());
          if (now.has_probe_recall()) session.out() << absl::StreamFormat("  probe %.3f", now.probe_recall());
          session.out() << "\n";
        }
        session.out().flush();
        return session.out().good() && !(options.until_idle && now.events_queued() == 0);
      });
  return status.ok() ? kOk : session.Fail(status);
}

int History(Session& session) {
  const auto history = session.client().LearningHistory();
  if (!history.ok()) return session.Fail(history.status());
  Table table(TrunkTitles());
  for (const v1::TrunkRecord& trunk : history->trunks()) {
    if (session.json) {
      session.out() << Json(trunk) << "\n";
    } else {
      table.Add(TrunkCells(trunk));
    }
  }
  if (!session.json) table.Print(session.out(), session.terminal().color);
  return kOk;
}

struct PlotOptions {
  std::string out = "learn.html";
  std::string over = "steps";
};

int Plot(Session& session, const PlotOptions& options) {
  const auto history = session.client().LearningHistory();
  if (!history.ok()) return session.Fail(history.status());
  if (session.json) {
    for (const v1::TrainingSample& sample : history->samples()) session.out() << Json(sample) << "\n";
    return kOk;
  }
  if (history->samples().empty()) {
    session.err() << "mixmatch learn plot: nothing to plot yet: the trunk has made no training step.\nIt trains while the server "
                     "is idle and holds enough events of two parts or more; see: mixmatch learn status\n";
    return kSomeFailed;
  }
  const PlotAxis axis = options.over == "time" ? PlotAxis::kTime : PlotAxis::kSteps;
  const std::string page = TrainingPage(*history, session.server, axis);
  if (options.out == "-") {
    session.out() << page;
    return session.out().flush().good() ? kOk : kSomeFailed;
  }
  std::ofstream file(options.out, std::ios::binary | std::ios::trunc);
  file << page;
  if (!file.flush()) return session.Fail(absl::InvalidArgumentError("--out: cannot write the file"));
  session.out() << "Wrote " << Printable(options.out) << "; open it in a browser.\n";
  return kOk;
}

}  // namespace

void AddLearn(CLI::App& app, Session& session) {
  CLI::App* learn = app.add_subcommand("learn", "Watch and steer what the server learns");
  learn->require_subcommand(1);
  learn->fallthrough();
  learn->footer("Examples:\n  mixmatch learn status\n  mixmatch learn watch --until-idle\n  mixmatch learn rollback 3\n"
                "  mixmatch learn plot --out learn.html");
  learn->add_subcommand("status", "How learning stands")->callback([&session] {
    session.action = [&session] { return Show(session, session.client().LearningStatus()); };
  });
  learn->add_subcommand("pause", "Stop learning; ingest and search go on")->callback([&session] {
    session.action = [&session] { return Show(session, session.client().PauseLearning()); };
  });
  learn->add_subcommand("resume", "Go on learning")->callback([&session] {
    session.action = [&session] { return Show(session, session.client().ResumeLearning()); };
  });
  learn->add_subcommand("history", "Published and refused trunks, newest first")->callback([&session] {
    session.action = [&session] { return History(session); };
  });
  CLI::App* plot = learn->add_subcommand("plot", "A page of loss, probe recall and drift; the samples with --json");
  const auto plot_options = std::make_shared<PlotOptions>();
  plot->add_option("-o,--out", plot_options->out, "The HTML file to write; - for stdout")->capture_default_str();
  plot->add_option("--over", plot_options->over, "What the charts run over: steps or time")
      ->check(CLI::IsMember({"steps", "time"}))
      ->capture_default_str();
  plot->callback(
      [&session, plot_options] { session.action = [&session, plot_options] { return Plot(session, *plot_options); }; });
  CLI::App* watch = learn->add_subcommand("watch", "A line whenever something changes, until Ctrl-C");
  const auto options = std::make_shared<WatchOptions>();
  watch->add_option("--interval", options->interval, "Least seconds between lines")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  watch->add_flag("--until-idle", options->until_idle, "End when no event is waiting");
  watch->callback([&session, options] { session.action = [&session, options] { return Watch(session, *options); }; });
  CLI::App* rollback = learn->add_subcommand("rollback", "Use an earlier trunk again");
  const auto trunk = std::make_shared<uint64_t>(0);
  rollback->add_option("trunk", *trunk, "Its number, from history")->required();
  rollback->callback([&session, trunk] {
    session.action = [&session, trunk] { return Show(session, session.client().RollBack(*trunk)); };
  });
}

}  // namespace mixmatch::client
