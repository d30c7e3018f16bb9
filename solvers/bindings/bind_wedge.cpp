// Wedge products: hyperplanes through subsets of rows, their responses and correlations.
#include <nanobind/stl/pair.h>

#include <stdexcept>

#include "common.hpp"
#include "convexnn/wedge.hpp"

using namespace nb::literals;

namespace {

using OutCube = nb::ndarray<double, nb::ndim<3>, nb::c_contig, nb::device::cpu>;

void require(bool ok, const char* message) {
    if (!ok) throw std::invalid_argument(message);
}

convexnn::RowSet row_set(const Matrix& rows, int64_t n_points, bool affine) {
    const auto n_rows = static_cast<int64_t>(rows.shape(0)), dim = static_cast<int64_t>(rows.shape(1));
    require(dim >= 1, "rows: at least one column is needed");
    require(n_points >= 0 && n_points <= n_rows, "n_points: must lie between 0 and the number of rows");
    return {rows.data(), n_rows, n_points, dim, affine};
}

convexnn::Tolerance make_tolerance(double same, double noise, double blade) { return {same, noise, blade}; }

void check_subset(const int64_t* subset, const convexnn::RowSet& set) {
    const int64_t size = set.subset_size();
    for (int64_t j = 0; j < size; ++j)
        require(subset[j] < set.n_rows && subset[j] > (j ? subset[j - 1] : -1),
                "subsets: row indices must be increasing and inside the rows");
    require(!set.affine || subset[0] < set.n_points, "subsets: the first row of an affine subset must be a point");
}

std::pair<int64_t, bool> enumerate(Matrix rows, int64_t n_points, bool affine, bool l1, double same, double noise, double blade,
                  OutIntVector first, OutMatrix normals, OutVector offsets, OutIntMatrix generators, double deadline) {
    const auto set = row_set(rows, n_points, affine);
    const auto size = static_cast<size_t>(set.subset_size());
    const size_t count = offsets.shape(0);
    require(first.shape(0) == size, "first: length must be the subset size");
    require(normals.shape(0) == count && normals.shape(1) == rows.shape(1), "normals: shape must be (count, dim)");
    require(generators.shape(0) == count && generators.shape(1) == size, "generators: shape must be (count, subset size)");
    if (size > rows.shape(0)) return {0, true};
    check_subset(first.data(), set);
    convexnn::StopCheck stop = stop_after(deadline);
    int64_t kept;
    {
        nb::gil_scoped_release nogil;
        kept = convexnn::enumerate_wedges(set, make_tolerance(same, noise, blade), l1, first.data(),
                                          static_cast<int64_t>(count), normals.data(), offsets.data(),
                                          generators.data(), stop);
    }
    raise_signal(stop);
    return {kept, !stop.stopped()};
}

int64_t make(Matrix rows, int64_t n_points, bool affine, bool l1, double same, double noise, double blade,
          IntMatrix subsets, OutMatrix normals, OutVector offsets, OutBytes valid, double deadline) {
    const auto set = row_set(rows, n_points, affine);
    const size_t m = subsets.shape(0);
    require(static_cast<int64_t>(subsets.shape(1)) == set.subset_size(), "subsets: width must be the subset size");
    require(normals.shape(0) == m && normals.shape(1) == rows.shape(1), "normals: shape must be (m, dim)");
    require(offsets.shape(0) == m && valid.shape(0) == m, "offsets, valid: length must be the number of subsets");
    for (size_t j = 0; j < m; ++j) check_subset(subsets.data() + j * subsets.shape(1), set);
    convexnn::StopCheck stop = stop_after(deadline);
    int64_t done;
    {
        nb::gil_scoped_release nogil;
        done = convexnn::make_wedges(set, make_tolerance(same, noise, blade), l1, subsets.data(),
                                     static_cast<int64_t>(m), normals.data(), offsets.data(), valid.data(), stop);
    }
    raise_signal(stop);
    return done;
}

void check_atoms(const Matrix& points, const Matrix& normals, const Vector& offsets) {
    require(normals.shape(1) == points.shape(1), "normals: must have as many columns as points");
    require(offsets.shape(0) == normals.shape(0), "offsets: one per normal");
}

int64_t responses(Matrix points, Matrix normals, Vector offsets, OutMatrix out, double deadline) {
    check_atoms(points, normals, offsets);
    require(out.shape(0) == normals.shape(0) && out.shape(1) == points.shape(0), "out: shape must be (m, n)");
    convexnn::StopCheck stop = stop_after(deadline);
    int64_t done;
    {
        nb::gil_scoped_release nogil;
        done = convexnn::wedge_responses(points.data(), points.shape(0), points.shape(1), normals.data(),
                                         offsets.data(), normals.shape(0), out.data(), stop);
    }
    raise_signal(stop);
    return done;
}

int64_t correlate(Matrix points, Matrix normals, Vector offsets, Matrix v, OutCube out, unsigned threads, double slope,
                  double deadline) {
    check_atoms(points, normals, offsets);
    require(v.shape(0) == points.shape(0), "v: one row per point");
    require(out.shape(0) == normals.shape(0) && out.shape(1) == 2 && out.shape(2) == v.shape(1),
            "out: shape must be (m, 2, c)");
    checked_slope(slope);
    convexnn::StopCheck stop = stop_after(deadline);
    int64_t done;
    {
        nb::gil_scoped_release nogil;
        done = convexnn::correlate_wedges(points.data(), points.shape(0), points.shape(1), normals.data(),
                                          offsets.data(), normals.shape(0), v.data(), v.shape(1), slope, threads,
                                          out.data(), stop);
    }
    raise_signal(stop);
    return done;
}

}  // namespace

void bind_wedge(nb::module_& m) {
    m.def("enumerate_wedges", &enumerate, "rows"_a.noconvert(), "n_points"_a, "affine"_a, "l1"_a, "same"_a, "noise"_a,
          "blade"_a, "first"_a.noconvert(), "normals"_a.noconvert(), "offsets"_a.noconvert(),
          "generators"_a.noconvert(), "deadline"_a = kNever,
          "Canonical hyperplanes of the subsets from `first` on, in lexicographic order. Returns how many were kept, and "
          "whether this is all; if not, `first` is the subset to go on with.");
    m.def("make_wedges", &make, "rows"_a.noconvert(), "n_points"_a, "affine"_a, "l1"_a, "same"_a, "noise"_a, "blade"_a,
          "subsets"_a.noconvert(), "normals"_a.noconvert(), "offsets"_a.noconvert(), "valid"_a.noconvert(),
          "deadline"_a = kNever,
          "Hyperplanes of given subsets; `valid` is 0 where the rows are dependent. Returns how many were made; the "
          "others are not valid.");
    m.def("wedge_responses", &responses, "points"_a.noconvert(), "normals"_a.noconvert(), "offsets"_a.noconvert(),
          "out"_a.noconvert(), "deadline"_a = kNever,
          "Signed responses (m, n) of hyperplanes to points. Returns how many hyperplanes are done.");
    m.def("correlate_wedges", &correlate, "points"_a.noconvert(), "normals"_a.noconvert(), "offsets"_a.noconvert(),
          "v"_a.noconvert(), "out"_a.noconvert(), "threads"_a = 1, "slope"_a = 0.0, "deadline"_a = kNever,
          "Sums v'f(Xu + c) of both orientations, shape (m, 2, c), f the activation of the given slope on its inactive "
          "side. Returns J such that hyperplanes below J are done; each of the others has zeros or is done too.");
}
