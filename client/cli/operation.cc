#include "client/cli/operation.h"

#include <algorithm>
#include <ostream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "client/cli/format.h"

namespace mixmatch::client {
namespace {

constexpr int kBarWidth = 24;
constexpr absl::Duration kLook = absl::Milliseconds(500);

bool CountsBytes(const v1::Operation& operation) { return operation.kind() == "backup"; }

std::string Amount(const v1::Operation& operation, double amount) {
  if (CountsBytes(operation)) return Bytes(static_cast<uint64_t>(amount));
  return absl::StrFormat("%.*f", amount < 10.0 && amount != static_cast<uint64_t>(amount) ? 1 : 0, amount);
}

double Share(const v1::Operation& operation) {
  return operation.total() == 0 ? 0.0
                                : std::min(1.0, static_cast<double>(operation.done()) / static_cast<double>(operation.total()));
}

}  // namespace

std::string StateName(const v1::Operation& operation) {
  const std::string name = v1::OperationState_Name(operation.state());
  return absl::AsciiStrToLower(name.substr(name.rfind('_') + 1));
}

std::string ProgressText(const v1::Operation& operation) {
  if (operation.kind() == "verify") return absl::StrFormat("%.0f %%", 100.0 * Share(operation));
  return absl::StrCat(Amount(operation, operation.done()), "/", Amount(operation, operation.total()));
}

std::string ProgressLine(const v1::Operation& operation, uint64_t done_then, absl::Duration elapsed) {
  const int filled = static_cast<int>(Share(operation) * kBarWidth);
  std::string line = absl::StrFormat("[%s%s] %3.0f %%", std::string(filled, '#'), std::string(kBarWidth - filled, '-'),
                                     100.0 * Share(operation));
  if (operation.kind() != "verify" && operation.total() > 0) absl::StrAppend(&line, "  ", ProgressText(operation));
  const double seconds = absl::ToDoubleSeconds(elapsed);
  if (seconds <= 0.0 || operation.done() <= done_then) return line;
  const double rate = static_cast<double>(operation.done() - done_then) / seconds;
  if (operation.kind() != "verify") absl::StrAppend(&line, "  ", Amount(operation, rate), "/s");
  const auto left = static_cast<int64_t>(static_cast<double>(operation.total() - std::min(operation.done(), operation.total())) / rate);
  if (left > 0) absl::StrAppend(&line, absl::StrFormat("  %d:%02d left", left / 60, left % 60));
  return line;
}

std::string BackupText(const v1::BackupSet& set) {
  return absl::StrCat(Printable(set.folder()), "/", set.backup_id(), "  ", set.items(), " items  generation ",
                      set.generation(), "  ", Bytes(set.bytes()), ", ", Bytes(set.copied_bytes()), " copied");
}

int PrintOperation(Session& session, const absl::StatusOr<v1::Operation>& operation) {
  if (!operation.ok()) return session.Fail(operation.status());
  bool all_well = true;
  for (const v1::Finding& finding : operation->findings()) all_well = all_well && finding.repaired();
  all_well = all_well && operation->findings_total() <= static_cast<uint64_t>(operation->findings_size());
  if (session.json) {
    session.out() << Json(*operation) << "\n";
  } else {
    session.out() << Printable(operation->operation_id()) << "  " << StateName(*operation) << "  "
                  << ProgressText(*operation) << "  " << Printable(operation->error()) << "\n";
    if (operation->has_backup()) session.out() << BackupText(operation->backup()) << "\n";
    if (operation->findings_total() > 0) {
      Table table({"finding", "where", "repaired", "what to do"});
      for (const v1::Finding& finding : operation->findings()) {
        table.Add({finding.kind(), finding.where(), finding.repaired() ? "yes" : "no", finding.advice()});
      }
      table.Print(session.out(), session.terminal().color);
      session.out() << operation->findings_total() << " findings\n";
    } else if (operation->kind() == "verify" && operation->state() == v1::OPERATION_STATE_SUCCEEDED) {
      session.out() << "nothing wrong\n";
    }
  }
  const bool ended_well =
      operation->state() == v1::OPERATION_STATE_SUCCEEDED || operation->state() == v1::OPERATION_STATE_RUNNING ||
      operation->state() == v1::OPERATION_STATE_UNSPECIFIED;
  return ended_well && all_well ? kOk : kSomeFailed;
}

int WaitForOperation(Session& session, const std::string& id) {
  const bool bar = session.terminal().err_is_terminal && !session.json;
  absl::Time began = absl::InfinitePast();
  uint64_t done_then = 0;
  while (true) {
    const auto operation = session.client().WaitOperation(id, bar ? kLook : absl::Seconds(5));
    const bool running = operation.ok() && operation->state() == v1::OPERATION_STATE_RUNNING;
    if (bar && running) {
      if (began == absl::InfinitePast()) {
        began = absl::Now();
        done_then = operation->done();
      }
      session.err() << "\r" << Printable(id) << " " << ProgressLine(*operation, done_then, absl::Now() - began) << "\033[K"
                    << std::flush;
    }
    if (running) continue;
    if (bar && began != absl::InfinitePast()) session.err() << "\r\033[K" << std::flush;
    return PrintOperation(session, operation);
  }
}

int ShowBegun(Session& session, const absl::StatusOr<v1::Operation>& operation, bool wait) {
  if (!operation.ok() || !wait) return PrintOperation(session, operation);
  return WaitForOperation(session, operation->operation_id());
}

}  // namespace mixmatch::client
