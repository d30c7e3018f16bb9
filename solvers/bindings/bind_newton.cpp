// Moving neurons: the matrix of a Newton step, and how far a step may go.
#include "common.hpp"
#include "convexnn/newton.hpp"
#include "convexnn/reach.hpp"

using Block = nb::ndarray<const double, nb::ndim<3>, nb::c_contig, nb::device::cpu>;

void bind_newton(nb::module_& m) {
    m.def(
        "newton_matrix",
        [](Matrix gram, IntVector starts, Vector unit, Vector lengths, double beta, Matrix border, Matrix corner,
           double unseen, OutMatrix H, OutVector scale) {
            const std::size_t total = gram.shape(0), c = corner.shape(0), blocks = lengths.shape(0), size = total + c;
            if (gram.shape(1) != total || unit.shape(0) != total || border.shape(0) != total || border.shape(1) != c ||
                corner.shape(1) != c || H.shape(0) != size || H.shape(1) != size || scale.shape(0) != size)
                throw nb::value_error("shapes must be gram (m, m), unit (m,), border (m, c), corner (c, c), H (m + c, m + c)");
            if (starts.shape(0) != blocks + 1) throw nb::value_error("starts must have one entry more than lengths");
            const std::int64_t* at = starts.data();
            for (std::size_t k = 0; k < blocks; ++k)
                if (at[k] < 0 || at[k] > at[k + 1] || static_cast<std::size_t>(at[k + 1]) > total)
                    throw nb::index_error("starts must not decrease, from 0 to the size of gram");
            nb::gil_scoped_release nogil;
            convexnn::newton_matrix(gram.data(), total, at, blocks, unit.data(), lengths.data(), beta, border.data(),
                                    corner.data(), c, unseen, H.data(), scale.data());
        },
        nb::arg("gram").noconvert(), nb::arg("starts").noconvert(), nb::arg("unit").noconvert(),
        nb::arg("lengths").noconvert(), nb::arg("beta"), nb::arg("border").noconvert(), nb::arg("corner").noconvert(),
        nb::arg("unseen"), nb::arg("H").noconvert(), nb::arg("scale").noconvert());
    m.def(
        "face_reach",
        [](Block block, IntVector places, Matrix a, Matrix d, OutVector steps, OutIntVector rows,
           double deadline) {
            const std::size_t count = places.shape(0);
            if (a.shape(0) != count || d.shape(0) != count || steps.shape(0) != count || rows.shape(0) != count)
                throw nb::value_error("places, a, d, steps and rows must have one entry per neuron");
            if (a.shape(1) != d.shape(1) || a.shape(1) > block.shape(1))
                throw nb::value_error("a and d must have the same number of coordinates, no more than the block");
            for (std::size_t k = 0; k < count; ++k)
                if (places.data()[k] < 0 || static_cast<std::size_t>(places.data()[k]) >= block.shape(0))
                    throw nb::index_error("a place lies outside the block");
            convexnn::StopCheck stop = stop_after(deadline);
            std::size_t done;
            {
                nb::gil_scoped_release nogil;
                done = convexnn::face_reach(block.data(), block.shape(1), block.shape(2), places.data(), a.data(),
                                            d.data(), count, a.shape(1), steps.data(), rows.data(), stop);
            }
            raise_signal(stop);
            return done;
        },
        nb::arg("block").noconvert(), nb::arg("places").noconvert(), nb::arg("a").noconvert(),
        nb::arg("d").noconvert(), nb::arg("steps").noconvert(), nb::arg("rows").noconvert(),
        nb::arg("deadline") = kNever, "Number of neurons done; the others may not move (steps 0, rows -1).");
}
