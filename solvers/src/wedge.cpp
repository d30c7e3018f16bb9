// Hyperplanes through subsets of rows, each once.
#include "convexnn/wedge.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace convexnn {
namespace {

constexpr int64_t kTile = 256;          // rows whose distances are computed together
constexpr int64_t kChunk = 4'000'000;   // multiply-adds between two looks at the signals, a few milliseconds

double dot(const double* a, const double* b, int64_t n) {
    double sum = 0.0;
    for (int64_t k = 0; k < n; ++k) sum += a[k] * b[k];
    return sum;
}

double length(const double* a, int64_t n) { return std::sqrt(dot(a, a, n)); }

double det3(const double* a, const double* b, const double* c, int64_t i, int64_t j, int64_t k) {
    return a[i] * (b[j] * c[k] - b[k] * c[j]) - a[j] * (b[i] * c[k] - b[k] * c[i]) + a[k] * (b[i] * c[j] - b[j] * c[i]);
}

// Sign of the determinant of a square matrix, which is destroyed (partial pivoting).
bool positive_determinant(double* a, int64_t n) {
    bool positive = true;
    for (int64_t k = 0; k < n; ++k) {
        int64_t pivot = k;
        for (int64_t i = k + 1; i < n; ++i)
            if (std::abs(a[i * n + k]) > std::abs(a[pivot * n + k])) pivot = i;
        if (pivot != k) {
            std::swap_ranges(a + k * n, a + (k + 1) * n, a + pivot * n);
            positive = !positive;
        }
        const double head = a[k * n + k];
        if (head < 0) positive = !positive;
        if (head == 0) return positive;
        for (int64_t i = k + 1; i < n; ++i) {
            const double factor = a[i * n + k] / head;
            for (int64_t j = k + 1; j < n; ++j) a[i * n + j] -= factor * a[k * n + j];
        }
    }
    return positive;
}

bool next_subset(int64_t* subset, int64_t size, int64_t n_rows) {
    for (int64_t j = size - 1; j >= 0; --j) {
        if (subset[j] < n_rows - size + j) {
            ++subset[j];
            for (int64_t k = j + 1; k < size; ++k) subset[k] = subset[k - 1] + 1;
            return true;
        }
    }
    return false;
}

int64_t stride(int64_t cost) { return std::max<int64_t>(1, kChunk / std::max<int64_t>(1, cost)); }

}  // namespace

WedgeMaker::WedgeMaker(const RowSet& set, const Tolerance& tolerance)
    : set_(set), tol_(tolerance), n_edges_(set.dim - 1) {
    const int64_t r = set.dim, N = set.n_rows;
    columns_.resize((r + 1) * N);
    for (int64_t i = 0; i < N; ++i) {
        for (int64_t k = 0; k < r; ++k) columns_[k * N + i] = set.rows[i * r + k];
        columns_[r * N + i] = set.affine && i < set.n_points ? 1.0 : 0.0;
        radius_ = std::max(radius_, length(set.rows + i * r, r));
    }
    radius_ = std::max(1.0, set.affine ? 2 * radius_ : radius_);
    edges_.resize(n_edges_ * r);
    basis_.resize((n_edges_ + 1) * r);
    lowest_.resize(n_edges_ + 1);
    normal_.resize(r);
    edge_.resize(r);
    square_.resize(r * r);
    distance_.resize(kTile);
}

// Row as a direction: relative to the pivot if it is a point of an affine set.
void WedgeMaker::load_edge(const int64_t* subset, int64_t row) {
    const int64_t r = set_.dim;
    const double* x = set_.rows + row * r;
    std::copy(x, x + r, edge_.begin());
    if (set_.affine && row < set_.n_points) {
        const double* p = set_.rows + subset[0] * r;
        for (int64_t k = 0; k < r; ++k) edge_[k] -= p[k];
    }
}

