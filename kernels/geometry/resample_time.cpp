// SPDX-License-Identifier: MIT
#include "kernels/geometry/resample_time.hpp"

#include <algorithm>
#include <numeric>

#include "kernels/core/error.hpp"

namespace hci {

void subsample(Exec& exec, Cube<const float> in, index_t group, const CollapseOptions& options, Cube<float> out) {
  require(group >= 1 && group <= in.extent(0), "subsample: groups of ", group, " frames, of ", in.extent(0));
  require(out.extent(0) == in.extent(0) / group && out.extent(1) == in.extent(1) && out.extent(2) == in.extent(2),
          "subsample: ", in.extent(0) / group, " frames of ", in.extent(1), " x ", in.extent(2),
          " are made, the output is ", out.extent(0), " x ", out.extent(1), " x ", out.extent(2));
  for (index_t i = 0; i < out.extent(0); ++i) collapse(exec, slice(in, i * group, group), options, out[i]);
}

std::vector<double> subsample(const std::vector<double>& values, index_t group, Collapse mode) {
  require(group >= 1, "subsample: groups of ", group, " values");
  std::vector<double> out;
  for (auto first = values.begin(); values.end() - first >= group; first += group) {
    std::vector<double> some(first, first + group);
    if (mode == Collapse::median) {
      std::sort(some.begin(), some.end());
      const auto middle = some.begin() + group / 2;
      out.push_back(group % 2 == 1 ? *middle : (*(middle - 1) + *middle) / 2);
    } else {
      out.push_back(std::accumulate(some.begin(), some.end(), 0.0) / double(group));
    }
  }
  return out;
}

}  // namespace hci
