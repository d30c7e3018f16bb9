// Bindings of the one-dimensional kernels.
#include <nanobind/stl/optional.h>

#include "common.hpp"
#include "convexnn/line.hpp"

namespace {

convexnn::LineData line_data(const Vector& x, const Vector& y, const std::optional<Vector>& w) {
    if (x.shape(0) == 0 || y.shape(0) != x.shape(0) || (w && w->shape(0) != x.shape(0)))
        throw nb::value_error("x, y and w must have the same length, at least one");
    return {x.data(), y.data(), w ? w->data() : nullptr, x.shape(0)};
}

void check_knots(const IntVector& knots, std::size_t n) {
    std::int64_t last = -1;
    for (std::size_t k = 0; k < knots.shape(0); ++k) {
        if (knots(k) <= last || knots(k) >= static_cast<std::int64_t>(n))
            throw nb::value_error("knots must be increasing sample indices");
        last = knots(k);
    }
}

}  // namespace

void bind_line(nb::module_& m) {
    m.def(
        "line_compress",
        [](Vector x, Vector y, std::optional<Vector> w, IntVector knots, OutMatrix rows,
           double deadline) {
            const auto data = line_data(x, y, w);
            check_knots(knots, data.n);
            if (rows.shape(0) != 2 * (knots.shape(0) + 1) || rows.shape(1) != 3)
                throw nb::value_error("rows must have shape (2 (m + 1), 3)");
            convexnn::StopCheck stop = stop_after(deadline);
            double rest;
            {
                nb::gil_scoped_release nogil;
                rest = convexnn::line_compress(data, knots.data(), knots.shape(0), rows.data(), stop);
            }
            raise_signal(stop);
            return rest;
        },
        nb::arg("x").noconvert(), nb::arg("y").noconvert(), nb::arg("w").noconvert().none(),
        nb::arg("knots").noconvert(), nb::arg("rows").noconvert(), nb::arg("deadline") = kNever,
        "The loss that no line removes; nan if the deadline came first.");
    m.def(
        "line_price",
        [](Vector x, Vector y, std::optional<Vector> w, IntVector knots, Vector origins, Vector values, Vector slopes,
           OutMatrix extremes, OutIntMatrix where, OutVector totals, double deadline) {
            const auto data = line_data(x, y, w);
            check_knots(knots, data.n);
            const std::size_t segments = knots.shape(0) + 1;
            if (origins.shape(0) != segments || values.shape(0) != segments || slopes.shape(0) != segments ||
                extremes.shape(0) != segments || extremes.shape(1) != 2 || where.shape(0) != segments ||
                where.shape(1) != 2 || totals.shape(0) != 3)
                throw nb::value_error("an array has the wrong shape");
            convexnn::StopCheck stop = stop_after(deadline);
            double loss;
            {
                nb::gil_scoped_release nogil;
                loss = convexnn::line_price(data, knots.data(), knots.shape(0), origins.data(), values.data(),
                                            slopes.data(), extremes.data(), where.data(), totals.data(), stop);
            }
            raise_signal(stop);
            return loss;
        },
        nb::arg("x").noconvert(), nb::arg("y").noconvert(), nb::arg("w").noconvert().none(),
        nb::arg("knots").noconvert(), nb::arg("origins").noconvert(), nb::arg("values").noconvert(),
        nb::arg("slopes").noconvert(), nb::arg("extremes").noconvert(), nb::arg("where").noconvert(),
        nb::arg("totals").noconvert(), nb::arg("deadline") = kNever,
        "The squared loss; nan if the deadline came first.");
}
