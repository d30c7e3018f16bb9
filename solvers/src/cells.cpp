// Neurons inside the open cells of a three-dimensional arrangement (l2 norm, no bias).
//
// On a cell with active set D the response is |S'u|, S = sum over D of x_i v_i'. Its maximum over the sphere is the
// top singular value of S, attained inside the cell or else on its boundary, which the pencil sweeps cover. Every
// cell is seen from its edges; those whose bound does not beat the best neuron so far are skipped.
#include <algorithm>
#include <cmath>

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

struct CellSearch {
    const double* x;  // n x 3
    const double* v;  // n x c
    std::size_t n, c;
    double best2;
    double u[3];
    bool found;
    std::vector<double> answer;

    // S = a + b (3 x c each); `side`: the maximiser must lie on this side of the row `edge`; s is scratch.
    void offer(const double* a, const double* b, const double* edge, double side, std::vector<double>& s) {
        double frobenius = 0.0;
        for (std::size_t e = 0; e < 3 * c; ++e) {
            s[e] = a[e] + b[e];
            frobenius += s[e] * s[e];
        }
        if (frobenius <= best2) return;
        double w[3];
        if (c == 1) {
            for (int l = 0; l < 3; ++l) w[l] = s[static_cast<std::size_t>(l)] / std::sqrt(frobenius);
        } else {
            double m[9] = {0};
            for (int i = 0; i < 3; ++i)
                for (int j = 0; j < 3; ++j)
                    for (std::size_t o = 0; o < c; ++o)
                        m[3 * i + j] += s[static_cast<std::size_t>(i) * c + o] * s[static_cast<std::size_t>(j) * c + o];
            if (top_eigenvector(m, w) <= best2) return;
        }
        const double at_edge = w[0] * edge[0] + w[1] * edge[1] + w[2] * edge[2];
        if (at_edge == 0.0) return;
        const double flip = at_edge * side > 0 ? 1.0 : -1.0;
        for (double& t : w) t *= flip;
        evaluate(w);
    }

    // The true response of a unit neuron is valid wherever it lies.
    void evaluate(const double* w) {
        answer.assign(c, 0.0);
        for (std::size_t i = 0; i < n; ++i) {
            const double a = x[3 * i] * w[0] + x[3 * i + 1] * w[1] + x[3 * i + 2] * w[2];
            if (a <= 0.0) continue;
            for (std::size_t o = 0; o < c; ++o) answer[o] += a * v[i * c + o];
        }
        double r2 = 0.0;
        for (double t : answer) r2 += t * t;
        if (r2 <= best2) return;
        best2 = r2, found = true;
        std::copy(w, w + 3, u);
    }
};

}  // namespace

void PencilOracle::visit_cells(Workspace& w, const std::uint32_t* order, const double* v, std::size_t c, double floor,
                               double* value, std::int64_t* row, double* normal) const {
    const std::size_t n = shape_.n, width = 3 * c;
    const double* edge = &rows_[static_cast<std::size_t>(w.fixed[0]) * 3];
    // Sums over the left and right side, and over the rows along +edge and -edge, each 3 x c.
    w.solid.assign(4 * width, 0.0);
    w.scratch.assign(width, 0.0);
    double *left = w.solid.data(), *right = left + width, *along = right + width, *against = along + width;
    auto add = [&](double* s, std::size_t i, double sign) {
        for (std::size_t l = 0; l < 3; ++l)
            for (std::size_t o = 0; o < c; ++o) s[l * c + o] += sign * rows_[3 * i + l] * v[i * c + o];
    };
    for (std::size_t i = 0; i < n; ++i) {
        if (w.fold[i] != 0.0) {
            add(w.fold[i] > 0.0 ? left : right, i, 1.0);
            continue;
        }
        const double* x = &rows_[3 * i];
        add(x[0] * edge[0] + x[1] * edge[1] + x[2] * edge[2] > 0.0 ? along : against, i, 1.0);
    }
    std::size_t strongest = 0;
    for (std::size_t s = 1; s < segments_; ++s)
        if (value[s] > value[strongest]) strongest = s;
    CellSearch search{rows_.data(), v, n, c, std::max(floor * floor, value[strongest] * value[strongest]), {0, 0, 0}, false, {}};
    for (std::size_t e = 0; e < w.count; ++e) {
        for (const double* half : {left, right}) {
            search.offer(half, along, edge, 1.0, w.scratch);
            search.offer(half, against, edge, -1.0, w.scratch);
        }
        const std::size_t k = order[e];
        add(left, k, -w.fold[k]);
        add(right, k, w.fold[k]);
    }
    if (!search.found) return;
    value[strongest] = std::sqrt(search.best2);
    row[strongest] = Best::kCell;
    std::copy(search.u, search.u + 3, normal + 3 * strongest);
}

}  // namespace convexnn
