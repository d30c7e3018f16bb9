// The rotating line: one pass over the events of a pencil in angular order.
//
// Legend: an event is a projected row p folded into the upper half plane, f = +-p; v its weights; U the sum
// of v p over the points left of the line, T over all points. At an event the normal is w = (-f.y, f.x):
// the neuron w answers w.U, the neuron -w answers w.U - w.T. Points on the line contribute nothing.
//
// A slope s of the inactive side needs no other loop: the neuron w answers (1 - s) w.U + s w.T, and -w answers
// (1 - s) w.U - w.T. With U' = (1 - s) U + s T and T' = (1 + s) T these are w.U' and w.(U' - T'), so callers scale the
// weights of events by 1 - s and begin with U' and T'.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "convexnn/events.hpp"
#include "convexnn/interrupt.hpp"

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

// One output.
struct SingleSums {
    double ux = 0.0, uy = 0.0, tx = 0.0, ty = 0.0;

    void left(double fx, double fy, const double* v) { ux += *v * fx, uy += *v * fy; }
    void total(double px, double py, const double* v) { tx += *v * px, ty += *v * py; }
    // From U and T to U' and T'.
    void lean(double slope) {
        ux = (1.0 - slope) * ux + slope * tx, uy = (1.0 - slope) * uy + slope * ty;
        tx *= 1.0 + slope, ty *= 1.0 + slope;
    }
};

// Several outputs: the response is the Euclidean (l2) or largest (l1) norm over outputs. `state` holds U and T.
struct GroupSums {
    double* state;  // 4 c numbers: ux, uy, tx, ty per output
    std::size_t c;
    bool l1;
    double kink = 1.0;  // 1 - slope: what a row gains on the active side

    void left(double fx, double fy, const double* v) {
        for (std::size_t o = 0; o < c; ++o) state[4 * o] += v[o] * fx, state[4 * o + 1] += v[o] * fy;
    }
    void lean(double slope) {
        kink = 1.0 - slope;
        for (double* u = state; u != state + 4 * c; u += 4)
            for (int l = 0; l < 2; ++l) u[l] = kink * u[l] + slope * u[l + 2], u[l + 2] *= 1.0 + slope;
    }
    void pass(double dx, double dy, double s, const double* v) {
        s *= kink;
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

// Events between two questions whether to stop.
constexpr std::size_t kEventsPerLook = 64 * EventBlock::kSize;

// Visit order[first..last). (px, py): the folded direction before `first`, for the arc that ends there.
// `get(k, dx, dy, s)` gives the vector d of row k with the sign s that folds it, and returns its weights. Returns
// false if stopped, with the best neuron up to there.
template <bool kArcs, class Get, class Index, class Length>
inline bool sweep_events(const Get& get, const Index* order, std::size_t first, std::size_t last, double px, double py,
                         GroupSums& sums, const Length& length, Best& best_out, StopCheck& stop) {
    Best best = best_out;  // a local copy stays in registers
    const std::size_t pause = 1 + kEventsPerLook / (1 + sums.c);
    std::size_t e = first;
    for (std::size_t look = first; e < last; ++e) {
        if (e == look) {
            if (stop(kPart * std::min(pause, last - e) / pause)) break;
            look += pause;
        }
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
    best_out = best;
    return e == last;
}

// The same for one output, in blocks. `get(k, turned)` returns d and the folded weight s v; `fold(k)` is s.
template <bool kArcs, class Get, class Fold, class Index, class Length>
inline bool sweep_blocks(const Get& get, const Fold& fold, const Index* order, std::size_t first, std::size_t last,
                         double px, double py, SingleSums& sums, const Length& length, Best& best, StopCheck& stop) {
    EventBlock b;
    Lanes wedges, left_arcs, right_arcs;
    const double tx = sums.tx, ty = sums.ty;
    Two u = {sums.ux, sums.uy}, before = {px, py};
    std::size_t start = first;
    for (std::size_t look = first; start < last; start += EventBlock::kSize) {
        if (start == look) {
            if (stop(kPart * std::min(kEventsPerLook, last - start) / kEventsPerLook)) break;
            look += kEventsPerLook;
        }
        const std::size_t count = last - start < EventBlock::kSize ? last - start : EventBlock::kSize;
        if (kArcs) b.f[0] = before;
        for (std::size_t e = 0; e < count; ++e) {
            const std::size_t k = order[start + e];
            double turned;
            const Two d = get(k, turned);
            b.d[e] = d, b.u[e] = u;
            if (kArcs) b.f[e + 1] = fold(k) * d;
            u -= turned * d;
        }
        if (kArcs) before = b.f[count];
        pad_block(b, count, kArcs);
        length.fill(b, count);
        const double number = static_cast<double>(start);
        best_wedges(b, count, tx, ty, number, wedges);
        if (kArcs) best_arcs(b, count, tx, ty, number, left_arcs, right_arcs);
    }
    sums.ux = u[0], sums.uy = u[1];
    auto event = [&](double number, double& s, std::int64_t& k) {
        double unused;
        const std::size_t row = order[static_cast<std::size_t>(number)];
        k = static_cast<std::int64_t>(row), s = fold(row);
        return get(row, unused);
    };
    double s;
    std::int64_t k;
    const std::size_t l = wedges.best();
    if (best.beaten_by(wedges.num[l], wedges.den[l])) {
        const Two d = event(wedges.at[l], s, k);
        const double left = d[0] * wedges.uy[l] - d[1] * wedges.ux[l], right = left - (d[0] * ty - d[1] * tx);
        const double side = left * left >= right * right ? s : -s;
        best.take(wedges.num[l], wedges.den[l], -side * d[1], side * d[0], k);
    }
    for (const double look : {1.0, -1.0}) {
        if (!kArcs) break;
        const Lanes& arcs = look > 0 ? left_arcs : right_arcs;
        const std::size_t a = arcs.best();
        if (!best.beaten_by(arcs.num[a], 1.0)) continue;
        const Two d = event(arcs.at[a], s, k);
        // +-X is the neuron; the border at the event says which.
        const double side = s * (d[0] * arcs.ux[a] + d[1] * arcs.uy[a]) > 0.0 ? look : -look;
        best.take(arcs.num[a] * arcs.num[a], arcs.num[a], side * arcs.ux[a], side * arcs.uy[a], Best::kArc);
    }
    return start >= last;
}

}  // namespace convexnn
