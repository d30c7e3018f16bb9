#include <algorithm>
#include <cmath>
#include <cstring>

#include "convexnn/sectors.hpp"
#include "convexnn/vector.hpp"

namespace convexnn {

namespace {
constexpr double kAlike = 0.02;           // neurons whose angles and offsets differ by less are alike
constexpr double kTie = 1e-12;            // samples nearer than this along a direction, as a share of their spread
}  // namespace

namespace {
// For every sample whether its line to the pivot (x, y) lies between two directions (1), or almost along the first (2).
CONVEXNN_CLONES void mark(const double* px, const double* py, std::size_t n, double x, double y, double ax, double ay,
                          double bx, double by, double tiny, std::uint8_t* flags) {
    for (std::size_t i = 0; i < n; ++i) {
        const double zx = px[i] - x, zy = py[i] - y, s = ax * zx + ay * zy, e = bx * zx + by * zy;
        flags[i] = static_cast<std::uint8_t>(((s > 0.0) != (e > 0.0) ? 1 : 0) | (std::fabs(s) <= tiny ? 2 : 0));
    }
}
}  // namespace

// Every line and every arc of one pivot in one sector.
SectorNeuron SectorOracle::walk(const Item& item, const SectorCall& call, const Totals& all) const {
    struct Event {
        double t;
        std::uint32_t sample;
    };
    const std::size_t p = item.pivot;
    const double x = x_[p], y = y_[p], ax = wx_[item.low], ay = wy_[item.low], bx = wx_[item.high], by = wy_[item.high];
    static thread_local std::vector<Event> events;
    static thread_local std::vector<std::uint8_t> flags;
    events.clear(), flags.assign((n_ + 7) / 8 * 8, 0);
    mark(x_.data(), y_.data(), n_, x, y, ax, ay, bx, by, kTie * spread_, flags.data());
    double ux = item.ux, uy = item.uy;
    const double tx = all.x[p], ty = all.y[p];
    bool doubtful = item.fresh;
    for (std::size_t w = 0; w < n_; w += 8) {
        std::uint64_t eight;
        std::memcpy(&eight, &flags[w], 8);
        for (std::size_t i = w; eight && i < std::min(n_, w + 8); ++i) {
            if (!flags[i] || i == p) continue;
            const double zx = x_[i] - x, zy = y_[i] - y, s = ax * zx + ay * zy, e = bx * zx + by * zy;
            doubtful = doubtful || ((flags[i] & 2) && (zx != 0.0 || zy != 0.0));
            if ((s > 0.0 && e < 0.0) || (s < 0.0 && e > 0.0))
                events.push_back({s / (s - e), static_cast<std::uint32_t>(i)});
        }
    }
    if (doubtful) {  // which samples are ahead is decided as above, not by the order of running sums
        ux = uy = 0.0;
        for (std::size_t i = 0; i < n_; ++i) {
            const double zx = x_[i] - x, zy = y_[i] - y, s = ax * zx + ay * zy;
            if (s > 0.0 || (s == 0.0 && bx * zx + by * zy > 0.0)) ux += call.v[i] * zx, uy += call.v[i] * zy;
        }
    }
    std::sort(events.begin(), events.end(), [](const Event& a, const Event& c) {
        return a.t < c.t || (a.t == c.t && a.sample < c.sample);
    });
    SectorNeuron best;
    best.pivot = p;
    auto offer = [&](double value, double wx, double wy, std::int64_t row) {
        if (value > best.value) best.value = value, best.wx = wx, best.wy = wy, best.row = row;
    };
    // The response at a unit direction, of both orientations; and the arc that ends there.
    double lx = ax, ly = ay;
    auto at = [&](double wx, double wy, std::int64_t row) {
        const double near = wx * ux + wy * uy, far = wx * tx + wy * ty - near;
        offer(std::fabs(near), wx, wy, row), offer(std::fabs(far), -wx, -wy, row);
    };
    auto arc = [&](double hx, double hy) {
        for (int side = 0; side < 2; ++side) {
            const double sx = side ? tx - ux : ux, sy = side ? ty - uy : uy;
            const double turn = sx * lx + sy * ly < 0.0 ? -1.0 : 1.0, dx = turn * sx, dy = turn * sy;
            if (lx * dy - ly * dx < 0.0 || dx * hy - dy * hx < 0.0) continue;
            const double length = std::sqrt(dx * dx + dy * dy), sign = side ? -1.0 : 1.0;
            if (length > 0.0) offer(length, sign * dx / length, sign * dy / length, -1);
        }
        lx = hx, ly = hy;
    };
    at(ax, ay, -1);
    for (const Event& event : events) {
        const double zx = x_[event.sample] - x, zy = y_[event.sample] - y, length = std::sqrt(zx * zx + zy * zy);
        double wx = -zy / length, wy = zx / length;
        if (wx * (ax + bx) + wy * (ay + by) < 0.0) wx = -wx, wy = -wy;
        arc(wx, wy);
        at(wx, wy, static_cast<std::int64_t>(event.sample));
        const double v = ax * zx + ay * zy > 0.0 ? -call.v[event.sample] : call.v[event.sample];
        ux += v * zx, uy += v * zy;
    }
    arc(bx, by);
    at(bx, by, -1);
    return best;
}

// The strongest, without those that are nearly the same line.
void SectorOracle::select(std::vector<SectorNeuron>& found, std::size_t limit) const {
    std::sort(found.begin(), found.end(), [](const SectorNeuron& a, const SectorNeuron& b) {
        return a.value > b.value || (a.value == b.value && (a.pivot < b.pivot || (a.pivot == b.pivot && a.wx < b.wx)));
    });
    std::vector<SectorNeuron> kept;
    for (const SectorNeuron& one : found) {
        if (kept.size() == limit) break;
        const double c = one.wx * x_[one.pivot] + one.wy * y_[one.pivot];
        const bool alike = std::any_of(kept.begin(), kept.end(), [&](const SectorNeuron& other) {
            const double d = other.wx * x_[other.pivot] + other.wy * y_[other.pivot];
            return std::fabs(one.wx - other.wx) + std::fabs(one.wy - other.wy) < kAlike &&
                   std::fabs(c - d) < kAlike * spread_;
        });
        if (!alike) kept.push_back(one);
    }
    found.swap(kept);
}

}  // namespace convexnn
