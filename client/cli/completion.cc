// mixmatch completion: scripts for shells, made from the commands themselves.
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/cli.h"

namespace mixmatch::client {
namespace {

std::string Words(const CLI::App& app) {
  std::vector<std::string> words;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) words.push_back(sub->get_name());
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) words.push_back("--" + name);
  }
  return absl::StrJoin(words, " ");
}

// One case a command, by the words typed so far.
void Cases(const CLI::App& app, const std::string& path, std::string& cases) {
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    const std::string below = path.empty() ? sub->get_name() : absl::StrCat(path, " ", sub->get_name());
    absl::StrAppend(&cases, "    '", below, "') words='", Words(*sub), "' ;;\n");
    Cases(*sub, below, cases);
  }
}

std::string Bash(const CLI::App& app) {
  std::string cases;
  Cases(app, "", cases);
  return absl::StrCat(
      "_mixmatch() {\n  local words path='' word\n"
      "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do case $word in -*) ;; *) path=\"${path:+$path }$word\" ;; esac; done\n"
      "  words='", Words(app), "'\n  case $path in\n", cases, "  esac\n",
      "  COMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\") $(compgen -f -- \"${COMP_WORDS[COMP_CWORD]}\"))\n"
      "}\ncomplete -o filenames -F _mixmatch mixmatch\n");
}

}  // namespace

void AddCompletion(CLI::App& app, Context& context) {
  auto shell = std::make_shared<std::string>("bash");
  CLI::App* completion = app.add_subcommand("completion", "Print a completion script for a shell");
  completion->add_option("shell", *shell, "bash, zsh or fish")->check(CLI::IsMember({"bash", "zsh", "fish"}))->capture_default_str();
  completion->footer("Example:\n  source <(mixmatch completion bash)");
  completion->callback([&app, &context, shell] {
    if (*shell == "zsh") std::printf("autoload -U +X bashcompinit && bashcompinit\n");
    if (*shell != "fish") {
      std::printf("%s", Bash(app).c_str());
    } else {
      for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
        std::printf("complete -c mixmatch -n __fish_use_subcommand -a %s -d '%s'\n", sub->get_name().c_str(),
                    sub->get_description().c_str());
      }
    }
    context.exit_code = kOk;
  });
}

}  // namespace mixmatch::client
