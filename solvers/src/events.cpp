#include "convexnn/events.hpp"

#include <algorithm>

#include "convexnn/vector.hpp"

namespace convexnn {

namespace {
// Numbers of the eight events from `first` on.
CONVEXNN_INLINE Eight numbers(double first) {
    const double ramp[kLanes] = {0, 1, 2, 3, 4, 5, 6, 7};
    return all_lanes(first) + load(ramp);
}
}  // namespace

Lanes::Lanes() {
    std::fill(num, num + kCount, 0.0);
    std::fill(den, den + kCount, 1.0);
    std::fill(ux, ux + kCount, 0.0);
    std::fill(uy, uy + kCount, 0.0);
    std::fill(at, at + kCount, -1.0);
}

std::size_t Lanes::best() const {
    std::size_t top = 0;
    for (std::size_t l = 1; l < kCount; ++l) {
        const double a = num[l] * den[top], b = num[top] * den[l];
        if (a > b || (a == b && at[l] >= 0 && (at[top] < 0 || at[l] < at[top]))) top = l;
    }
    return top;
}

CONVEXNN_CLONES void lengths_l2(EventBlock& b, std::size_t count) {
    for (std::size_t i = 0; i < count; i += kLanes) {
        Eight dx, dy;
        load(b.d + i, dx, dy);
        store(b.n2 + i, dx * dx + dy * dy);
    }
}

CONVEXNN_CLONES void lengths_l1(EventBlock& b, std::size_t count, const double* bx, const double* by, std::size_t r) {
    for (std::size_t i = 0; i < count; i += kLanes) {
        Eight dx, dy, sum = all_lanes(0.0);
        load(b.d + i, dx, dy);
        for (std::size_t l = 0; l < r; ++l) {
            const Eight u = by[l] * dx - bx[l] * dy;
            sum += select(u < all_lanes(0.0), -1.0 * u, u);
        }
        store(b.n2 + i, sum * sum);
    }
}

CONVEXNN_CLONES void best_wedges(const EventBlock& b, std::size_t count, double tx, double ty, double first,
                                 Lanes& lanes) {
    Eight num = load(lanes.num), den = load(lanes.den), bx = load(lanes.ux), by = load(lanes.uy), at = load(lanes.at);
    Eight here = numbers(first);
    for (std::size_t i = 0; i < count; i += kLanes, here += all_lanes(kLanes)) {
        Eight dx, dy, ux, uy;
        load(b.d + i, dx, dy);
        load(b.u + i, ux, uy);
        const Eight n2 = load(b.n2 + i);
        const Eight left = dx * uy - dy * ux, right = left - (ty * dx - tx * dy);
        const Eight l2 = left * left, r2 = right * right, m2 = select(l2 >= r2, l2, r2);
        const auto better = m2 * den > num * n2;
        num = select(better, m2, num);
        den = select(better, n2, den);
        bx = select(better, ux, bx);
        by = select(better, uy, by);
        at = select(better, here, at);
    }
    store(lanes.num, num), store(lanes.den, den), store(lanes.ux, bx), store(lanes.uy, by), store(lanes.at, at);
}

namespace {
// The response w.X of a unit normal w is largest, |X|, at +-X: inside the arc if its borders p and f see X differently.
struct ArcLanes {
    Eight num, x, y, at;

    explicit ArcLanes(const Lanes& l) : num(load(l.num)), x(load(l.ux)), y(load(l.uy)), at(load(l.at)) {}
    CONVEXNN_INLINE void offer(const Eight& cx, const Eight& cy, const Eight& at_p, const Eight& at_f, const Eight& here) {
        const Eight n2 = cx * cx + cy * cy, inside = select(at_p * at_f < all_lanes(0.0), n2, 0.0 * n2);
        const auto better = inside > num;
        num = select(better, inside, num);
        x = select(better, cx, x);
        y = select(better, cy, y);
        at = select(better, here, at);
    }
    void save(Lanes& l) const { store(l.num, num), store(l.ux, x), store(l.uy, y), store(l.at, at); }
};
}  // namespace

CONVEXNN_CLONES void best_arcs(const EventBlock& b, std::size_t count, double tx, double ty, double first, Lanes& left,
                               Lanes& right) {
    ArcLanes l(left), r(right);
    const Eight all_x = all_lanes(tx), all_y = all_lanes(ty);
    Eight here = numbers(first);
    for (std::size_t i = 0; i < count; i += kLanes, here += all_lanes(kLanes)) {
        Eight x, y, px, py, fx, fy;
        load(b.u + i, x, y);
        load(b.f + i, px, py);
        load(b.f + i + 1, fx, fy);
        l.offer(x, y, px * x + py * y, fx * x + fy * y, here);
        x -= all_x, y -= all_y;
        r.offer(x, y, px * x + py * y, fx * x + fy * y, here);
    }
    l.save(left), r.save(right);
}

}  // namespace convexnn
