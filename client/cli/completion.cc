#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/command.h"

namespace mixmatch::client {
namespace {

// A command and all below it, by the words that lead to it.
struct Node {
  std::string words;  // "", "put", "admin operations", ...
  std::vector<std::string> commands;
  std::vector<std::string> options;
};

void Walk(const CLI::App& app, const std::string& words, std::vector<Node>& nodes) {
  Node node;
  node.words = words;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    node.commands.push_back(command->get_name());
  }
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) node.options.push_back("--" + name);
    for (const std::string& name : option->get_snames()) node.options.push_back("-" + name);
  }
  nodes.push_back(node);
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    Walk(*command, words.empty() ? command->get_name() : words + " " + command->get_name(), nodes);
  }
}

std::string Bash(const std::vector<Node>& nodes) {
  std::string script =
      "_mixmatch() {\n"
      "  local current=\"${COMP_WORDS[COMP_CWORD]}\" path=\"\" word\n"
      "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
      "    case \"$path $word\" in\n";
  for (const Node& node : nodes) {
    if (!node.words.empty()) absl::StrAppend(&script, "      \" ", node.words, "\") path=\" ", node.words, "\" ;;\n");
  }
  absl::StrAppend(&script, "    esac\n  done\n  local words=\"\"\n  case \"$path\" in\n");
  for (const Node& node : nodes) {
    absl::StrAppend(&script, "    \"", node.words.empty() ? "" : " ", node.words, "\") words=\"",
                    absl::StrJoin(node.commands, " "), node.commands.empty() ? "" : " ",
                    absl::StrJoin(node.options, " "), "\" ;;\n");
  }
  absl::StrAppend(&script,
                  "  esac\n"
                  "  COMPREPLY=($(compgen -W \"$words --server --timeout --json --token-file --tls --tls-ca --tls-cert --tls-key --tls-server-name --help\" -- \"$current\"))\n"
                  "  if [[ $current != -* && $path != \"\" ]]; then COMPREPLY+=($(compgen -f -- \"$current\")); fi\n"
                  "}\n"
                  "complete -o filenames -F _mixmatch mixmatch\n");
  return script;
}

std::string Fish(const std::vector<Node>& nodes) {
  std::string script;
  for (const Node& node : nodes) {
    std::string when = "__fish_use_subcommand";
    if (!node.words.empty()) {
      const std::vector<std::string> words = CLI::detail::split(node.words, ' ');
      when = "__fish_seen_subcommand_from " + absl::StrJoin(words, "; and __fish_seen_subcommand_from ");
    }
    for (const std::string& name : node.commands) {
      absl::StrAppend(&script, "complete -c mixmatch -n '", when, "' -a ", name, "\n");
    }
    for (const std::string& name : node.options) {
      const bool is_long = name.rfind("--", 0) == 0;
      absl::StrAppend(&script, "complete -c mixmatch -n '", when, "' ", is_long ? "-l " : "-s ",
                      name.substr(is_long ? 2 : 1), "\n");
    }
  }
  return script;
}

}  // namespace

void AddCompletion(CLI::App& app, Session& session) {
  CLI::App* completion = app.add_subcommand("completion", "Print a shell's completion script");
  const auto shell = std::make_shared<std::string>();
  completion->add_option("shell", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  completion->footer("Examples:\n  source <(mixmatch completion bash)\n  mixmatch completion fish | source");
  completion->callback([&app, &session, shell] {
    session.action = [&app, &session, shell] {
      std::vector<Node> nodes;
      Walk(app, "", nodes);
      if (*shell == "fish") {
        session.out() << Fish(nodes);
      } else {
        session.out() << (*shell == "zsh" ? "autoload -U +X bashcompinit && bashcompinit\n" : "") << Bash(nodes);
      }
      return static_cast<int>(kOk);
    };
  });
}

}  // namespace mixmatch::client
