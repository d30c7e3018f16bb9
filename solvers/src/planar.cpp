#include "convexnn/planar.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <tuple>

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

struct alignas(32) Row {  // one power-of-two load unit per event
    Two p;
    double v, s;  // weight and fold: of samples before the pivot both are negated
};
}  // namespace

// What all pivots of a call share.
struct PlanarOracle::Sums {
    std::vector<double> weights;      // n x c, in arranged order
    std::vector<double> later;        // (n + 1) x c x 3: sums of v and v p over samples from the i-th on
    std::vector<Row> rows;            // one output: samples with their weights side by side
    std::vector<double> axis_value;   // l1: 2 x n, the strongest neuron whose line runs along an axis
    std::vector<double> axis_side;    // +-1, its orientation
};

template <class Index>
struct PlanarOracle::Workspace {
    Keys keys, merged;
    std::vector<Index> order;
    std::vector<double> sums;
    std::vector<Row> rows;   // a thread meets its pivots in increasing order, so it folds every sample once
    std::size_t folded = 0;  // how many of them
};

PlanarOracle::PlanarOracle(const double* points, std::size_t n, bool l1, std::size_t memory)
    : n_(n), l1_(l1), x_(n), y_(n), original_(n) {
    for (std::size_t i = 0; i < n; ++i) {
        x_[i] = points[2 * i], y_[i] = points[2 * i + 1], original_[i] = i;
        tiny_ = std::max({tiny_, 1e-13 * std::fabs(x_[i]), 1e-13 * std::fabs(y_[i])});
    }
    const std::size_t bytes = n <= 65536 ? 2 : 4;
    keep_ = n > 1 && n <= memory / (bytes * n);
}

// Samples from below to above, and for the lines along axes also from left to right.
bool PlanarOracle::arrange(StopCheck& stop) {
    if (arranged_) return true;
    std::vector<std::tuple<double, double, std::size_t>> samples(n_), scratch;
    for (std::size_t i = 0; i < n_; ++i) samples[i] = {y_[i], x_[i], i};
    if (!sort_distinct(samples, scratch, stop)) return false;
    Keys keys(l1_ ? n_ : 0), merged;
    for (std::size_t i = 0; i < keys.size(); ++i) keys[i] = {std::get<1>(samples[i]), static_cast<std::uint32_t>(i)};
    if (!sort_distinct(keys, merged, stop)) return false;
    for (std::size_t i = 0; i < n_; ++i) std::tie(y_[i], x_[i], original_[i]) = samples[i];
    for (const auto& key : keys) by_x_.push_back(key.second);
    arranged_ = true;
    return true;
}

bool PlanarOracle::add_up(const PlanarCall& call, Sums& sums, StopCheck& stop) const {
    const std::size_t c = call.c;
    sums.weights.resize(n_ * c), sums.rows.resize(c == 1 ? n_ : 0), sums.later.assign((n_ + 1) * 3 * c, 0.0);
    return in_parts(n_, 1 + kPart / (1 + c), stop, [&](std::size_t first, std::size_t last) {
        for (std::size_t i = n_ - first; i-- > n_ - last;)
            for (std::size_t o = 0; o < c; ++o) {
                const double w = sums.weights[i * c + o] = call.v[original_[i] * c + o];
                const double* next = &sums.later[((i + 1) * c + o) * 3];
                double* here = &sums.later[(i * c + o) * 3];
                here[0] = next[0] + w, here[1] = next[1] + w * x_[i], here[2] = next[2] + w * y_[i];
                if (c == 1) sums.rows[i] = {Two{x_[i], y_[i]}, (1.0 - call.slope) * w, 1.0};
            }
    });
}

