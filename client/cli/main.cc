#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "client/cli/command.h"

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  const char* no_color = std::getenv("NO_COLOR");
  const bool out_is_terminal = isatty(STDOUT_FILENO) == 1;
  const bool color = out_is_terminal && (no_color == nullptr || *no_color == '\0');
  return mixmatch::client::Run(std::vector<std::string>(argv, argv + argc),
                               {std::cin, std::cout, std::cerr, out_is_terminal, isatty(STDERR_FILENO) == 1, color});
}
