#include "client/cli/command.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "client/cli/operation.h"
#include "tests/client/cli/fake_client.h"

namespace mixmatch::client {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

class CommandTest : public testing::Test {
 protected:
  CommandTest() {
    std::string pattern = testing::TempDir() + "mixmatch-cli-XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  ~CommandTest() override { fs::remove_all(folder_); }

  // Runs `mixmatch` with these arguments.
  int Run(std::vector<std::string> arguments, const std::string& input = "") {
    arguments.insert(arguments.begin(), "mixmatch");
    std::istringstream in(input);
    std::ostringstream out, err;
    const auto connect = [this](const ClientOptions& options) {
      address_ = options.address;
      credentials_ = options.credentials;
      return std::make_unique<FakeClient>(&server_);
    };
    const auto launch = [this](const std::string& program, const std::vector<std::string>& given) {
      launched_ = given;
      launched_.insert(launched_.begin(), program);
      return launch_status_;
    };
    const int code = client::Run(arguments, {in, out, err}, connect, launch);
    out_ = out.str();
    err_ = err.str();
    return code;
  }

  std::string Write(const std::string& name, const std::string& content) {
    const fs::path path = folder_ / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << content;
    return path.string();
  }

  FakeServer server_;
  fs::path folder_;
  std::string address_, out_, err_;
  Credentials credentials_;
  std::vector<std::string> launched_;  // The program that a command became, and its arguments.
  absl::Status launch_status_;
};

TEST_F(CommandTest, HelpOfEveryCommandHasAnExampleAndEndsWell) {
  for (const char* command :
       {"put", "search", "get", "ls", "rm", "download", "link", "unlink", "events", "items", "learn", "admin",
        "completion"}) {
    EXPECT_EQ(Run({command, "--help"}), kOk) << command;
    EXPECT_THAT(out_, HasSubstr("Example")) << command;
  }
  EXPECT_EQ(Run({"--help"}), kOk);
  EXPECT_THAT(out_, HasSubstr("Exit codes"));
}

TEST_F(CommandTest, WrongArgumentsAreUsageErrors) {
  const std::vector<std::vector<std::string>> wrong = {{},
                                                       {"fly"},
                                                       {"put"},
                                                       {"get", "x"},
                                                       {"rm"},
                                                       {"learn"},
                                                       {"search"},
                                                       {"search", "--text", "a", "--for", "smell"},
                                                       {"search", "--text", "a", "--where", "a="},
                                                       {"search", "--weight", "2", "--text", "a"},
                                                       {"search", "--item", "x"},
                                                       {"link", "x"},
                                                       {"unlink", "e"},
                                                       {"put", "a", "--event", "e", "--events-from", "stems"},
                                                       {"completion", "tcsh"},
                                                       {"put", "-", "-m", "novalue"},
                                                       {"put", "-", "--observed-time", "yesterday"},
                                                       {"put", "-", "--location", "91,0"},
                                                       {"items"},
                                                       {"items", "update", "1", "--observed-time", "soon"},
                                                       {"events", "correct", "a#b"},
                                                       {"events", "correct", "a#b", "--undo", "--restore"},
                                                       {"events", "correct", "a#b", "--weight", "101"},
                                                       {"events", "hold"},
                                                       {"events", "links", "--kind", "guess"},
                                                       {"learn", "rollback"},
                                                       {"search", "--image", "/nowhere/at/all"}};
  for (const auto& arguments : wrong) {
    EXPECT_EQ(Run(arguments), kUsage) << testing::PrintToString(arguments);
    EXPECT_FALSE(err_.empty()) << testing::PrintToString(arguments);
  }
}

TEST_F(CommandTest, AMissingServerSaysHowToStartOne) {
  server_.error = absl::UnavailableError("connection refused");
  EXPECT_EQ(Run({"--server", "127.0.0.1:9", "get", "1"}), kUnreachable);
  EXPECT_EQ(address_, "127.0.0.1:9");
  EXPECT_THAT(err_, HasSubstr("mixmatchd --listen 127.0.0.1:9"));
}

TEST_F(CommandTest, EachKindOfErrorHasItsExitCode) {
  EXPECT_EQ(Run({"get", "7"}), kNotFound);
  server_.error = absl::InvalidArgumentError("no");
  EXPECT_EQ(Run({"search", "--text", "a"}), kRefused);
  server_.error = absl::DeadlineExceededError("late");
  EXPECT_EQ(Run({"admin", "stats"}), kTimedOut);
}

TEST_F(CommandTest, GlobalOptionsMayFollowTheCommand) {
  EXPECT_EQ(Run({"learn", "status", "--json", "--server", "h:1"}), kOk);
  EXPECT_EQ(address_, "h:1");
  EXPECT_EQ(out_, "{}\n");
}

TEST_F(CommandTest, PutTakesFilesFoldersPatternsAndStdin) {
  Write("in/a.txt", "a");
  Write("in/deep/b.txt", "b");
  Write("in/.hidden", "h");
  const std::string pattern = (folder_ / "p*.txt").string();
  Write("p1.txt", "p1");
  Write("p2.txt", "p2");
  EXPECT_EQ(Run({"put", (folder_ / "in").string(), pattern, "-", "-j", "1"}, "from stdin"), kOk);
  std::multiset<std::string> contents;
  for (const auto& [id, content] : server_.contents) contents.insert(content);
  EXPECT_EQ(contents, (std::multiset<std::string>{"a", "b", "from stdin", "p1", "p2"}));
}

TEST_F(CommandTest, OneFailingFileDoesNotStopTheOthersAndIsNamed) {
  const std::string bad = Write("1.txt", "bad");
  const std::string good = Write("2.txt", "good");
  EXPECT_EQ(Run({"put", bad, good, "/nowhere/at/all"}), kSomeFailed);
  EXPECT_EQ(server_.contents.size(), 1u);
  EXPECT_THAT(err_, HasSubstr("1.txt: INVALID_ARGUMENT: content: cannot be decoded"));
  EXPECT_THAT(err_, HasSubstr("/nowhere/at/all"));
  EXPECT_THAT(out_, HasSubstr("1 stored"));
}

TEST_F(CommandTest, StemsAndFoldersMakeEvents) {
  Write("in/crow.png", "1");
  Write("in/crow.ogg", "2");
  Write("in/owl/owl.png", "3");
  EXPECT_EQ(Run({"put", (folder_ / "in").string(), "--events-from", "stems", "-j", "1"}), kOk);
  ASSERT_EQ(server_.uploads.size(), 3u);
  EXPECT_EQ(server_.uploads[0].event_id(), "in/crow");
  EXPECT_EQ(server_.uploads[1].event_id(), "in/crow");
  EXPECT_EQ(server_.uploads[2].event_id(), "in/owl/owl");
  server_.uploads.clear();
  EXPECT_EQ(Run({"put", (folder_ / "in").string() + "/", "--events-from", "folders", "-j", "1"}), kOk);
  EXPECT_EQ(server_.uploads[0].event_id(), "in");
  EXPECT_EQ(server_.uploads[2].event_id(), "in/owl");
}

TEST_F(CommandTest, PutWritesAJsonLineAFileAndPassesMetadata) {
  const std::string bad = Write("1.txt", "bad");
  const std::string good = Write("2\n.txt", "good");
  EXPECT_EQ(Run({"--json", "put", bad, good, "-m", "year=1990", "-m", "lang=fr", "--source", "s", "-j", "1"}),
            kSomeFailed);
  EXPECT_EQ(std::count(out_.begin(), out_.end(), '\n'), 2);
  EXPECT_THAT(out_, HasSubstr("\"error\":{\"code\":\"INVALID_ARGUMENT\""));
  ASSERT_EQ(server_.uploads.size(), 1u);
  EXPECT_EQ(server_.uploads[0].metadata().at("year").number(), 1990);
  EXPECT_EQ(server_.uploads[0].metadata().at("lang").text(), "fr");
  EXPECT_EQ(server_.uploads[0].source(), "s");
}

TEST_F(CommandTest, PutSaysWhereAndWhenThingsHappenedAndNamesThemByTheirFolders) {
  Write("in/deep/b.txt", "b");
  EXPECT_EQ(Run({"put", (folder_ / "in").string(), "--observed-time", "2026-05-01T10:00:00.5+02:00", "--location",
                 "47.5,-8.25", "--duration", "1.5"}),
            kOk);
  const v1::UploadHeader& header = server_.uploads.at(0);
  EXPECT_EQ(header.name(), "deep/b.txt");
  EXPECT_EQ(header.source(), "in");
  EXPECT_EQ(header.observed_time().seconds(), 1777622400);
  EXPECT_EQ(header.observed_time().nanos(), 500000000);
  EXPECT_EQ(header.observed_duration().seconds(), 1);
  EXPECT_EQ(header.location().latitude(), 47.5);
  EXPECT_EQ(header.location().longitude(), -8.25);
  const std::string file = Write("one.txt", "1");
  fs::last_write_time(file, fs::file_time_type::clock::now());
  EXPECT_EQ(Run({"put", file, "--observed-from-mtime"}), kOk);
  EXPECT_GT(server_.uploads.at(1).observed_time().seconds(), 1700000000);
  EXPECT_EQ(server_.uploads.at(1).source(), folder_.filename().string());
}

TEST_F(CommandTest, LinksAreListedWithTheirReasonsAndCorrected) {
  EXPECT_EQ(Run({"events", "links", "12", "--kind", "time", "--state", "capped", "--source", ""}), kOk);
  EXPECT_THAT(out_, HasSubstr("3.2 s apart at source cam-1"));
  EXPECT_THAT(out_, HasSubstr("learned"));
  const v1::ListLinksRequest& asked = server_.listed_links.at(0);
  EXPECT_EQ(asked.item_id(), 12u);
  EXPECT_EQ(asked.kind(), v1::EVENT_KIND_TIME);
  EXPECT_EQ(asked.state(), v1::LINK_STATE_CAPPED);
  EXPECT_TRUE(asked.has_source()) << "an empty source is one too";
  EXPECT_EQ(Run({"--json", "events", "links"}), kOk);
  EXPECT_THAT(out_, HasSubstr("\"link_id\":\"formed:time:1-2#65536-131072\""));
  EXPECT_FALSE(server_.listed_links.at(1).has_source());
  EXPECT_EQ(Run({"events", "correct", "item:1#c4", "--weight", "2.5"}), kOk);
  EXPECT_EQ(server_.corrections.at(0).link_id(), "item:1#c4");
  EXPECT_EQ(server_.corrections.at(0).weight(), 2.5);
  EXPECT_EQ(Run({"events", "correct", "item:1", "--undo"}), kOk);
  EXPECT_TRUE(server_.corrections.at(1).undo());
  EXPECT_EQ(Run({"events", "hold", "--source", "cam-1"}), kOk);
  EXPECT_THAT(out_, HasSubstr("held source: cam-1"));
  EXPECT_EQ(Run({"events", "remove", "--principal", "p"}), kOk);
}

TEST_F(CommandTest, AnItemIsUpdated) {
  EXPECT_EQ(Run({"items", "update", "7", "-m", "lang=fr", "--remove-meta", "draft", "--name", "", "--observed-time",
                 "1000.25"}),
            kOk);
  const v1::UpdateMetadataRequest& request = server_.updates.at(0);
  EXPECT_EQ(request.item_id(), 7u);
  EXPECT_EQ(request.set().at("lang").text(), "fr");
  EXPECT_EQ(request.remove(0), "draft");
  EXPECT_TRUE(request.has_name());
  EXPECT_FALSE(request.has_source());
  EXPECT_EQ(request.observed_time().seconds(), 1000);
  EXPECT_EQ(request.observed_time().nanos(), 250000000);
}

TEST_F(CommandTest, SearchTermsKeepTheirOrderSignAndWeight) {
  const std::string image = Write("a.png", "png");
  EXPECT_EQ(Run({"search",     "--text", "dog",         "--weight", "2",      "--image", image,
                 "--not-text", "cat",    "--weight",    "0.5",      "--text", "bird",    "-k",
                 "3",          "--for",  "video,image", "--group",  "event",  "--where", "lang=fr"}),
            kOk)
      << err_;
  ASSERT_EQ(server_.searches.size(), 1u);
  const v1::SearchRequest& request = server_.searches[0];
  ASSERT_EQ(request.query_size(), 4);
  EXPECT_EQ(request.query(0).content().text(), "dog");
  EXPECT_EQ(request.query(0).weight(), 2);
  EXPECT_EQ(request.query(1).content().data(), "png");
  EXPECT_EQ(request.query(2).content().text(), "cat");
  EXPECT_EQ(request.query(2).weight(), -0.5);
  EXPECT_EQ(request.query(3).content().text(), "bird");
  EXPECT_EQ(request.query(3).weight(), 1);
  EXPECT_EQ(request.k(), 3);
  EXPECT_EQ(request.target_modalities_size(), 2);
  EXPECT_EQ(request.group_by(), v1::GROUP_BY_EVENT);
  EXPECT_EQ(request.filter().condition().field(), "metadata.lang");
}

TEST_F(CommandTest, ALargeQueryIsStreamed) {
  const std::string video = Write("a.mp4", std::string(4 << 20, 'x'));
  EXPECT_EQ(Run({"search", "--video", video}), kOk);
  EXPECT_EQ(server_.large.size(), 4u << 20);
  EXPECT_EQ(server_.searches.at(0).query_size(), 0);
  EXPECT_EQ(Run({"search", "--not-video", video}), kUsage);
}

TEST_F(CommandTest, ATableOfHostileNamesHasNoEscapes) {
  v1::Hit& hit = *server_.hits.add_hits();
  hit.mutable_item()->set_name("evil\033]0;title\007");
  EXPECT_EQ(Run({"search", "--text", "a"}), kOk);
  EXPECT_THAT(out_, HasSubstr("evil?]0;title?"));
  EXPECT_THAT(out_, Not(HasSubstr("\033")));
}

TEST_F(CommandTest, AResultPageEmbedsSmallContentAndNamesLarge) {
  server_.contents[1] = "\x89PNG small";
  for (const uint64_t id : {1, 2}) {
    v1::Hit& hit = *server_.hits.add_hits();
    hit.mutable_item()->set_item_id(id);
    hit.mutable_item()->set_modality(v1::MODALITY_IMAGE);
    hit.mutable_item()->set_size_bytes(id == 1 ? 10 : 100 << 20);
  }
  const std::string page = (folder_ / "page.html").string();
  EXPECT_EQ(Run({"search", "--text", "a", "--html", page}), kOk);
  std::ifstream file(page);
  const std::string html((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  EXPECT_THAT(html, HasSubstr("data:image/png;base64,"));
  EXPECT_THAT(html, HasSubstr("mixmatch download 2"));
}

TEST_F(CommandTest, ADownloadNeverLeavesItsFolderByTheItemsName) {
  server_.contents[1] = "content";
  const fs::path before = fs::current_path();
  fs::current_path(folder_);
  const int code = Run({"download", "1"});
  fs::current_path(before);
  EXPECT_EQ(code, kOk);
  EXPECT_TRUE(fs::exists(folder_ / "item-1"));
  const std::string there = (folder_ / "item-1").string();
  EXPECT_EQ(Run({"download", "1", "-o", there}), kUsage);
  EXPECT_EQ(Run({"download", "1", "-o", there, "--force"}), kOk);
  EXPECT_EQ(Run({"download", "1", "-o", "-"}), kOk);
  EXPECT_EQ(out_, "content");
}

TEST_F(CommandTest, LinkTakesItemsPartsAndWeights) {
  EXPECT_EQ(Run({"link", "--event", "storm", "12:0.5", "part:786433"}), kOk);
  ASSERT_EQ(server_.links.size(), 1u);
  EXPECT_EQ(server_.links[0].event_id(), "storm");
  EXPECT_EQ(server_.links[0].members(0).weight(), 0.5);
  EXPECT_EQ(server_.links[0].members(1).item_id(), 12u);
  EXPECT_EQ(server_.links[0].members(1).part_id(), 786433u);
}

TEST_F(CommandTest, OperationsListsOrActsOnOne) {
  EXPECT_EQ(Run({"admin", "operations"}), kOk);
  EXPECT_EQ(Run({"admin", "operations", "get", "reindex-7"}), kOk);
  EXPECT_THAT(out_, HasSubstr("reindex-7"));
}

TEST_F(CommandTest, ABackupIsWaitedForAndSaysWhatWasCopied) {
  server_.ended.set_kind("backup");
  server_.ended.set_state(v1::OPERATION_STATE_SUCCEEDED);
  server_.ended.mutable_backup()->set_folder("daily");
  server_.ended.mutable_backup()->set_backup_id(3);
  server_.ended.mutable_backup()->set_copied_bytes(2 << 20);
  EXPECT_EQ(Run({"admin", "backup", "--folder", "daily", "--keep", "7"}), kOk);
  ASSERT_EQ(server_.backups.size(), 1u);
  EXPECT_EQ(server_.backups[0].folder(), "daily");
  EXPECT_EQ(server_.backups[0].keep(), 7u);
  EXPECT_THAT(out_, HasSubstr("daily/3"));
  EXPECT_THAT(out_, HasSubstr("2.0 MiB copied"));
  server_.ended.set_state(v1::OPERATION_STATE_FAILED);
  server_.ended.set_error("the disk is full");
  EXPECT_EQ(Run({"admin", "backup"}), kSomeFailed);
  EXPECT_THAT(out_, HasSubstr("the disk is full"));
}

TEST_F(CommandTest, AVerificationExitsWithOneWhereSomethingWasFoundAndNotPutRight) {
  server_.ended.set_kind("verify");
  server_.ended.set_state(v1::OPERATION_STATE_SUCCEEDED);
  EXPECT_EQ(Run({"admin", "verify", "--content"}), kOk);
  EXPECT_TRUE(server_.verifications.back().content());
  EXPECT_THAT(out_, HasSubstr("nothing wrong"));
  v1::Finding& finding = *server_.ended.add_findings();
  finding.set_kind("bad-checksum");
  finding.set_where("store/000012.sst");
  server_.ended.set_findings_total(1);
  EXPECT_EQ(Run({"admin", "verify"}), kSomeFailed);
  EXPECT_THAT(out_, HasSubstr("store/000012.sst"));
  finding.set_repaired(true);
  EXPECT_EQ(Run({"admin", "verify", "--repair"}), kOk);
  EXPECT_TRUE(server_.verifications.back().repair());
  server_.ended.set_findings_total(2000);  // Most of them are not shown.
  EXPECT_EQ(Run({"admin", "verify", "--repair"}), kSomeFailed);
}

TEST_F(CommandTest, AReindexIsAskedForWithItsSourceRateOrWhatItGoesOnWith) {
  EXPECT_EQ(Run({"admin", "reindex", "--source", "tokens", "--modality", "audio", "--rate", "20"}), kOk);
  EXPECT_EQ(server_.reindexes.back().source(), v1::REINDEX_SOURCE_TOKENS);
  EXPECT_EQ(server_.reindexes.back().modality(), v1::MODALITY_AUDIO);
  EXPECT_EQ(server_.reindexes.back().max_parts_per_second(), 20.0);
  EXPECT_EQ(Run({"admin", "reindex", "--resume", "reindex-7"}), kOk);
  EXPECT_EQ(server_.reindexes.back().resume_operation_id(), "reindex-7");
  EXPECT_EQ(server_.reindexes.back().source(), v1::REINDEX_SOURCE_UNSPECIFIED);
  EXPECT_EQ(Run({"admin", "reindex", "--source", "guesses"}), kUsage);
}

TEST_F(CommandTest, ACheckpointIsExportedWholeOrNotAtAllAndImported) {
  const std::string path = (folder_ / "learned").string();
  EXPECT_EQ(Run({"admin", "checkpoint", "export", path}), kOk);
  EXPECT_EQ(Run({"admin", "checkpoint", "import", path, "--no-wait"}), kOk);
  EXPECT_EQ(server_.imported, "weights");
  server_.error = absl::UnavailableError("gone");
  EXPECT_EQ(Run({"admin", "checkpoint", "export", path + "2"}), kUnreachable);
  EXPECT_FALSE(fs::exists(path + "2"));
  EXPECT_FALSE(fs::exists(path + "2.part"));
}

TEST_F(CommandTest, GenerationsArePinnedComparedAndListed) {
  EXPECT_EQ(Run({"admin", "generations", "pin"}), kOk);
  EXPECT_THAT(out_, HasSubstr("pinned"));
  EXPECT_EQ(Run({"admin", "generations", "compare", "3", "7"}), kOk);
  EXPECT_EQ(Run({"admin", "generations", "compare"}), kUsage);
  EXPECT_EQ(Run({"admin", "generations"}), kOk);
  EXPECT_EQ(Run({"admin", "generations", "rollback", "3"}), kOk);
}

TEST_F(CommandTest, RestoreRunsTheServersProgramWithItsArguments) {
  EXPECT_EQ(Run({"admin", "restore", "--backup-dir", "b", "--data-dir", "d"}), kOk);
  EXPECT_THAT(launched_, testing::ElementsAre("mixmatchd", "restore", "--backup-dir", "b", "--data-dir", "d"));
  EXPECT_EQ(Run({"admin", "--help"}), kOk);
  EXPECT_THAT(out_, HasSubstr("restore"));
}

TEST(ProgressLineTest, TellsShareAmountRateAndTimeLeftOnceTheyAreKnown) {
  v1::Operation operation;
  operation.set_kind("reindex");
  EXPECT_EQ(ProgressLine(operation, 0, absl::ZeroDuration()), "[------------------------]   0 %");
  operation.set_total(400);
  operation.set_done(100);
  EXPECT_EQ(ProgressLine(operation, 0, absl::Seconds(2)), "[######------------------]  25 %  100/400  50/s  0:06 left");
  EXPECT_EQ(ProgressLine(operation, 100, absl::Seconds(2)), "[######------------------]  25 %  100/400");
  operation.set_done(500);  // More than was known at the start.
  EXPECT_EQ(ProgressLine(operation, 0, absl::Seconds(1)), "[########################] 100 %  500/400  500/s");
}

TEST_F(CommandTest, CompletionNamesCommandsAndOptionsForEveryShell) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    EXPECT_EQ(Run({"completion", shell}), kOk);
    EXPECT_THAT(out_, HasSubstr("events-from")) << shell;
    EXPECT_THAT(out_, HasSubstr("rollback")) << shell;
    EXPECT_THAT(out_, HasSubstr("plot")) << shell;
    EXPECT_THAT(out_, HasSubstr("train")) << shell;
  }
}

TEST_F(CommandTest, APlotIsWrittenToTheFileOrToStdout) {
  server_.history.add_samples()->set_loss(1.5);
  const std::string page = (folder_ / "plot.html").string();
  EXPECT_EQ(Run({"learn", "plot", "--out", page}), kOk);
  EXPECT_THAT(out_, HasSubstr(page));
  std::ifstream file(page);
  EXPECT_THAT(std::string(std::istreambuf_iterator<char>(file), {}), HasSubstr("<circle class=\"dot loss\""));
  EXPECT_EQ(Run({"learn", "plot", "--out", "-", "--over", "time"}), kOk);
  EXPECT_EQ(out_.rfind("<!DOCTYPE html>", 0), 0u);
  EXPECT_THAT(out_, HasSubstr("time (UTC)"));
  EXPECT_EQ(Run({"learn", "plot", "--out", (folder_ / "none" / "plot.html").string()}), kRefused);
}

TEST_F(CommandTest, APlotOfNothingSaysSoAndWritesNoFile) {
  const std::string page = (folder_ / "plot.html").string();
  EXPECT_EQ(Run({"learn", "plot", "--out", page}), kSomeFailed);
  EXPECT_THAT(err_, HasSubstr("nothing to plot yet"));
  EXPECT_FALSE(fs::exists(page));
  EXPECT_EQ(Run({"--json", "learn", "plot"}), kOk);
  EXPECT_EQ(out_, "");
}

TEST_F(CommandTest, APlotsSamplesAreJsonLines) {
  server_.history.add_samples()->set_steps(20);
  server_.history.add_samples()->set_mark(v1::TRAINING_MARK_PUBLISHED);
  EXPECT_EQ(Run({"learn", "plot", "--json"}), kOk);
  std::istringstream lines(out_);
  std::string first, second, third;
  std::getline(lines, first);
  std::getline(lines, second);
  EXPECT_THAT(first, HasSubstr("\"steps\":\"20\""));
  EXPECT_THAT(second, HasSubstr("TRAINING_MARK_PUBLISHED"));
  EXPECT_FALSE(std::getline(lines, third));
}

TEST_F(CommandTest, AProgramOfItsOwnGetsEveryFurtherArgumentAsItIs) {
  const std::vector<std::string> given = {"--help", "--json", "put", "--", "-x", "", "--server", "a b"};
  for (const char* name : {"train", "shards"}) {
    std::vector<std::string> arguments = {"--server", "train", "--json", name};
    arguments.insert(arguments.end(), given.begin(), given.end());
    EXPECT_EQ(Run(arguments), kOk);
    std::vector<std::string> wanted = given;
    wanted.insert(wanted.begin(), std::string("mixmatch-") + name);
    EXPECT_EQ(launched_, wanted);
  }
  launched_.clear();
  Run({"get", "train"});
  EXPECT_TRUE(launched_.empty()) << "only as the command itself";
}

TEST_F(CommandTest, AProgramThatIsNotThereSaysHowToBuildIt) {
  launch_status_ = absl::NotFoundError("neither here nor there");
  EXPECT_EQ(Run({"train", "--shards", "x"}), kUsage);
  EXPECT_THAT(err_, HasSubstr("deploy/build release mixmatch-train"));
  EXPECT_EQ(Run({"--help"}), kOk);
  EXPECT_THAT(out_, HasSubstr("Train a trunk on prepared shards (runs mixmatch-train)"));
  EXPECT_THAT(out_, HasSubstr("mixmatch-shards"));
}

TEST_F(CommandTest, AProgramIsFoundBesideThisOneFirstThenInThePathAndMustBeExecutable) {
  const std::string beside = Write("bin/mixmatch-x", "");
  const std::string elsewhere = Write("other/mixmatch-x", "");
  const std::string bin = (folder_ / "bin").string(), path = "/nowhere::" + (folder_ / "other").string();
  EXPECT_EQ(FindProgram("mixmatch-x", bin, path), "");
  fs::permissions(elsewhere, fs::perms::owner_exec, fs::perm_options::add);
  EXPECT_EQ(FindProgram("mixmatch-x", bin, path), elsewhere);
  fs::permissions(beside, fs::perms::owner_exec, fs::perm_options::add);
  EXPECT_EQ(FindProgram("mixmatch-x", bin, path), beside);
  EXPECT_EQ(FindProgram("mixmatch-x", bin, ""), beside);
  EXPECT_EQ(FindProgram("mixmatch-y", bin, path), "");
}

TEST_F(CommandTest, ABatchTakesWordsAndJsonAndWhatTheLinesDoNotSayFromTheOptions) {
  const std::string file = Write("queries", "a red fox\n\n{\"query\": [{\"item_id\": 7}], \"k\": 2}\r\n");
  EXPECT_EQ(Run({"search", "--batch", file, "--for", "image", "-k", "5", "--where", "lang=fr", "--group", "part"}), kOk);
  ASSERT_EQ(server_.searches.size(), 2u);
  const v1::SearchRequest &json = server_.searches[0], &words = server_.searches[1];
  EXPECT_EQ(words.query(0).content().text(), "a red fox");
  EXPECT_EQ(words.k(), 5);
  EXPECT_EQ(json.query(0).item_id(), 7u);
  EXPECT_EQ(json.k(), 2);
  for (const v1::SearchRequest& request : {json, words}) {
    ASSERT_EQ(request.target_modalities_size(), 1);
    EXPECT_EQ(request.target_modalities(0), v1::MODALITY_IMAGE);
    EXPECT_EQ(request.filter().condition().field(), "metadata.lang");
    EXPECT_EQ(request.group_by(), v1::GROUP_BY_PART);
  }
}

TEST_F(CommandTest, ABatchIsOneTableInTheOrderOfItsLines) {
  server_.hits.add_hits()->mutable_item()->set_name("hit");
  EXPECT_EQ(Run({"search", "--batch", "-"}, "first\nsecond\n"), kOk);
  EXPECT_THAT(out_, HasSubstr("line  query"));
  EXPECT_LT(out_.find("1     first"), out_.find("2     second"));
  EXPECT_NE(out_.find("2     second"), std::string::npos) << out_;
}

TEST_F(CommandTest, ABatchInJsonIsOneAnswerALineAsTheyCome) {
  EXPECT_EQ(Run({"search", "--batch", "-", "--json"}, "first\nsecond\n"), kOk);
  EXPECT_EQ(out_, "{\"index\":1,\"response\":{}}\n{\"response\":{}}\n");
}

TEST_F(CommandTest, AFailedLineOfABatchIsNamedAndTheOthersAreAnswered) {
  EXPECT_EQ(Run({"search", "--batch", "-"}, "first\n\n{}\n"), kSomeFailed);
  EXPECT_THAT(err_, HasSubstr("line 3: INVALID_ARGUMENT: query: got 0 terms"));
}

TEST_F(CommandTest, HealthIsZeroOrOneWhateverTheReason) {
  EXPECT_EQ(Run({"health"}), kOk);
  EXPECT_EQ(out_, "serving\n");
  server_.error = absl::UnavailableError("it drains");
  EXPECT_EQ(Run({"--json", "health", "mixmatch.v1.SearchService"}), kSomeFailed);
  EXPECT_EQ(out_, "{\"serving\": false}\n");
  EXPECT_THAT(err_, HasSubstr("it drains"));
  server_.error = absl::DeadlineExceededError("no answer");
  EXPECT_EQ(Run({"health"}), kSomeFailed);
}

TEST_F(CommandTest, ABadBatchIsAUsageError) {
  EXPECT_EQ(Run({"search", "--batch", "-"}, "\n \n"), kUsage);
  EXPECT_EQ(Run({"search", "--batch", "-"}, "good\n{\"fly\": 1}\n"), kUsage);
  EXPECT_THAT(err_, HasSubstr("line 2"));
  EXPECT_EQ(Run({"search", "--batch", "/nowhere/at/all"}), kUsage);
  EXPECT_EQ(Run({"search", "--batch", "-", "--text", "x"}, "a\n"), kUsage);
  EXPECT_EQ(Run({"search", "--batch", "-", "--html", "x"}, "a\n"), kUsage);
  EXPECT_TRUE(server_.searches.empty());
}

TEST_F(CommandTest, ATokenIsReadFromAFileOrTheEnvironmentAndNeverFromTheCommandLine) {
  const std::string file = Write("ann.token", "mm_from-the-file\n");
  EXPECT_EQ(Run({"--token-file", file, "learn", "status"}), kOk) << err_;
  EXPECT_EQ(credentials_.token, "mm_from-the-file");
  ASSERT_EQ(setenv("MIXMATCH_TOKEN", "mm_from-the-environment", 1), 0);
  EXPECT_EQ(Run({"learn", "status"}), kOk) << err_;
  EXPECT_EQ(credentials_.token, "mm_from-the-environment");
  EXPECT_EQ(Run({"--token-file", file, "learn", "status"}), kOk) << err_;
  EXPECT_EQ(credentials_.token, "mm_from-the-file");
  unsetenv("MIXMATCH_TOKEN");
  EXPECT_EQ(Run({"--token", "mm_on-the-command-line", "learn", "status"}), kUsage);
  EXPECT_EQ(Run({"--token-file", file + "x", "learn", "status"}), kUsage);
  EXPECT_THAT(err_, HasSubstr("--token-file"));
}

TEST_F(CommandTest, ATokenDoesNotGoToAnotherMachineUnencrypted) {
  const std::string file = Write("ann.token", "mm_secret");
  const std::vector<std::string> call = {"--server", "search.example.org:7411", "--token-file", file, "learn", "status"};
  EXPECT_EQ(Run(call), kUsage);
  EXPECT_THAT(err_, HasSubstr("--tls"));
  EXPECT_THAT(err_, Not(HasSubstr("mm_secret")));
  for (const char* flag : {"--tls", "--insecure-token"}) {
    std::vector<std::string> arguments = call;
    arguments.insert(arguments.begin(), flag);
    EXPECT_EQ(Run(arguments), kOk) << err_;
    EXPECT_EQ(credentials_.token, "mm_secret");
  }
}

TEST_F(CommandTest, ANewTokensSecretAloneIsOnStdout) {
  EXPECT_EQ(Run({"admin", "tokens", "create", "ann", "--expires-days", "30"}), kOk) << err_;
  EXPECT_EQ(out_, "mm_0123456789ab_secret\n");
  EXPECT_THAT(err_, HasSubstr("0123456789ab of user ann"));
  EXPECT_THAT(err_, Not(HasSubstr("secret\n")));
}

TEST_F(CommandTest, PuttingAUserChangesOnlyWhatIsGiven) {
  EXPECT_EQ(Run({"admin", "users", "put", "ann"}), kUsage);
  EXPECT_EQ(Run({"admin", "users", "put", "ann", "--roles", "read,swim"}), kUsage);
  EXPECT_EQ(Run({"admin", "users", "put", "ann", "--roles", "read,learn", "--stored-bytes", "7"}), kOk) << err_;
  EXPECT_EQ(server_.users.back().roles_size(), 2);
  EXPECT_EQ(Run({"admin", "users", "put", "ann", "--disable"}), kOk) << err_;
  EXPECT_TRUE(server_.users.back().disabled());
  EXPECT_EQ(server_.users.back().roles_size(), 2);
  EXPECT_EQ(server_.users.back().limits().stored_bytes(), 7);
}

TEST_F(CommandTest, AServerThatWantsATokenIsARefusalThatSaysWhatToGive) {
  server_.error = absl::UnauthenticatedError("authorization: users alone");
  EXPECT_EQ(Run({"learn", "status"}), kRefused);
  EXPECT_THAT(err_, HasSubstr("--token-file"));
}

}  // namespace
}  // namespace mixmatch::client
