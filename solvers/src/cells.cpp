// Neurons inside the open cells of a three-dimensional arrangement (l2 norm, no bias).
//
// On a cell with active set D the response is |S'u|, S = sum over D of x_i v_i'. Its maximum over the sphere is the
// top singular value of S. If its place is outside the cell, the maximum over the cell lies on the boundary, which the
// pencil sweeps cover. Every cell is seen from its edges; those whose bound does not beat the best neuron so far are
// skipped, and nearly all others are refuted by one or two rows that separate the place from the cell.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "convexnn/pencil.hpp"
#include "convexnn/sweep.hpp"
#include "workspace.hpp"

namespace convexnn {

namespace {

// Top eigenpair of the symmetric 3 x 3 matrix m (row-major, destroyed) by Jacobi rotations.
double top_eigenvector(double m[9], double out[3]) {
    double q[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
    for (int sweep = 0; sweep < 12; ++sweep) {
        double off = m[1] * m[1] + m[2] * m[2] + m[5] * m[5];
        if (off <= 1e-34 * (m[0] * m[0] + m[4] * m[4] + m[8] * m[8])) break;
        for (int a = 0; a < 2; ++a)
            for (int b = a + 1; b < 3; ++b) {
                const double mab = m[3 * a + b];
                if (mab == 0.0) continue;
                const double theta = (m[3 * b + b] - m[3 * a + a]) / (2 * mab);
                const double t = (theta >= 0 ? 1.0 : -1.0) / (std::fabs(theta) + std::sqrt(theta * theta + 1));
                const double c = 1 / std::sqrt(t * t + 1), s = t * c;
                for (int k = 0; k < 3; ++k) {
                    const double x = m[3 * a + k], y = m[3 * b + k];
                    m[3 * a + k] = c * x - s * y, m[3 * b + k] = s * x + c * y;
                }
                for (int k = 0; k < 3; ++k) {
                    const double x = m[3 * k + a], y = m[3 * k + b];
                    m[3 * k + a] = c * x - s * y, m[3 * k + b] = s * x + c * y;
                    const double u = q[3 * k + a], w = q[3 * k + b];
                    q[3 * k + a] = c * u - s * w, q[3 * k + b] = s * u + c * w;
                }
            }
    }
    const int top = m[0] >= m[4] ? (m[0] >= m[8] ? 0 : 2) : (m[4] >= m[8] ? 1 : 2);
    for (int k = 0; k < 3; ++k) out[k] = q[3 * k + top];
    return m[4 * top];
}

// How many cells share an edge: to the left and right of it in its plane, before and behind the plane.
constexpr std::size_t SIDES = 4;

// kC outputs, 0: any number.
template <std::size_t kC>
struct CellSearch {
    const double* x;  // n x 3
    const double* v;  // n x c
    std::size_t n, c, stride;
    double slope;  // of the inactive side
    const double *edge, *side_of;  // row that spans the edge; side of every row, see `separated`
    double best2;
    double u[3];
    bool found;
    std::vector<double> answer;
    std::size_t witness[SIDES];  // row that last separated a maximiser from its cell

    // S = a + b (3 x c each) of the cell on the left or right (half = 1, -1), before or behind (front = 1, -1).
    void offer(const double* a, const double* b, double half, double front, std::size_t cell, std::vector<double>& s) {
        double frobenius = 0.0, w[3];
        const std::size_t width = 3 * (kC ? kC : c);
        double* sum = kC == 1 ? w : s.data();
        for (std::size_t e = 0; e < width; ++e) {
            sum[e] = a[e] + b[e];
            frobenius += sum[e] * sum[e];
        }
        if (frobenius <= best2) return;
        if (kC != 1) {
            double m[9] = {0};
            for (int i = 0; i < 3; ++i)
                for (int j = 0; j < 3; ++j)
                    for (std::size_t o = 0; o < c; ++o)
                        m[3 * i + j] += s[static_cast<std::size_t>(i) * c + o] * s[static_cast<std::size_t>(j) * c + o];
            if (top_eigenvector(m, w) <= best2) return;
        }
        const double at_edge = w[0] * edge[0] + w[1] * edge[1] + w[2] * edge[2];
        if (at_edge == 0.0) return;
        const double flip = at_edge * front > 0 ? 1.0 : -1.0;
        for (double& t : w) t *= flip;
        if (separated(w, half, front, cell)) return;
        const double unit = 1.0 / std::sqrt(w[0] * w[0] + w[1] * w[1] + w[2] * w[2]);
        for (double& t : w) t *= unit;
        evaluate(w);
    }

    // Whether some row has w on one side and the cell on the other. `side_of` is +-1 where the plane of a row crosses
    // the edge's, by the side of the left cells; +-2 where both planes are one, by the side before it.
    bool separated(const double* w, double half, double front, std::size_t cell) {
        std::size_t i = witness[cell];
        for (std::size_t tried = 0; tried <= n; ++tried) {
            const double at = x[3 * i] * w[0] + x[3 * i + 1] * w[1] + x[3 * i + 2] * w[2];
            const double side = side_of[i];
            if (at * side * (std::fabs(side) > 1.5 ? front : half) < 0.0) {
                witness[cell] = i;
                return true;
            }
            // Neighbours in the data are often alike: far away the next row says more.
            i += stride;
            if (i >= n) i -= n;
        }
        return false;
    }

    // The true response of a unit neuron is valid wherever it lies.
    void evaluate(const double* w) {
        answer.assign(c, 0.0);
        for (std::size_t i = 0; i < n; ++i) {
            const double a = x[3 * i] * w[0] + x[3 * i + 1] * w[1] + x[3 * i + 2] * w[2];
            const double out = a > 0.0 ? a : slope * a;
            if (out == 0.0) continue;
            for (std::size_t o = 0; o < c; ++o) answer[o] += out * v[i * c + o];
        }
        double r2 = 0.0;
        for (double t : answer) r2 += t * t;
        if (r2 <= best2) return;
        best2 = r2, found = true;
        std::copy(w, w + 3, u);
    }
};

// A step that visits all of 0..n-1 when taken modulo n, some 0.38 n wide.
std::size_t far_step(std::size_t n) {
    std::size_t step = std::max<std::size_t>(1, static_cast<std::size_t>(0.38 * static_cast<double>(n)));
    while (std::gcd(step, n) != 1) ++step;
    return step;
}

}  // namespace

bool PencilOracle::visit_cells(std::size_t pencil, Workspace& w, const PencilCall& call, StopCheck& stop) const {
    if (call.c == 1) return visit_cells_of<1>(pencil, w, call, stop);
    return visit_cells_of<0>(pencil, w, call, stop);
}

template <std::size_t kC>
bool PencilOracle::visit_cells_of(std::size_t pencil, Workspace& w, const PencilCall& call, StopCheck& stop) const {
    const std::size_t n = shape_.n, c = kC ? kC : call.c, width = 3 * c;
    const double *edge = &rows_[static_cast<std::size_t>(w.fixed[0]) * 3], kink = 1.0 - call.slope;
    // Sums over the left and right side, and over the rows along +edge and -edge, each 3 x c.
    w.solid.assign(4 * width, 0.0);
    w.scratch.assign(width, 0.0);
    double *left = w.solid.data(), *right = left + width, *along = right + width, *against = along + width;
    auto add = [&](double* s, std::size_t i, double sign) {
        for (std::size_t l = 0; l < 3; ++l)
            for (std::size_t o = 0; o < c; ++o) s[l * c + o] += sign * rows_[3 * i + l] * call.v[i * c + o];
    };
    w.sides.assign(n, 0.0);
    for (std::size_t i = 0; i < n; ++i) {
        if (w.fold[i] != 0.0) {
            add(w.fold[i] > 0.0 ? left : right, i, 1.0);
            w.sides[i] = w.fold[i];
            continue;
        }
        const double* x = &rows_[3 * i];
        const double at = x[0] * edge[0] + x[1] * edge[1] + x[2] * edge[2];
        add(at > 0.0 ? along : against, i, 1.0);
        w.sides[i] = at > 0.0 ? 2.0 : -2.0;
    }
    // With a slope s the sum of a cell is (1 - s) times that over its active rows, plus s times that over all.
    for (std::size_t l = 0; l < width; ++l) {
        const double rest = call.slope * (left[l] + right[l] + along[l] + against[l]);
        left[l] = kink * left[l] + rest, right[l] = kink * right[l] + rest;
        along[l] *= kink, against[l] *= kink;
    }
    double* value = call.value + pencil * segments_;
    const std::size_t strongest = static_cast<std::size_t>(std::max_element(value, value + segments_) - value);
    CellSearch<kC> search{rows_.data(), call.v, n, c, far_step(n), call.slope, edge, w.sides.data(),
                          std::max(call.floor * call.floor, value[strongest] * value[strongest]), {0, 0, 0}, false, {},
                          {0, 0, 0, 0}};
    // Edges between two questions whether to stop: each may look at all rows several times, most look at few.
    const std::size_t look = std::max<std::size_t>(1, 4 * kPart / (n * (1 + c)));
    const bool visited = in_parts(w.count, look, stop, [&](std::size_t first, std::size_t last) {
        for (std::size_t e = first; e < last; ++e) {
            search.offer(left, along, 1.0, 1.0, 0, w.scratch);
            search.offer(left, against, 1.0, -1.0, 1, w.scratch);
            search.offer(right, along, -1.0, 1.0, 2, w.scratch);
            search.offer(right, against, -1.0, -1.0, 3, w.scratch);
            const std::size_t k = w.turn[e];
            add(left, k, -w.fold[k] * kink);
            add(right, k, w.fold[k] * kink);
            w.sides[k] = -w.sides[k];
        }
    });
    if (search.found) {
        value[strongest] = std::sqrt(search.best2);
        call.row[pencil * segments_ + strongest] = Best::kCell;
        std::copy(search.u, search.u + 3, call.normal + 3 * (pencil * segments_ + strongest));
    }
    return visited;
}

}  // namespace convexnn
