// mixmatch admin generations, checkpoint.
#include <CLI/CLI.hpp>
#include <fstream>
#include <memory>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/cli/admin.h"
#include "client/cli/format.h"
#include "client/cli/operation.h"
#include "client/cli/plot.h"

namespace mixmatch::client {
namespace {

int List(Session& session) {
  const auto history = session.client().LearningHistory();
  if (!history.ok()) return session.Fail(history.status());
  const auto status = session.client().LearningStatus();
  if (!status.ok()) return session.Fail(status.status());
  Table table(TrunkTitles());
  for (const v1::TrunkRecord& trunk : history->trunks()) {
    if (session.json) {
      session.out() << Json(trunk) << "\n";
    } else {
      table.Add(TrunkCells(trunk));
    }
  }
  if (session.json) return kOk;
  table.Print(session.out(), session.terminal().color);
  session.out() << "trunk " << status->trunk() << " is in use" << (status->pinned() ? ", pinned" : "") << "; generation "
                << status->generation() << "\n";
  return kOk;
}

int Compare(Session& session, const v1::CompareTrunksRequest& request) {
  const auto compared = session.client().CompareTrunks(request);
  if (!compared.ok()) return session.Fail(compared.status());
  if (session.json) {
    session.out() << Json(*compared) << "\n";
    return kOk;
  }
  Table table({"trunk", "probe recall@10"});
  for (const v1::TrunkFigures* one : {&compared->trunk(), &compared->other()}) {
    table.Add({absl::StrCat(one->trunk()), absl::StrFormat("%.3f", one->recall())});
  }
  table.Print(session.out(), session.terminal().color);
  session.out() << absl::StreamFormat("%d pairs; drift %.3f\n", compared->probe_pairs(), compared->drift());
  return kOk;
}

int Tell(Session& session, const absl::StatusOr<v1::LearningStatus>& status) {
  if (!status.ok()) return session.Fail(status.status());
  if (session.json) {
    session.out() << Json(*status) << "\n";
  } else {
    session.out() << "trunk " << status->trunk() << (status->pinned() ? ", pinned" : "") << "; generation "
                  << status->generation() << "\n";
  }
  return kOk;
}

void AddGenerations(CLI::App* admin, Session& session) {
  CLI::App* generations = admin->add_subcommand("generations", "List published trunks, or compare, pin, roll back");
  generations->require_subcommand(0, 1);
  generations->fallthrough();
  generations->footer(
      "Examples:\n  mixmatch admin generations\n  mixmatch admin generations compare 3 7\n"
      "  mixmatch admin generations rollback 3\n  mixmatch admin generations pin");
  generations->callback([&session, generations] {
    if (generations->get_subcommands().empty()) session.action = [&session] { return List(session); };
  });
  generations->add_subcommand("list", "Published and refused trunks, newest first")->callback([&session] {
    session.action = [&session] { return List(session); };
  });
  CLI::App* compare = generations->add_subcommand("compare", "Judge two trunks on the held-out probe; up to minutes");
  const auto trunks = std::make_shared<std::vector<uint64_t>>();
  compare->add_option("trunk", *trunks, "One, or two; the other is the one in use")->required()->expected(1, 2);
  compare->callback([&session, trunks] {
    session.action = [&session, trunks] {
      v1::CompareTrunksRequest request;
      request.set_trunk(trunks->front());
      if (trunks->size() == 2) request.set_other(trunks->back());
      return Compare(session, request);
    };
  });
  generations->add_subcommand("pin", "Keep the trunk in use: none is published until unpin")->callback([&session] {
    session.action = [&session] { return Tell(session, session.client().PinTrunk(true)); };
  });
  generations->add_subcommand("unpin", "Publish better trunks again")->callback([&session] {
    session.action = [&session] { return Tell(session, session.client().PinTrunk(false)); };
  });
  CLI::App* rollback = generations->add_subcommand("rollback", "Use an earlier trunk again");
  const auto trunk = std::make_shared<uint64_t>(0);
  rollback->add_option("trunk", *trunk, "Its number, from the list")->required();
  rollback->callback([&session, trunk] {
    session.action = [&session, trunk] { return Tell(session, session.client().RollBack(*trunk)); };
  });
}

// Whole or not at all.
int Export(Session& session, const std::string& path) {
  const std::string temporary = path + ".part";
  std::ofstream file(temporary, std::ios::binary | std::ios::trunc);
  uint64_t bytes = 0;
  const absl::Status status = session.client().ExportCheckpoint([&](absl::string_view piece) {
    file.write(piece.data(), static_cast<std::streamsize>(piece.size()));
    bytes += piece.size();
  });
  const bool written = file.flush().good();
  file.close();
  if (!status.ok() || !written || std::rename(temporary.c_str(), path.c_str()) != 0) {
    std::remove(temporary.c_str());
    return session.Fail(status.ok() ? absl::InvalidArgumentError("FILE: cannot be written") : status);
  }
  if (!session.json) session.out() << "Wrote " << Printable(path) << ", " << Bytes(bytes) << ".\n";
  return kOk;
}

struct ImportOptions {
  std::string path;
  bool force = false;
  bool no_wait = false;
};

int Import(Session& session, const ImportOptions& options) {
  std::ifstream file(options.path, std::ios::binary);
  if (!file) return session.Fail(absl::NotFoundError("FILE: cannot be read"));
  return ShowBegun(session, session.client().ImportCheckpoint(file, options.force), !options.no_wait);
}

void AddCheckpoint(CLI::App* admin, Session& session) {
  CLI::App* checkpoint = admin->add_subcommand("checkpoint", "Export what was learned to a file, or import it");
  checkpoint->require_subcommand(1);
  checkpoint->fallthrough();
  checkpoint->footer(
      "Such a file holds no item. mixmatchd --init FILE begins a new data directory with it.\n"
      "Examples:\n  mixmatch admin checkpoint export learned.safetensors\n"
      "  mixmatch admin checkpoint import learned.safetensors");
  CLI::App* to = checkpoint->add_subcommand("export", "Write the published encoder to a file");
  const auto path = std::make_shared<std::string>();
  to->add_option("file", *path, "The file to write")->required();
  to->callback([&session, path] { session.action = [&session, path] { return Export(session, *path); }; });
  CLI::App* from = checkpoint->add_subcommand("import", "Publish the trunk of such a file, if the probe finds no less with it");
  const auto options = std::make_shared<ImportOptions>();
  from->add_option("file", options->path, "The file to read")->required();
  from->add_flag("--force", options->force, "Whatever the probe says");
  from->add_flag("--no-wait", options->no_wait, "Only begin; see mixmatch admin operations");
  from->callback([&session, options] { session.action = [&session, options] { return Import(session, *options); }; });
}

}  // namespace

void AddAdminGenerations(CLI::App* admin, Session& session) {
  AddGenerations(admin, session);
  AddCheckpoint(admin, session);
}

}  // namespace mixmatch::client
