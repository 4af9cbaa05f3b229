// mixmatch admin reindex, verify, compact, operations.
#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "client/cli/admin.h"
#include "client/cli/format.h"
#include "client/cli/operation.h"

namespace mixmatch::client {
namespace {

struct ReindexOptions {
  std::string modality = "any";
  std::string source = "features";
  bool from_content = false;
  bool dry_run = false;
  bool wait = false;
  double rate = 0.0;
  std::string resume;
};

int Reindex(Session& session, const ReindexOptions& options) {
  v1::ReindexRequest request;
  if (!options.resume.empty()) {
    request.set_resume_operation_id(options.resume);
    return ShowBegun(session, session.client().Reindex(request), options.wait);
  }
  v1::Modality modality = v1::MODALITY_UNSPECIFIED;
  if (!ParseModality(options.modality, modality)) {
    session.err() << "mixmatch admin reindex: --modality: wanted text, image, audio, video, document, table or series\n";
    return kUsage;
  }
  request.set_modality(modality);
  request.set_source(options.from_content || options.source == "content" ? v1::REINDEX_SOURCE_CONTENT
                     : options.source == "tokens"                        ? v1::REINDEX_SOURCE_TOKENS
                                                                         : v1::REINDEX_SOURCE_FEATURES);
  request.set_dry_run(options.dry_run);
  request.set_max_parts_per_second(options.rate);
  return ShowBegun(session, session.client().Reindex(request), options.wait || options.dry_run);
}

void AddReindex(CLI::App* admin, Session& session) {
  CLI::App* reindex = admin->add_subcommand("reindex", "Make vectors anew; search goes on");
  const auto options = std::make_shared<ReindexOptions>();
  reindex->add_option("--modality", options->modality, "Only this one")->capture_default_str();
  reindex
      ->add_option("--source", options->source,
                   "What to begin from: features (stored; seconds), tokens (stored; the trunk reads them again), content "
                   "(decoded again; as long as uploading took)")
      ->check(CLI::IsMember({"features", "tokens", "content"}))
      ->capture_default_str();
  reindex->add_flag("--from-content", options->from_content, "The same as --source content");
  reindex->add_flag("--dry-run", options->dry_run, "Only say how much there is to do");
  reindex->add_option("--rate", options->rate, "At most so many parts a second; 0: as fast as it goes")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  reindex->add_option("--resume", options->resume, "Go on where this cancelled or failed one ended, with what it was asked");
  reindex->add_flag("--wait", options->wait, "Until it ends");
  reindex->footer(
      "Examples:\n  mixmatch admin reindex --dry-run --source content\n"
      "  mixmatch admin reindex --modality audio --source tokens --wait\n"
      "  mixmatch admin reindex --source content --rate 50\n  mixmatch admin reindex --resume reindex-7 --wait");
  reindex->callback(
      [&session, options] { session.action = [&session, options] { return Reindex(session, *options); }; });
}

struct VerifyOptions {
  bool repair = false;
  bool content = false;
  bool no_wait = false;
};

void AddVerify(CLI::App* admin, Session& session) {
  CLI::App* verify = admin->add_subcommand("verify", "Look through everything for damage; exit code 1 if there is any");
  const auto options = std::make_shared<VerifyOptions>();
  verify->add_flag("--repair", options->repair, "Make again what can be, remove what belongs to nothing");
  verify->add_flag("--content", options->content, "Also read all content and compare its SHA-256");
  verify->add_flag("--no-wait", options->no_wait, "Only begin; see mixmatch admin operations");
  verify->footer("Examples:\n  mixmatch admin verify\n  mixmatch admin verify --content --repair --json");
  verify->callback([&session, options] {
    session.action = [&session, options] {
      v1::VerifyRequest request;
      request.set_repair(options->repair);
      request.set_content(options->content);
      return ShowBegun(session, session.client().Verify(request), !options->no_wait);
    };
  });
}

void AddCompact(CLI::App* admin, Session& session) {
  CLI::App* compact = admin->add_subcommand("compact", "Rewrite the store without what was deleted or replaced");
  const auto wait = std::make_shared<bool>(false);
  compact->add_flag("--wait", *wait, "Until it ends");
  compact->footer("It needs as much free disk as the store takes.\nExample:\n  mixmatch admin compact --wait");
  compact->callback([&session, wait] {
    session.action = [&session, wait] { return ShowBegun(session, session.client().Compact(), *wait); };
  });
}

int List(Session& session) {
  v1::ListOperationsRequest request;
  Table table({"operation", "kind", "state", "done", "findings", "error"});
  do {
    const auto page = session.client().ListOperations(request);
    if (!page.ok()) return session.Fail(page.status());
    for (const v1::Operation& one : page->operations()) {
      if (session.json) {
        session.out() << Json(one) << "\n";
      } else {
        table.Add({one.operation_id(), one.kind(), StateName(one), ProgressText(one),
                   one.findings_total() == 0 ? "" : std::to_string(one.findings_total()), one.error()});
      }
    }
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  if (!session.json) table.Print(session.out(), session.terminal().color);
  return kOk;
}

// A command over one operation's id.
void AddOne(CLI::App* parent, Session& session, const char* name, const char* what,
            std::function<int(const std::string&)> act) {
  CLI::App* command = parent->add_subcommand(name, what);
  const auto id = std::make_shared<std::string>();
  command->add_option("operation", *id, "Its id, e.g. reindex-7")->required();
  command->callback([&session, id, act = std::move(act)] { session.action = [id, act] { return act(*id); }; });
}

}  // namespace

void AddAdminOperations(CLI::App* admin, Session& session) {
  AddReindex(admin, session);
  AddVerify(admin, session);
  AddCompact(admin, session);
  CLI::App* operations = admin->add_subcommand("operations", "List operations, or get, cancel, wait for one");
  operations->require_subcommand(0, 1);
  operations->fallthrough();
  operations->footer("Examples:\n  mixmatch admin operations\n  mixmatch admin operations wait backup-3\n"
                     "  mixmatch admin operations cancel reindex-7");
  operations->callback([&session, operations] {
    if (operations->get_subcommands().empty()) session.action = [&session] { return List(session); };
  });
  AddOne(operations, session, "get", "Show one",
         [&session](const std::string& id) { return PrintOperation(session, session.client().GetOperation(id)); });
  AddOne(operations, session, "cancel", "Ask one to stop",
         [&session](const std::string& id) { return PrintOperation(session, session.client().CancelOperation(id)); });
  AddOne(operations, session, "wait", "Until one ends",
         [&session](const std::string& id) { return WaitForOperation(session, id); });
}

}  // namespace mixmatch::client
