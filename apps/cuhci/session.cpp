// SPDX-License-Identifier: MIT
#include "apps/cuhci/session.hpp"

#include <cstdio>

namespace hci::app {
namespace {

RunOptions run_options(Settings& given) {
  RunOptions options;
  given.apply(options);
  return options;
}

std::string output_folder(Settings& given, const std::string& subcommand) {
  std::string output;
  require(given.take("output", output), "-o is missing: the folder for the products");
  given.require_all_used("no setting of " + subcommand);
  return output;
}

}  // namespace

void declare_session(Flags& flags, const std::string& output_help) {
  flags.option("output", output_help + "; required", "", false, "-o");
  flags.group("Run");
  flags.fields(RunOptions{});
}

Session::Session(Flags& flags, const std::string& subcommand, std::vector<std::string> products,
                 const std::vector<std::string>& inputs)
    : options(run_options(flags.settings())),
      progress(progress_style(options)),
      log([this, to = make_log(options)](LogLevel level, const std::string& message) {
        progress.interrupt();
        to(level, message);
      }),
      exec(make_exec(options, log)),
      folder(output_folder(flags.settings(), subcommand)),
      products_(std::move(products)) {
  folder.keep_apart(products_, inputs);
  folder.require_own(products_);
}

int Session::finish(const std::string& summary, const std::function<void()>& tell) {
  progress.finish();
  folder.commit(products_);
  if (options.json) {
    std::printf("%s\n", summary.c_str());
    return kDone;
  }
  tell();
  std::printf("Wrote %s\n", folder.path().c_str());
  return kDone;
}

}  // namespace hci::app
