// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/: between the shapes that people know and the models' own parameters.
#include "kernels/image/psf_levenberg.hpp"

namespace hci::psf {

std::array<double, kMost> parameters_of(const PsfShape& shape);
PsfFit fit_of(PsfModel model, const FitRecord& record);

}  // namespace hci::psf