// Remove from edge_ its part in the first n_basis basis vectors (twice, which is enough); length of the rest.
double WedgeMaker::residual(int64_t n_basis) {
    const int64_t r = set_.dim;
    for (int pass = 0; pass < 2; ++pass) {
        for (int64_t j = 0; j < n_basis; ++j) {
            const double* q = basis_.data() + j * r;
            const double share = dot(q, edge_.data(), r);
            for (int64_t k = 0; k < r; ++k) edge_[k] -= share * q[k];
        }
    }
    return length(edge_.data(), r);
}

// Height over the span of the first edges up to which a row of this length counts as dependent on them.
double WedgeMaker::dependence(int64_t n_basis, double length) const {
    return std::max(tol_.same, tol_.noise * (1.0 + length / lowest_[n_basis]));
}

bool WedgeMaker::orthogonalise(const int64_t* subset) {
    const int64_t r = set_.dim;
    lowest_[0] = std::numeric_limits<double>::infinity();
    for (int64_t e = 0; e < n_edges_; ++e) {
        load_edge(subset, subset[set_.affine ? e + 1 : e]);
        const double size = length(edge_.data(), r);
        if (!(size > tol_.same)) return false;
        for (int64_t k = 0; k < r; ++k) edge_[k] /= size;
        std::copy(edge_.begin(), edge_.end(), edges_.begin() + e * r);
        const double height = residual(e);
        if (!(height > tol_.blade) || !(height * size > dependence(e, size))) return false;
        for (int64_t k = 0; k < r; ++k) basis_[e * r + k] = edge_[k] / height;
        lowest_[e + 1] = std::min(lowest_[e], height * size);
    }
    return true;
}

// (-1)^k det(edges without column k) for r <= 4: entries that vanish exactly stay exactly zero.
void WedgeMaker::cofactors() {
    const double* a = edges_.data();
    double* u = normal_.data();
    if (set_.dim == 1) {
        u[0] = 1.0;
    } else if (set_.dim == 2) {
        u[0] = a[1];
        u[1] = -a[0];
    } else if (set_.dim == 3) {
        const double* b = a + 3;
        u[0] = a[1] * b[2] - a[2] * b[1];
        u[1] = a[2] * b[0] - a[0] * b[2];
        u[2] = a[0] * b[1] - a[1] * b[0];
    } else {
        const double *b = a + 4, *c = a + 8;
        u[0] = det3(a, b, c, 1, 2, 3);
        u[1] = -det3(a, b, c, 0, 2, 3);
        u[2] = det3(a, b, c, 0, 1, 3);
        u[3] = -det3(a, b, c, 0, 1, 2);
    }
}

// r > 4: the unit vector orthogonal to the basis, from the coordinate it covers least; sign det[u; edges] > 0.
void WedgeMaker::complete_basis() {
    const int64_t r = set_.dim;
    int64_t best = 0;
    double least = std::numeric_limits<double>::infinity();
    for (int64_t k = 0; k < r; ++k) {
        double covered = 0.0;
        for (int64_t j = 0; j < n_edges_; ++j) covered += basis_[j * r + k] * basis_[j * r + k];
        if (covered < least) {
            least = covered;
            best = k;
        }
    }
    std::fill(edge_.begin(), edge_.end(), 0.0);
    edge_[best] = 1.0;
    residual(n_edges_);
    std::copy(edge_.begin(), edge_.end(), square_.begin());
    std::copy(basis_.begin(), basis_.begin() + n_edges_ * r, square_.begin() + r);
    const double sign = positive_determinant(square_.data(), r) ? 1.0 : -1.0;
    for (int64_t k = 0; k < r; ++k) normal_[k] = sign * edge_[k];
}

bool WedgeMaker::make(const int64_t* subset) {
    const int64_t r = set_.dim, size = set_.subset_size();
    if (!orthogonalise(subset)) return false;
    if (r <= 4) {
        cofactors();
    } else {
        complete_basis();
        // Along a silent axis the normal has no component; rounding must not give it one (l1 sparsity).
        for (int64_t j = 0; j < size; ++j)
            if (subset[j] >= set_.n_points)
                for (int64_t k = 0; k < r; ++k)
                    if (set_.rows[subset[j] * r + k] != 0.0) normal_[k] = 0.0;
    }
    const double norm = length(normal_.data(), r);
    for (int64_t k = 0; k < r; ++k) normal_[k] /= norm;
    offset_ = set_.affine ? -dot(normal_.data(), set_.rows + subset[0] * r, r) : 0.0;
    return true;
}

