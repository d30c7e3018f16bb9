// Binding of the two-dimensional oracle by bounds on sectors.
#include <tuple>

#include <nanobind/stl/tuple.h>

#include "common.hpp"
#include "convexnn/sectors.hpp"

using convexnn::SectorOracle;

void bind_sectors(nb::module_& m) {
    nb::class_<SectorOracle>(m, "SectorOracle")
        .def(
            "__init__",
            [](SectorOracle* self, Matrix points, std::size_t sectors, std::size_t memory) {
                if (points.shape(1) != 2) throw nb::value_error("points must have two columns");
                if (points.shape(0) < 1 || sectors < 2) throw nb::value_error("a sample and two sectors are needed");
                new (self) SectorOracle(points.data(), points.shape(0), sectors, memory);
            },
            nb::arg("points").noconvert(), nb::arg("sectors"), nb::arg("memory"))
        .def(
            "price",
            [](SectorOracle& self, Vector v, double floor, unsigned threads, OutVector value, OutIntMatrix rows,
               OutMatrix normal, double deadline) -> std::tuple<std::size_t, double, double, bool> {
                const std::size_t limit = value.shape(0);
                if (v.shape(0) != self.size() || rows.shape(0) != limit || rows.shape(1) != 2 ||
                    normal.shape(0) != limit || normal.shape(1) != 2)
                    throw nb::value_error("an array has the wrong shape");
                convexnn::StopCheck stop = stop_after(deadline);
                convexnn::SectorAnswer answer;
                {
                    nb::gil_scoped_release nogil;
                    answer = self.price({v.data(), floor, limit, threads}, stop);
                }
                raise_signal(stop);
                for (std::size_t k = 0; k < answer.neurons.size(); ++k) {
                    const convexnn::SectorNeuron& one = answer.neurons[k];
                    value.data()[k] = one.value;
                    rows.data()[2 * k] = static_cast<std::int64_t>(one.pivot), rows.data()[2 * k + 1] = one.row;
                    normal.data()[2 * k] = one.wx, normal.data()[2 * k + 1] = one.wy;
                }
                return {answer.neurons.size(), answer.strongest, answer.above, answer.complete};
            },
            nb::arg("v").noconvert(), nb::arg("floor"), nb::arg("threads"), nb::arg("value").noconvert(),
            nb::arg("rows").noconvert(), nb::arg("normal").noconvert(), nb::arg("deadline") = kNever,
            "Number of neurons found, the largest response met, a bound on all, and whether all was priced.")
        .def_prop_ro("keeps_orders", &SectorOracle::keeps_orders);
}
