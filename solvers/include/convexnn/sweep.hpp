// The rotating line: one pass over the events of a pencil in angular order.
//
// Legend: an event is a projected row p folded into the upper half plane, f = +-p; v its weights; U the sum
// of v p over the points left of the line, T over all points. At an event the normal is w = (-f.y, f.x):
// the neuron w answers w.U, the neuron -w answers w.U - w.T. Points on the line contribute nothing.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

namespace convexnn {

// The best unit neuron seen so far. Candidates are compared as squares, to spare a root per event.
struct Best {
    static constexpr std::int64_t kArc = -1, kCell = -2;
    double ratio = 0.0;                        // squared response of the unit neuron
    double length2 = 1.0, wx = 0.0, wy = 0.0;  // normal in the plane, oriented as the neuron
    std::int64_t row = kArc;

    bool beaten_by(double response2, double n2) const { return response2 > ratio * n2; }
    void take(double response2, double n2, double x, double y, std::int64_t k) { *this = {response2 / n2, n2, x, y, k}; }
    void offer(double response2, double n2, double x, double y, std::int64_t k) {
        if (beaten_by(response2, n2)) take(response2, n2, x, y, k);
    }
    double value() const { return std::sqrt(ratio); }
};

// One output. `at_event` sees the unfolded vector d = s f with s = +-1: absolute values do not need the fold.
struct SingleSums {
    double ux = 0.0, uy = 0.0, tx = 0.0, ty = 0.0;

    void left(double fx, double fy, const double* v) { ux += *v * fx, uy += *v * fy; }
    void total(double px, double py, const double* v) { tx += *v * px, ty += *v * py; }
    void pass(double dx, double dy, double s, const double* v) {
        const double w = s * *v;
        ux -= w * dx, uy -= w * dy;
    }
    template <class Length>
    void at_event(double dx, double dy, double s, std::int64_t k, const Length& length, Best& best) const {
        const double left = dx * uy - dy * ux;
        const double right = left - (dx * ty - dy * tx);
        const double l = std::fabs(left), r = std::fabs(right);
        const double m = l >= r ? l : r, n2 = length(-dy, dx);
        if (best.beaten_by(m * m, n2)) {
            const double side = l >= r ? s : -s;
            best.take(m * m, n2, -side * dy, side * dx, k);
        }
    }
    // Between two events the response is U.w: its maximum |U| is attained if +-U lies in the arc.
    void in_arc(double px, double py, double fx, double fy, Best& best) const {
        offer_arc(px, py, fx, fy, ux, uy, 1.0, best);
        offer_arc(px, py, fx, fy, ux - tx, uy - ty, -1.0, best);
    }

private:
    static void offer_arc(double px, double py, double fx, double fy, double x, double y, double look, Best& best) {
        const double a = px * x + py * y, b = fx * x + fy * y;
        if ((a <= 0.0) == (b <= 0.0)) return;
        const double n2 = x * x + y * y, side = b > a ? look : -look;
        best.offer(n2 * n2, n2, side * x, side * y, Best::kArc);
    }
};

// Several outputs: the response is the Euclidean (l2) or largest (l1) norm over outputs. `state` holds U and T.
struct GroupSums {
    double* state;  // 4 c numbers: ux, uy, tx, ty per output
    std::size_t c;
    bool l1;

    void left(double fx, double fy, const double* v) {
        for (std::size_t o = 0; o < c; ++o) state[4 * o] += v[o] * fx, state[4 * o + 1] += v[o] * fy;
    }
    void pass(double dx, double dy, double s, const double* v) {
        for (std::size_t o = 0; o < c; ++o) state[4 * o] -= s * v[o] * dx, state[4 * o + 1] -= s * v[o] * dy;
    }
    void total(double px, double py, const double* v) {
        for (std::size_t o = 0; o < c; ++o) state[4 * o + 2] += v[o] * px, state[4 * o + 3] += v[o] * py;
    }
    template <class Length>
    void at_event(double dx, double dy, double s, std::int64_t k, const Length& length, Best& best) const {
        double left2 = 0.0, right2 = 0.0;
        for (std::size_t o = 0; o < c; ++o) {
            const double* u = state + 4 * o;
            const double left = dx * u[1] - dy * u[0], right = left - (dx * u[3] - dy * u[2]);
            if (l1) {
                left2 = std::fmax(left2, left * left), right2 = std::fmax(right2, right * right);
            } else {
                left2 += left * left, right2 += right * right;
            }
        }
        const double n2 = length(-dy, dx), side = left2 >= right2 ? s : -s;
        best.offer(left2 >= right2 ? left2 : right2, n2, -side * dy, side * dx, k);
    }
    // The squared response is w'Mw with M = sum U U': its maximum is the top eigenvector if that lies in the arc.
    void in_arc(double px, double py, double fx, double fy, Best& best) const {
        for (const double look : {1.0, -1.0}) {
            double a = 0.0, b = 0.0, d = 0.0;
            for (std::size_t o = 0; o < c; ++o) {
                const double* s = state + 4 * o;
                const double x = look > 0 ? s[0] : s[0] - s[2], y = look > 0 ? s[1] : s[1] - s[3];
                a += x * x, b += x * y, d += y * y;
            }
            const double half = 0.5 * (a - d), root = std::sqrt(half * half + b * b);
            // Eigenvector of the larger eigenvalue, by the formula without cancellation.
            double x = half >= 0 ? half + root : b, y = half >= 0 ? b : root - half;
            const double n2 = x * x + y * y;
            if (n2 == 0.0) continue;
            const double at_p = px * x + py * y, at_f = fx * x + fy * y;
            if ((at_p <= 0.0) == (at_f <= 0.0)) continue;
            const double side = at_f > at_p ? look : -look;
            best.offer((0.5 * (a + d) + root) * n2, n2, side * x, side * y, Best::kArc);
        }
    }
};

// Visit order[first..last). (px, py): the folded direction before `first`, for the arc that ends there.
// `get(k, dx, dy, s)` gives the vector d of row k with the sign s that folds it, and returns its weights.
template <bool kArcs, class Get, class Index, class Sums, class Length>
inline void sweep_events(const Get& get, const Index* order, std::size_t first, std::size_t last, double px, double py,
                         Sums& sums_in, const Length& length, Best& best_out) {
    Sums sums = sums_in;  // local copies stay in registers
    Best best = best_out;
    for (std::size_t e = first; e < last; ++e) {
        const std::size_t k = order[e];
        double dx, dy, s;
        const double* v = get(k, dx, dy, s);
        if (kArcs) {
            sums.in_arc(px, py, s * dx, s * dy, best);
            px = s * dx, py = s * dy;
        }
        sums.at_event(dx, dy, s, static_cast<std::int64_t>(k), length, best);
        sums.pass(dx, dy, s, v);
    }
    sums_in = sums;
    best_out = best;
}

}  // namespace convexnn