void WedgeMaker::write(bool l1, double* normal, double* offset) const {
    double norm = 1.0;
    if (l1) {
        norm = 0.0;
        for (double u : normal_) norm += std::abs(u);
    }
    for (int64_t k = 0; k < set_.dim; ++k) normal[k] = normal_[k] / norm;
    *offset = offset_ / norm;
}

bool WedgeMaker::independent_of_prefix(const int64_t* subset, int64_t row) {
    const int64_t size = set_.subset_size();
    const int64_t before = std::lower_bound(subset, subset + size, row) - subset;
    if (before == 0) return true;
    load_edge(subset, row);
    const int64_t n_basis = set_.affine ? before - 1 : before;
    const double full = length(edge_.data(), set_.dim);
    return residual(n_basis) > dependence(n_basis, full);
}

bool WedgeMaker::canonical(const int64_t* subset) {
    const int64_t r = set_.dim, N = set_.n_rows, size = set_.subset_size();
    // One row, or none, fixes a hyperplane: the rows are distinct already.
    if (r == 1) return true;
    const int64_t last = subset[size - 1];
    const double near = std::max(tol_.same, tol_.noise * (1.0 + radius_ / lowest_[n_edges_]));
    for (int64_t begin = 0; begin < last; begin += kTile) {
        const int64_t width = std::min(kTile, last - begin);
        double* dist = distance_.data();
        const double* ones = columns_.data() + r * N + begin;
        for (int64_t i = 0; i < width; ++i) dist[i] = offset_ * ones[i];
        for (int64_t k = 0; k < r; ++k) {
            const double u = normal_[k];
            const double* x = columns_.data() + k * N + begin;
            for (int64_t i = 0; i < width; ++i) dist[i] += u * x[i];
        }
        int64_t hits = 0;
        for (int64_t i = 0; i < width; ++i) hits += std::abs(dist[i]) <= near;
        for (int64_t i = 0; hits > 0 && i < width; ++i) {
            if (std::abs(dist[i]) > near) continue;
            --hits;
            const int64_t row = begin + i;
            if (!std::binary_search(subset, subset + size, row) && independent_of_prefix(subset, row)) return false;
        }
    }
    return true;
}

int64_t enumerate_wedges(const RowSet& set, const Tolerance& tolerance, bool l1, int64_t* first, int64_t count,
                         double* normals, double* offsets, int64_t* generators, StopCheck& stop) {
    const int64_t r = set.dim, size = set.subset_size();
    if (size > set.n_rows) return 0;
    WedgeMaker maker(set, tolerance);
    const int64_t pause = stride((r + 1) * set.n_rows + 2 * r * r * r);
    int64_t kept = 0;
    for (int64_t done = 0; done < count; ++done) {
        if (set.affine && first[0] >= set.n_points) break;
        if (done % pause == 0 && stop()) break;
        if (maker.make(first) && maker.canonical(first)) {
            maker.write(l1, normals + kept * r, offsets + kept);
            std::copy(first, first + size, generators + kept * size);
            ++kept;
        }
        if (!next_subset(first, size, set.n_rows)) break;
    }
    return kept;
}

int64_t make_wedges(const RowSet& set, const Tolerance& tolerance, bool l1, const int64_t* subsets, int64_t m,
                    double* normals, double* offsets, uint8_t* valid, StopCheck& stop) {
    const int64_t r = set.dim, size = set.subset_size();
    WedgeMaker maker(set, tolerance);
    const int64_t pause = stride(2 * r * r * r);
    std::fill(valid, valid + m, uint8_t{0});
    for (int64_t j = 0; j < m; ++j) {
        if (j % pause == 0 && stop()) return j;
        valid[j] = maker.make(subsets + j * size) ? 1 : 0;
        if (valid[j]) maker.write(l1, normals + j * r, offsets + j);
    }
    return m;
}

}  // namespace convexnn
