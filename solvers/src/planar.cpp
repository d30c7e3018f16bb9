#include "convexnn/planar.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "convexnn/parallel.hpp"
#include "convexnn/sweep.hpp"

namespace convexnn {

namespace {
struct L1Length {
    double operator()(double x, double y) const {
        const double s = std::fabs(x) + std::fabs(y);
        return s * s;
    }
    void fill(EventBlock& block, std::size_t count) const {
        static const double x[2] = {1.0, 0.0}, y[2] = {0.0, 1.0};
        lengths_l1(block, count, x, y, 2);
    }
};
struct L2Length {
    double operator()(double x, double y) const { return x * x + y * y; }
    void fill(EventBlock& block, std::size_t count) const { lengths_l2(block, count); }
};
}  // namespace

PlanarOracle::PlanarOracle(const double* points, std::size_t n, bool l1, std::size_t memory) : n_(n), l1_(l1) {
    original_.resize(n);
    std::iota(original_.begin(), original_.end(), std::size_t{0});
    std::sort(original_.begin(), original_.end(), [&](std::size_t a, std::size_t b) {
        const double *p = points + 2 * a, *q = points + 2 * b;
        return p[1] != q[1] ? p[1] < q[1] : p[0] != q[0] ? p[0] < q[0] : a < b;
    });
    for (std::size_t i : original_) {
        x_.push_back(points[2 * i]), y_.push_back(points[2 * i + 1]);
        tiny_ = std::max({tiny_, 1e-13 * std::fabs(x_.back()), 1e-13 * std::fabs(y_.back())});
    }
    const std::size_t bytes = n <= 65536 ? 2 : 4;
    keep_ = n > 1 && n <= memory / (bytes * n);
}

// Rows around the pivot by the angle of their line in [0, pi); samples at the pivot itself are left out.
template <class Index>
std::uint32_t PlanarOracle::sort_around(std::size_t pivot, Index* order,
                                        std::vector<std::pair<double, std::uint32_t>>& keys) const {
    keys.clear();
    for (std::size_t k = 0; k < n_; ++k) {
        const double dx = x_[k] - x_[pivot], dy = y_[k] - y_[pivot];
        if (std::fabs(dx) + std::fabs(dy) <= tiny_) continue;
        // -cot(angle) grows with the angle; the sign of the fold cancels in the quotient.
        const double key = dy != 0.0 ? -dx / dy : -std::numeric_limits<double>::infinity();
        keys.emplace_back(key, static_cast<std::uint32_t>(k));
    }
    std::sort(keys.begin(), keys.end());
    for (std::size_t e = 0; e < keys.size(); ++e) order[e] = static_cast<Index>(keys[e].second);
    return static_cast<std::uint32_t>(keys.size());
}

// Lines along an axis through every sample: hinges of one coordinate, by prefix sums in its order.
void PlanarOracle::axis_response(const double* v, std::size_t c, std::size_t axis, double* value, double* side) const {
    const std::vector<double>& u = axis == 0 ? y_ : x_;  // the line along e_axis separates by the other coordinate
    std::vector<std::size_t> order(n_);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return u[a] < u[b]; });
    std::vector<double> up(n_, 0.0), down(n_, 0.0);
    for (std::size_t o = 0; o < c; ++o) {
        double mass = 0.0, sum = 0.0;
        for (std::size_t e = n_; e-- > 0;) {  // sum over larger u of v (u - u_pivot), accumulated as steps
            const std::size_t i = order[e];
            if (e + 1 < n_) sum += mass * (u[order[e + 1]] - u[i]);
            up[i] = std::max(up[i], std::fabs(sum));
            mass += v[i * c + o];
        }
        mass = sum = 0.0;
        for (std::size_t e = 0; e < n_; ++e) {
            const std::size_t i = order[e];
            if (e > 0) sum += mass * (u[i] - u[order[e - 1]]);
            down[i] = std::max(down[i], std::fabs(sum));
            mass += v[i * c + o];
        }
    }
    for (std::size_t i = 0; i < n_; ++i) value[i] = std::max(up[i], down[i]), side[i] = up[i] >= down[i] ? 1.0 : -1.0;
}

