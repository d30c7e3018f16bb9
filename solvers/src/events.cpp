#include "convexnn/events.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "convexnn/vector.hpp"

// Vectors of eight doubles are passed only to functions that are inlined, so their calling convention is never used.
#pragma GCC diagnostic ignored "-Wpsabi"

namespace convexnn {

namespace {
constexpr std::size_t kLanes = Lanes::kCount;
using Eight = double __attribute__((vector_size(kLanes * sizeof(double))));
using Indices = std::int64_t __attribute__((vector_size(kLanes * sizeof(double))));

inline Eight load(const double* x) {
    Eight v;
    std::memcpy(&v, x, sizeof v);
    return v;
}
inline void store(double* x, const Eight& v) { std::memcpy(x, &v, sizeof v); }
// Eight planar vectors: their first and their second coordinates.
inline void load(const Two* p, Eight& x, Eight& y) {
    const Eight a = load(reinterpret_cast<const double*>(p)), b = load(reinterpret_cast<const double*>(p + 4));
    x = __builtin_shuffle(a, b, Indices{0, 2, 4, 6, 8, 10, 12, 14});
    y = __builtin_shuffle(a, b, Indices{1, 3, 5, 7, 9, 11, 13, 15});
}
constexpr Eight kRamp = {0, 1, 2, 3, 4, 5, 6, 7};
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
        Eight dx, dy, sum = {0, 0, 0, 0, 0, 0, 0, 0};
        load(b.d + i, dx, dy);
        for (std::size_t l = 0; l < r; ++l) {
            const Eight u = by[l] * dx - bx[l] * dy;
            sum += u < 0.0 ? -u : u;
        }
        store(b.n2 + i, sum * sum);
    }
}

CONVEXNN_CLONES void best_wedges(const EventBlock& b, std::size_t count, double tx, double ty, double first,
                                 Lanes& lanes) {
    Eight num = load(lanes.num), den = load(lanes.den), bx = load(lanes.ux), by = load(lanes.uy), at = load(lanes.at);
    Eight here = first + kRamp;
    for (std::size_t i = 0; i < count; i += kLanes, here += static_cast<double>(kLanes)) {
        Eight dx, dy, ux, uy;
        load(b.d + i, dx, dy);
        load(b.u + i, ux, uy);
        const Eight n2 = load(b.n2 + i);
        const Eight left = dx * uy - dy * ux, right = left - (dx * ty - dy * tx);
        const Eight l2 = left * left, r2 = right * right, m2 = l2 >= r2 ? l2 : r2;
        const auto better = m2 * den > num * n2;
        num = better ? m2 : num;
        den = better ? n2 : den;
        bx = better ? ux : bx;
        by = better ? uy : by;
        at = better ? here : at;
    }
    store(lanes.num, num), store(lanes.den, den), store(lanes.ux, bx), store(lanes.uy, by), store(lanes.at, at);
}

namespace {
// The response w.X of a unit normal w is largest, |X|, at +-X: inside the arc if its borders p and f see X differently.
struct ArcLanes {
    Eight num, x, y, at;

    explicit ArcLanes(const Lanes& l) : num(load(l.num)), x(load(l.ux)), y(load(l.uy)), at(load(l.at)) {}
    void offer(const Eight& cx, const Eight& cy, const Eight& at_p, const Eight& at_f, const Eight& here) {
        const Eight n2 = cx * cx + cy * cy, inside = at_p * at_f < 0.0 ? n2 : n2 * 0.0;
        const auto better = inside > num;
        num = better ? inside : num;
        x = better ? cx : x;
        y = better ? cy : y;
        at = better ? here : at;
    }
    void save(Lanes& l) const { store(l.num, num), store(l.ux, x), store(l.uy, y), store(l.at, at); }
};
}  // namespace

CONVEXNN_CLONES void best_arcs(const EventBlock& b, std::size_t count, double tx, double ty, double first, Lanes& left,
                               Lanes& right) {
    ArcLanes l(left), r(right);
    Eight here = first + kRamp;
    for (std::size_t i = 0; i < count; i += kLanes, here += static_cast<double>(kLanes)) {
        Eight x, y, px, py, fx, fy;
        load(b.u + i, x, y);
        load(b.f + i, px, py);
        load(b.f + i + 1, fx, fy);
        l.offer(x, y, px * x + py * y, fx * x + fy * y, here);
        x -= tx, y -= ty;
        r.offer(x, y, px * x + py * y, fx * x + fy * y, here);
    }
    l.save(left), r.save(right);
}

}  // namespace convexnn
