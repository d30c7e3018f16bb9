// Array types and signal handling shared by the bindings.
#pragma once

#include <cmath>

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include "convexnn/interrupt.hpp"

namespace nb = nanobind;

using Matrix = nb::ndarray<const double, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Vector = nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using IntMatrix = nb::ndarray<const int64_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using IntVector = nb::ndarray<const int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using OutMatrix = nb::ndarray<double, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using OutVector = nb::ndarray<double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using OutIntMatrix = nb::ndarray<int64_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using OutIntVector = nb::ndarray<int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using OutBytes = nb::ndarray<uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

// Kernels run without the interpreter lock; this takes it for a moment to see whether a signal waits.
// The Python error stays set, so the binding must call raise_signal() after the kernel returned.
inline bool signal_pending() {
    nb::gil_scoped_acquire lock;
    return PyErr_CheckSignals() != 0;
}

// What a kernel asks whether to stop. deadline: seconds from now on, infinity for none.
inline convexnn::StopCheck stop_after(double deadline) {
    if (std::isnan(deadline)) throw nb::value_error("deadline must be a number of seconds, infinite for none");
    return convexnn::StopCheck(deadline, signal_pending);
}

// After a kernel has returned, with the interpreter's lock: the exception of the signal that stopped it, if any.
inline void raise_signal(const convexnn::StopCheck& stop) {
    if (stop.signalled()) throw nb::python_error();
}

// Slope of the inactive side of the activation.
inline double checked_slope(double slope) {
    if (!std::isfinite(slope)) throw nb::value_error("slope must be a finite number");
    return slope;
}

constexpr double kNever = convexnn::StopCheck::kNever;