template <class Index>
bool PlanarOracle::price_with(Orders<Index>& orders, const double* v, std::size_t c, bool arcs, unsigned threads,
                              const StopCheck& stop, double* value, std::int64_t* row, double* normal) {
    if (keep_ && orders.rows.empty()) {
        orders.rows.resize(n_ * (n_ - 1));
        orders.counts.assign(n_, 0);
    }
    struct alignas(32) Row {  // one power-of-two load unit per event
        Two p;
        double v, s;  // weight and fold: of samples before the pivot both are negated
    };
    // Samples with their weights side by side (one output), and the sums of v and v p over later samples.
    std::vector<Row> rows(c == 1 ? n_ : 0);
    std::vector<double> weights(n_ * c), later((n_ + 1) * 3 * c, 0.0), axis_value(2 * n_), axis_side(2 * n_);
    for (std::size_t i = 0; i < n_; ++i) {
        for (std::size_t o = 0; o < c; ++o) weights[i * c + o] = v[original_[i] * c + o];
        if (c == 1) rows[i].p = Two{x_[i], y_[i]}, rows[i].v = weights[i], rows[i].s = 1.0;
    }
    for (std::size_t i = n_; i-- > 0;)
        for (std::size_t o = 0; o < c; ++o) {
            const double w = weights[i * c + o], *next = &later[((i + 1) * c + o) * 3];
            double* here = &later[(i * c + o) * 3];
            here[0] = next[0] + w, here[1] = next[1] + w * x_[i], here[2] = next[2] + w * y_[i];
        }
    if (l1_)
        for (std::size_t axis = 0; axis < 2; ++axis)
            axis_response(weights.data(), c, axis, &axis_value[axis * n_], &axis_side[axis * n_]);
    struct Workspace {
        std::vector<std::pair<double, std::uint32_t>> keys;
        std::vector<Index> order;
        std::vector<double> sums;
        std::vector<Row> rows;   // a thread meets its pivots in increasing order, so it folds every sample once
        std::size_t folded = 0;  // how many of them
    };
    std::vector<Workspace> spaces(std::max(1u, threads));
    const std::size_t group = std::max<std::size_t>(1, 8192 / std::max<std::size_t>(1, n_));
    const std::size_t groups = (n_ + group - 1) / group;

    auto visit = [&](std::size_t j, Workspace& w) {
        const Index* order;
        std::uint32_t count;
        if (keep_) {
            Index* mine = &orders.rows[j * (n_ - 1)];
            if (orders.counts[j] == 0) orders.counts[j] = 1 + sort_around(j, mine, w.keys);
            order = mine, count = orders.counts[j] - 1;
        } else {
            w.order.resize(n_);
            count = sort_around(j, w.order.data(), w.keys);
            order = w.order.data();
        }
        const double xj = x_[j], yj = y_[j];
        double px = 1.0, py = 0.0;
        if (count > 0) {
            const std::size_t last = order[count - 1];
            const double s = last > j ? -1.0 : 1.0;  // one half turn back
            px = s * (x_[last] - xj), py = s * (y_[last] - yj);
        }
        Best best;
        auto with_length = [&](auto&& run) {
            if (l1_) run(L1Length{});
            else run(L2Length{});
        };
        // Later samples lie on the left of the horizontal line through the pivot, or on it.
        if (c == 1) {
            SingleSums sums;
            const double *up = &later[j * 3], *all = &later[0];
            sums.ux = up[1] - up[0] * xj, sums.uy = up[2] - up[0] * yj;
            sums.tx = all[1] - all[0] * xj, sums.ty = all[2] - all[0] * yj;
            if (w.rows.empty()) w.rows = rows;
            for (; w.folded <= j; ++w.folded) {
                Row& row = w.rows[w.folded];
                row.v = -row.v, row.s = -row.s;
            }
            const Row* data = w.rows.data();
            const Two pivot = {xj, yj};
            auto get = [data, pivot](std::size_t k, double& turned) {
                turned = data[k].v;
                return data[k].p - pivot;
            };
            auto fold = [data](std::size_t k) { return data[k].s; };
            with_length([&](const auto& length) {
                if (arcs) sweep_blocks<true>(get, fold, order, 0, count, px, py, sums, length, best);
                else sweep_blocks<false>(get, fold, order, 0, count, px, py, sums, length, best);
            });
        } else {
            w.sums.resize(4 * c);
            for (std::size_t o = 0; o < c; ++o) {
                const double *up = &later[(j * c + o) * 3], *all = &later[o * 3];
                w.sums[4 * o] = up[1] - up[0] * xj, w.sums[4 * o + 1] = up[2] - up[0] * yj;
                w.sums[4 * o + 2] = all[1] - all[0] * xj, w.sums[4 * o + 3] = all[2] - all[0] * yj;
            }
            GroupSums sums{w.sums.data(), c, l1_};
            auto get = [&](std::size_t k, double& dx, double& dy, double& s) {
                s = k > j ? 1.0 : -1.0;
                dx = x_[k] - xj, dy = y_[k] - yj;
                return &weights[k * c];
            };
            with_length([&](const auto& length) {
                if (arcs) sweep_events<true>(get, order, 0, count, px, py, sums, length, best);
                else sweep_events<false>(get, order, 0, count, px, py, sums, length, best);
            });
        }
        const std::size_t at = original_[j];
        const double unit = 1.0 / std::sqrt(best.length2);
        value[at] = best.value();
        row[at] = best.row >= 0 ? static_cast<std::int64_t>(original_[static_cast<std::size_t>(best.row)]) : best.row;
        normal[2 * at] = unit * best.wx, normal[2 * at + 1] = unit * best.wy;
        for (std::size_t axis = 0; l1_ && axis < 2; ++axis)
            if (axis_value[axis * n_ + j] > value[at]) {
                value[at] = axis_value[axis * n_ + j];
                row[at] = static_cast<std::int64_t>(n_ + axis);
                normal[2 * at + axis] = 0.0;
                normal[2 * at + 1 - axis] = axis_side[axis * n_ + j];
            }
    };
    return parallel_for(groups, threads, stop, [&](std::size_t g, unsigned thread) {
        for (std::size_t j = g * group; j < std::min(n_, (g + 1) * group); ++j) visit(j, spaces[thread]);
    });
}

bool PlanarOracle::price(const double* v, std::size_t c, bool arcs, unsigned threads, const StopCheck& stop,
                         double* value, std::int64_t* row, double* normal) {
    if (n_ <= 65536) return price_with(small_, v, c, arcs, threads, stop, value, row, normal);
    return price_with(large_, v, c, arcs, threads, stop, value, row, normal);
}

}  // namespace convexnn
