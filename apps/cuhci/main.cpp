// SPDX-License-Identifier: MIT
#include "apps/cuhci/cli.hpp"

int main(int argc, char** argv) {
  using namespace hci::app;
  return run_program(argc, argv,
                     {reduce_command(), snr_command(), simulate_command(), info_command(), devices_command()});
}
