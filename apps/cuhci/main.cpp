// SPDX-License-Identifier: MIT
#include "apps/cuhci/cli.hpp"

int main(int argc, char** argv) {
  using namespace hci::app;
  return run_program(argc, argv, {devices_command()});
}