// Lines along an axis through every sample: hinges of one coordinate, by running sums in its order. A neuron that
// answers A on its active side and B on the other (both with positive distances) answers A - slope B in all.
bool PlanarOracle::axis_responses(const PlanarCall& call, Sums& sums, StopCheck& stop) const {
    sums.axis_value.assign(2 * n_, 0.0), sums.axis_side.assign(2 * n_, 1.0);
    std::vector<double> above(n_), down(n_);
    const std::size_t c = call.c;
    for (std::size_t axis = 0; axis < 2; ++axis) {
        const std::vector<double>& u = axis == 0 ? y_ : x_;  // the line along e_axis separates by the other coordinate
        auto place = [&](std::size_t e) { return axis == 0 ? e : static_cast<std::size_t>(by_x_[e]); };
        double* up = &sums.axis_value[axis * n_];
        std::fill(down.begin(), down.end(), 0.0);
        for (std::size_t o = 0; o < c; ++o) {
            double mass = 0.0, sum = 0.0;
            const bool counted = in_parts(n_, kPart, stop, [&](std::size_t first, std::size_t last) {
                for (std::size_t e = n_ - first; e-- > n_ - last;) {  // over larger u, v (u - u_pivot) in steps
                    const std::size_t i = place(e);
                    if (e + 1 < n_) sum += mass * (u[place(e + 1)] - u[i]);
                    above[i] = sum, mass += sums.weights[i * c + o];
                }
            });
            if (!counted) return false;
            mass = sum = 0.0;
            const bool compared = in_parts(n_, kPart, stop, [&](std::size_t first, std::size_t last) {
                for (std::size_t e = first; e < last; ++e) {
                    const std::size_t i = place(e);
                    if (e > 0) sum += mass * (u[i] - u[place(e - 1)]);
                    up[i] = std::max(up[i], std::fabs(above[i] - call.slope * sum));
                    down[i] = std::max(down[i], std::fabs(sum - call.slope * above[i]));
                    mass += sums.weights[i * c + o];
                }
            });
            if (!compared) return false;
        }
        for (std::size_t i = 0; i < n_; ++i)
            if (down[i] > up[i]) up[i] = down[i], sums.axis_side[axis * n_ + i] = -1.0;
    }
    return true;
}

// Rows around the pivot by the angle of their line in [0, pi); samples at the pivot itself are left out.
template <class Index>
bool PlanarOracle::sort_around(std::size_t pivot, Index* order, std::uint32_t& count, Workspace<Index>& w,
                               StopCheck& stop) const {
    w.keys.clear();
    const bool listed = in_parts(n_, kPart, stop, [&](std::size_t first, std::size_t last) {
        for (std::size_t k = first; k < last; ++k) {
            const double dx = x_[k] - x_[pivot], dy = y_[k] - y_[pivot];
            if (std::fabs(dx) + std::fabs(dy) <= tiny_) continue;
            // -cot(angle) grows with the angle; the sign of the fold cancels in the quotient.
            const double key = dy != 0.0 ? -dx / dy : -std::numeric_limits<double>::infinity();
            w.keys.emplace_back(key, static_cast<std::uint32_t>(k));
        }
    });
    if (!listed) return false;
    if (!sort_distinct(w.keys, w.merged, stop)) return false;
    for (std::size_t e = 0; e < w.keys.size(); ++e) order[e] = static_cast<Index>(w.keys[e].second);
    count = static_cast<std::uint32_t>(w.keys.size());
    return true;
}

// Later samples lie on the left of the horizontal line through the pivot, or on it.
template <class Index, class Length, class Best>
bool PlanarOracle::sweep_one(std::size_t j, const Index* order, std::uint32_t count, const PlanarCall& call,
                             const Sums& all_sums, Workspace<Index>& w, const Length& length, Best& best,
                             StopCheck& stop) const {
    const double xj = x_[j], yj = y_[j], *up = &all_sums.later[j * 3], *all = &all_sums.later[0];
    SingleSums sums;
    sums.ux = up[1] - up[0] * xj, sums.uy = up[2] - up[0] * yj;
    sums.tx = all[1] - all[0] * xj, sums.ty = all[2] - all[0] * yj;
    sums.lean(call.slope);
    if (w.rows.empty()) w.rows = all_sums.rows;
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
    double px = 1.0, py = 0.0;
    if (count > 0) {
        const std::size_t last = order[count - 1];
        const double s = last > j ? -1.0 : 1.0;  // one half turn back
        px = s * (x_[last] - xj), py = s * (y_[last] - yj);
    }
    if (call.arcs) return sweep_blocks<true>(get, fold, order, 0, count, px, py, sums, length, best, stop);
    return sweep_blocks<false>(get, fold, order, 0, count, px, py, sums, length, best, stop);
}

