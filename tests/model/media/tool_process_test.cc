#include "model/media/tool_process.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "absl/time/clock.h"

namespace mixmatch::model {
namespace {

using ::testing::HasSubstr;

struct Ran {
  absl::StatusOr<ToolEnd> end;
  std::string output;
};

Ran RunOn(const std::string& program, const std::vector<std::string>& arguments, const std::string& content = "x",
          const ToolLimits& limits = {}) {
  const int in = memfd_create("in", MFD_CLOEXEC), out = memfd_create("out", MFD_CLOEXEC);
  EXPECT_EQ(write(in, content.data(), content.size()), static_cast<ssize_t>(content.size()));
  Ran ran = {RunTool(MIXMATCH_TOOL, program, arguments, in, out, limits), ""};
  ran.output.resize(1 << 16);
  ran.output.resize(static_cast<size_t>(pread(out, ran.output.data(), ran.output.size(), 0)));
  close(in);
  close(out);
  return ran;
}

TEST(ToolProcessTest, AToolReadsTheContentAndItsOutputIsKept) {
  const Ran ran = RunOn("/usr/bin/tr", {"a-z", "A-Z"}, "crow");
  ASSERT_TRUE(ran.end.ok()) << ran.end.status();
  EXPECT_EQ(ran.end->exit_code, 0) << ran.end->last_words;
  EXPECT_EQ(ran.output, "CROW");
}

TEST(ToolProcessTest, AToolReadsNothingButWhatIsInstalled) {
  for (const char* path : {"/etc/passwd", "/proc/self/environ", "/tmp", "/root"}) {
    const Ran ran = RunOn("/usr/bin/head", {"-c", "1", path});
    ASSERT_TRUE(ran.end.ok()) << ran.end.status();
    EXPECT_NE(ran.end->exit_code, 0) << path;
    EXPECT_EQ(ran.output, "") << path;
  }
}

TEST(ToolProcessTest, AToolWritesNoFile) {
  const Ran ran = RunOn("/usr/bin/tee", {testing::TempDir() + "/written-by-a-tool"});
  ASSERT_TRUE(ran.end.ok()) << ran.end.status();
  EXPECT_NE(ran.end->exit_code, 0);
  EXPECT_NE(access((testing::TempDir() + "/written-by-a-tool").c_str(), F_OK), 0);
}

TEST(ToolProcessTest, AToolHasNoNetworkAndStartsNoProcess) {
  const char kScript[] =
      "import socket\ntry: socket.socket()\nexcept OSError as e: print('socket', e.errno)\n"
      "import os\ntry: os.fork()\nexcept OSError as e: print('fork', e.errno)\n";
  const Ran ran = RunOn("/usr/bin/python3", {"-I", "-S", "-c", kScript});
  ASSERT_TRUE(ran.end.ok()) << ran.end.status();
  EXPECT_EQ(ran.output, "socket 13\nfork 13\n") << ran.end->last_words;
}

TEST(ToolProcessTest, AToolInheritsNoEnvironment) {
  const Ran ran = RunOn("/usr/bin/env", {});
  ASSERT_TRUE(ran.end.ok()) << ran.end.status();
  EXPECT_EQ(ran.output, "");
}

TEST(ToolProcessTest, OutputBeyondTheLimitEndsTheTool) {
  ToolLimits limits;
  limits.max_output_bytes = 1000;
  EXPECT_EQ(RunOn("/usr/bin/yes", {}, "x", limits).end.status().code(), absl::StatusCode::kResourceExhausted);
}

TEST(ToolProcessTest, TheDeadlineEndsTheTool) {
  ToolLimits limits;
  limits.deadline = absl::Now() + absl::Milliseconds(200);
  EXPECT_EQ(RunOn("/usr/bin/sleep", {"1000"}, "x", limits).end.status().code(), absl::StatusCode::kResourceExhausted);
}

TEST(ToolProcessTest, MemoryAndProcessorTimeAreBounded) {
  ToolLimits limits;
  limits.max_memory_bytes = 200 << 20;
  const Ran hungry = RunOn("/usr/bin/python3", {"-I", "-S", "-c", "x = bytearray(400 << 20)"}, "x", limits);
  ASSERT_TRUE(hungry.end.ok()) << hungry.end.status();
  EXPECT_THAT(hungry.end->last_words, HasSubstr("MemoryError"));
  limits.max_cpu_seconds = 1;
  const Ran busy = RunOn("/usr/bin/python3", {"-I", "-S", "-c", "while True: pass"}, "x", limits);
  ASSERT_TRUE(busy.end.ok()) << busy.end.status();
  EXPECT_GE(busy.end->exit_code, 128);
}

TEST(ToolProcessTest, AMissingProgramIsSaid) {
  EXPECT_EQ(RunOn("/usr/bin/no-such-program", {}).end.status().code(), absl::StatusCode::kUnimplemented);
}

}  // namespace
}  // namespace mixmatch::model
