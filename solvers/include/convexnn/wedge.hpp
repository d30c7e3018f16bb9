// Hyperplanes through subsets of rows: the wedge products that generate a dictionary.
//
// Legend: r dimension, N rows (points first, then silent axes), S subset of rows that fixes a
// hyperplane, p its pivot (first point of S, affine only), u unit normal, c offset.
#pragma once

#include <cstdint>
#include <vector>

#include "convexnn/interrupt.hpp"

namespace convexnn {

// Rows of a frame. Affine: rows below n_points are points, the others directions, and S holds r
// rows of which the first is a point. Not affine: all rows are directions of length one and S holds r - 1.
struct RowSet {
    const double* rows;  // (n_rows, dim), C order
    int64_t n_rows;
    int64_t n_points;
    int64_t dim;
    bool affine;

    int64_t subset_size() const { return affine ? dim : dim - 1; }
};

// Distances (in units of the data scale) below which rows coincide, lie on a hyperplane, or depend.
struct Tolerance {
    double same;   // floor of every distance that counts as nonzero
    double noise;  // rounding error of a coordinate, amplified by ill-conditioned subsets
    double blade;  // smallest height of a row over the ones before it, as a share of its length
};

// The hyperplane of one subset after another; holds the scratch memory so that loops do not allocate.
class WedgeMaker {
public:
    WedgeMaker(const RowSet& set, const Tolerance& tolerance);

    // Generalised cross product of the rows of S, u with ||u||_2 = 1. False if the rows depend.
    bool make(const int64_t* subset);

    // Is the last subset the first independent one (in index order) on its hyperplane? Then, and only
    // then, the hyperplane is kept: each is seen once without remembering the others.
    bool canonical(const int64_t* subset);

    // Write the last hyperplane with ||u||_1 = 1 or ||u||_2 = 1.
    void write(bool l1, double* normal, double* offset) const;

private:
    bool orthogonalise(const int64_t* subset);
    void load_edge(const int64_t* subset, int64_t row);
    double residual(int64_t n_basis);
    double dependence(int64_t n_basis, double length) const;
    void cofactors();
    void complete_basis();
    bool independent_of_prefix(const int64_t* subset, int64_t row);

    RowSet set_;
    Tolerance tol_;
    int64_t n_edges_;
    double radius_ = 0.0;
    std::vector<double> columns_;  // rows transposed, with a last row of 1 (points) and 0 (directions)
    std::vector<double> edges_;    // (r - 1, r) unit rows of S
    std::vector<double> basis_;    // their Gram-Schmidt basis, and one row of scratch
    std::vector<double> lowest_;   // lowest_[j]: least height among the first j edges
    std::vector<double> normal_, edge_, square_, distance_;
    double offset_ = 0.0;
};

// Enumerate `count` subsets in lexicographic order beginning with `first` (changed in place) and keep the
// canonical hyperplanes. Returns how many were written. normals (count, r), offsets (count), generators (count,
// subset_size) must have room for all. If stopped, `first` is the subset to go on with.
int64_t enumerate_wedges(const RowSet& set, const Tolerance& tolerance, bool l1, int64_t* first, int64_t count,
                         double* normals, double* offsets, int64_t* generators, StopCheck& stop);

// The hyperplanes of given subsets (m, subset_size), rows in increasing order; valid[j] = 0 where the rows depend.
// Returns how many were made; if stopped, the others are not valid.
int64_t make_wedges(const RowSet& set, const Tolerance& tolerance, bool l1, const int64_t* subsets, int64_t m,
                    double* normals, double* offsets, uint8_t* valid, StopCheck& stop);

// Signed responses out[j, i] = c_j + u_j . x_i, summed in this order, whatever the number of hyperplanes:
// a column has the same bits alone and in a block (a BLAS product does not promise that). Returns the number of rows j
// done; if stopped, the others are not touched.
int64_t wedge_responses(const double* points, int64_t n, int64_t r, const double* normals, const double* offsets,
                        int64_t m, double* out, StopCheck& stop);

// Equal bits for any number of threads: out[j, 0, k] = sum_i v_ik f(u_j . x_i + c_j) and out[j, 1, k] the same with the
// orientation reversed, where f(z) = z for z > 0 and slope z otherwise. Returns J such that hyperplanes below J are
// done; if stopped, each of the others has zeros or is done too.
int64_t correlate_wedges(const double* points, int64_t n, int64_t r, const double* normals, const double* offsets,
                         int64_t m, const double* v, int64_t n_outputs, double slope, unsigned threads, double* out,
                         StopCheck& stop);

}  // namespace convexnn