template <class Index, class Length, class Best>
bool PlanarOracle::sweep_group(std::size_t j, const Index* order, std::uint32_t count, const PlanarCall& call,
                               const Sums& all_sums, Workspace<Index>& w, const Length& length, Best& best,
                               StopCheck& stop) const {
    const std::size_t c = call.c;
    const double xj = x_[j], yj = y_[j];
    w.sums.resize(4 * c);
    for (std::size_t o = 0; o < c; ++o) {
        const double *up = &all_sums.later[(j * c + o) * 3], *all = &all_sums.later[o * 3];
        w.sums[4 * o] = up[1] - up[0] * xj, w.sums[4 * o + 1] = up[2] - up[0] * yj;
        w.sums[4 * o + 2] = all[1] - all[0] * xj, w.sums[4 * o + 3] = all[2] - all[0] * yj;
    }
    GroupSums sums{w.sums.data(), c, l1_};
    sums.lean(call.slope);
    auto get = [&](std::size_t k, double& dx, double& dy, double& s) {
        s = k > j ? 1.0 : -1.0;
        dx = x_[k] - xj, dy = y_[k] - yj;
        return &all_sums.weights[k * c];
    };
    double px = 1.0, py = 0.0;
    if (count > 0) {
        double s;
        get(order[count - 1], px, py, s);
        px *= -s, py *= -s;  // one half turn back
    }
    if (call.arcs) return sweep_events<true>(get, order, 0, count, px, py, sums, length, best, stop);
    return sweep_events<false>(get, order, 0, count, px, py, sums, length, best, stop);
}

template <class Index>
bool PlanarOracle::visit(std::size_t j, Orders<Index>& orders, const PlanarCall& call, const Sums& sums,
                         Workspace<Index>& w, StopCheck& stop) const {
    if (!keep_) w.order.resize(n_);
    Index* order = keep_ ? &orders.rows[j * (n_ - 1)] : w.order.data();
    std::uint32_t count = keep_ && orders.counts[j] > 0 ? orders.counts[j] - 1 : 0;
    if (!keep_ || orders.counts[j] == 0) {
        if (!sort_around(j, order, count, w, stop)) return false;
        if (keep_) orders.counts[j] = count + 1;
    }
    Best best;
    auto with_length = [&](const auto& length) {
        if (call.c == 1) return sweep_one(j, order, count, call, sums, w, length, best, stop);
        return sweep_group(j, order, count, call, sums, w, length, best, stop);
    };
    if (!(l1_ ? with_length(L1Length{}) : with_length(L2Length{}))) return false;
    const std::size_t at = original_[j];
    const double unit = 1.0 / std::sqrt(best.length2);
    double value = best.value(), *normal = call.normal + 2 * at;
    call.row[at] = best.row >= 0 ? static_cast<std::int64_t>(original_[static_cast<std::size_t>(best.row)]) : best.row;
    normal[0] = unit * best.wx, normal[1] = unit * best.wy;
    for (std::size_t axis = 0; l1_ && axis < 2; ++axis)
        if (sums.axis_value[axis * n_ + j] > value) {
            value = sums.axis_value[axis * n_ + j];
            call.row[at] = static_cast<std::int64_t>(n_ + axis);
            normal[axis] = 0.0;
            normal[1 - axis] = sums.axis_side[axis * n_ + j];
        }
    call.value[at] = value;
    return true;
}

template <class Index>
std::size_t PlanarOracle::price_with(Orders<Index>& orders, const PlanarCall& call, StopCheck& stop) {
    if (keep_ && !orders.rows) {
        orders.counts.assign(n_, 0);
        orders.rows.reset(new Index[n_ * (n_ - 1)]);
    }
    Sums sums;
    if (!add_up(call, sums, stop)) return 0;
    if (l1_ && !axis_responses(call, sums, stop)) return 0;
    std::vector<Workspace<Index>> spaces(std::max(1u, call.threads));
    const std::size_t group = std::max<std::size_t>(1, 8192 / std::max<std::size_t>(1, n_));
    const std::size_t groups = (n_ + group - 1) / group;
    std::atomic<std::size_t> done{0};
    parallel_for(groups, call.threads, stop, [&](std::size_t g, unsigned thread) {
        for (std::size_t j = g * group; j < std::min(n_, (g + 1) * group); ++j) {
            if (!visit(j, orders, call, sums, spaces[thread], stop)) return;
            done.fetch_add(1, std::memory_order_relaxed);
        }
    });
    return done;
}

std::size_t PlanarOracle::price(const PlanarCall& call, StopCheck& stop) {
    std::fill(call.value, call.value + n_, -1.0);
    std::fill(call.row, call.row + n_, std::int64_t{-1});
    std::fill(call.normal, call.normal + 2 * n_, 0.0);
    if (!arrange(stop)) return 0;
    if (n_ <= 65536) return price_with(small_, call, stop);
    return price_with(large_, call, stop);
}

}  // namespace convexnn
