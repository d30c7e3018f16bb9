#include "convexnn/pencil.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "convexnn/combinations.hpp"
#include "convexnn/parallel.hpp"
#include "convexnn/sweep.hpp"
#include "workspace.hpp"

namespace convexnn {

PencilOracle::PencilOracle(PencilShape shape, const double* points, const double* axes, std::size_t memory)
    : shape_(shape) {
    if (shape.r < 2) throw std::invalid_argument("a pencil needs at least two dimensions");
    rows_.assign(points, points + shape.n * shape.r);
    rows_.insert(rows_.end(), axes, axes + shape.axes * shape.r);
    double largest = 0.0;
    for (double x : rows_) largest = std::max(largest, std::fabs(x));
    tiny_ = 1e-13 * largest;
    const std::size_t total = shape.n + shape.axes;
    fixed_ = shape.affine ? shape.r - 1 : shape.r - 2;
    pencils_ = binomial(total, fixed_) - (shape.affine ? binomial(shape.axes, fixed_) : 0);
    segments_ = std::clamp<std::size_t>(pencils_ > 0 ? 128 / pencils_ : 1, 1, 64);
    const std::size_t room = memory / sizeof(std::uint32_t);
    keep_ = pencils_ > 0 && total <= room / pencils_;
}

void PencilOracle::fixed_rows(std::size_t pencil, std::int64_t* rows) const {
    unrank(pencil, shape_.n + shape_.axes, fixed_, rows);
}

// Plane orthogonal to the fixed directions, and every row projected on it. False: the fixed rows are dependent.
bool PencilOracle::prepare(std::size_t pencil, Workspace& w) const {
    const std::size_t r = shape_.r, total = shape_.n + shape_.axes;
    w.fixed.resize(fixed_);
    fixed_rows(pencil, w.fixed.data());
    const double* pivot = shape_.affine ? &rows_[static_cast<std::size_t>(w.fixed[0]) * r] : nullptr;
    w.span.assign(r * r, 0.0);
    std::size_t k = 0;
    auto orthogonalise = [&](double* q) {
        for (int pass = 0; pass < 2; ++pass)
            for (std::size_t a = 0; a < k; ++a) {
                double c = 0.0;
                for (std::size_t l = 0; l < r; ++l) c += w.span[a * r + l] * q[l];
                for (std::size_t l = 0; l < r; ++l) q[l] -= c * w.span[a * r + l];
            }
        double s = 0.0;
        for (std::size_t l = 0; l < r; ++l) s += q[l] * q[l];
        return std::sqrt(s);
    };
    for (std::size_t f = shape_.affine ? 1 : 0; f < fixed_; ++f) {
        const std::size_t row = static_cast<std::size_t>(w.fixed[f]);
        double* q = &w.span[k * r];
        double before = 0.0;
        for (std::size_t l = 0; l < r; ++l) {
            q[l] = rows_[row * r + l] - (pivot && row < shape_.n ? pivot[l] : 0.0);
            before += q[l] * q[l];
        }
        const double rest = orthogonalise(q);
        if (rest <= tiny_ || rest <= 1e-10 * std::sqrt(before)) return false;
        for (std::size_t l = 0; l < r; ++l) q[l] /= rest;
        ++k;
    }
    // Complete by the unit vectors that keep most of their length.
    for (; k < r; ++k) {
        double best = -1.0;
        std::vector<double> winner(r), trial(r);
        for (std::size_t e = 0; e < r; ++e) {
            std::fill(trial.begin(), trial.end(), 0.0);
            trial[e] = 1.0;
            const double rest = orthogonalise(trial.data());
            if (rest > best + 1e-9) {
                best = rest;
                for (std::size_t l = 0; l < r; ++l) winner[l] = trial[l] / rest;
            }
        }
        std::copy(winner.begin(), winner.end(), w.span.begin() + static_cast<std::ptrdiff_t>(k * r));
    }
    w.basis.assign(w.span.end() - static_cast<std::ptrdiff_t>(2 * r), w.span.end());
    w.plane.resize(2 * total);
    w.fold.resize(total);
    w.origin.assign(r, 0.0);
    if (shape_.n < total) project(w, shape_.n, total, w.origin.data());  // axes are directions
    if (pivot) w.origin.assign(pivot, pivot + r);
    project(w, 0, shape_.n, w.origin.data());
    return true;
}

// Rows [first, last) seen from an origin, in the plane of the workspace.
void PencilOracle::project(Workspace& w, std::size_t first, std::size_t last, const double* origin) const {
    // Constant lengths unroll the products, which are most of a sweep otherwise.
    switch (shape_.r) {
        case 3: return project_in<3>(w, first, last, origin);
        case 4: return project_in<4>(w, first, last, origin);
        default: return project_in<0>(w, first, last, origin);
    }
}

template <std::size_t kR>
void PencilOracle::project_in(Workspace& w, std::size_t first, std::size_t last, const double* origin) const {
    const std::size_t r = kR ? kR : shape_.r;
    const double *bx = w.basis.data(), *by = bx + r, *row = &rows_[first * r];
    double *plane = w.plane.data(), *fold = w.fold.data();
    const double tiny = tiny_;
    for (std::size_t i = first; i < last; ++i, row += r) {
        double x = 0.0, y = 0.0;
        for (std::size_t l = 0; l < r; ++l) {
            const double t = row[l] - origin[l];
            x += bx[l] * t, y += by[l] * t;
        }
        // Signs are as good as random: chosen, not branched on.
        const double up = y > 0.0 ? 1.0 : -1.0, flat = x > 0.0 ? 1.0 : -1.0, side = y == 0.0 ? flat : up;
        fold[i] = std::fabs(x) + std::fabs(y) > tiny ? side : 0.0;
        plane[2 * i] = x, plane[2 * i + 1] = y;
    }
}

void PencilOracle::sort_events(std::size_t pencil, Workspace& w) {
    const std::size_t total = shape_.n + shape_.axes;
    w.keys.clear();
    for (std::size_t i = 0; i < total; ++i)
        if (w.fold[i] != 0.0) {
            // -cot(angle) grows with the angle in [0, pi); the sign of the fold cancels.
            const double x = w.plane[2 * i], y = w.plane[2 * i + 1];
            const double key = y != 0.0 ? -x / y : -std::numeric_limits<double>::infinity();
            w.keys.emplace_back(key, static_cast<std::uint32_t>(i));
        }
    std::sort(w.keys.begin(), w.keys.end());
    w.count = static_cast<std::uint32_t>(w.keys.size());
    std::uint32_t* order = keep_ ? &orders_[pencil * total] : (w.order.resize(total), w.order.data());
    for (std::size_t e = 0; e < w.keys.size(); ++e) order[e] = w.keys[e].second;
    if (keep_) counts_[pencil] = w.count + 1;  // 0 means "not sorted yet"
}

bool PencilOracle::price(const double* v, std::size_t c, Scope scope, double floor, unsigned threads,
                         const StopCheck& stop, double* value, std::int64_t* row, double* normal) {
    const std::size_t total = shape_.n + shape_.axes, r = shape_.r;
    if (keep_ && orders_.empty()) {
        orders_.resize(pencils_ * total);
        counts_.assign(pencils_, 0);
    }
    std::vector<Workspace> spaces(std::max(1u, threads));
    // Small pencils are handed out in groups, so that the counter is not contended.
    const std::size_t group = std::max<std::size_t>(1, 4096 / std::max<std::size_t>(1, total));
    const std::size_t groups = (pencils_ + group - 1) / group;
    return parallel_for(groups, threads, stop, [&](std::size_t g, unsigned thread) {
        for (std::size_t p = g * group; p < std::min(pencils_, (g + 1) * group); ++p) {
            Workspace& w = spaces[thread];
            double* out = value + p * segments_;
            std::fill(out, out + segments_, 0.0);
            std::fill(row + p * segments_, row + (p + 1) * segments_, std::int64_t{-1});
            std::fill(normal + p * segments_ * r, normal + (p + 1) * segments_ * r, 0.0);
            if (!prepare(p, w)) continue;
            if (!keep_ || counts_[p] == 0) sort_events(p, w);
            if (keep_) w.count = counts_[p] - 1;
            sweep(p, w, v, c, scope, floor, out, row + p * segments_, normal + p * segments_ * r);
        }
    });
}

namespace {

// Squared length, in the norm of the working space, of the normal (x, y) of the plane.
struct PlaneL2 {
    double operator()(double x, double y) const { return x * x + y * y; }
    void fill(EventBlock& block, std::size_t count) const { lengths_l2(block, count); }
};
struct PlaneL1 {
    std::size_t r;
    const double *bx, *by;
    double operator()(double x, double y) const {
        double s = 0.0;
        for (std::size_t l = 0; l < r; ++l) s += std::fabs(bx[l] * x + by[l] * y);
        return s * s;
    }
    void fill(EventBlock& block, std::size_t count) const { lengths_l1(block, count, bx, by, r); }
};

}  // namespace

void PencilOracle::sweep(std::size_t pencil, Workspace& w, const double* v, std::size_t c, Scope scope, double floor,
                         double* value, std::int64_t* row, double* normal) const {
    const std::size_t total = shape_.n + shape_.axes, r = shape_.r, count = w.count;
    if (count == 0) return;
    const std::uint32_t* order = keep_ ? &orders_[pencil * total] : w.order.data();
    const double *bx = w.basis.data(), *by = bx + r, *plane = w.plane.data(), *fold = w.fold.data();
    const std::size_t n = shape_.n;
    auto each_segment = [&](auto&& run) {
        for (std::size_t s = 0; s < segments_; ++s) {
            const std::size_t first = count * s / segments_, last = count * (s + 1) / segments_;
            if (first == last) continue;
            const std::size_t before = first ? order[first - 1] : order[count - 1];
            const double turn = first ? fold[before] : -fold[before];  // the last direction, half a turn back
            const double px = turn * plane[2 * before], py = turn * plane[2 * before + 1];
            Best best;
            if (shape_.l1) run(first, last, px, py, PlaneL1{r, bx, by}, best);
            else run(first, last, px, py, PlaneL2{}, best);
            value[s] = best.value();
            row[s] = best.row;
            const double unit = 1.0 / std::sqrt(best.length2);
            for (std::size_t l = 0; l < r; ++l) normal[s * r + l] = unit * (bx[l] * best.wx + by[l] * best.wy);
        }
    };
    if (c == 1) {
        SingleSums sums;
        w.events.resize(total);
        for (std::size_t i = 0; i < total; ++i) {
            const double x = plane[2 * i], y = plane[2 * i + 1], s = fold[i], weight = i < n ? v[i] : 0.0;
            w.events[i] = {Two{x, y}, s * weight, s};
            const double left = s > 0.0 ? weight : 0.0, all = s != 0.0 ? weight : 0.0;
            sums.left(x, y, &left), sums.total(x, y, &all);
        }
        const Workspace::Event* events = w.events.data();
        auto get = [=](std::size_t k, double& weight) {
            weight = events[k].turned;
            return events[k].d;
        };
        auto side = [=](std::size_t k) { return events[k].fold; };
        each_segment([&](std::size_t first, std::size_t last, double px, double py, const auto& length, Best& best) {
            if (scope == wedges) sweep_blocks<false>(get, side, order, first, last, px, py, sums, length, best);
            else sweep_blocks<true>(get, side, order, first, last, px, py, sums, length, best);
        });
    } else {
        w.sums.assign(4 * c, 0.0);
        w.silent.assign(c, 0.0);  // weights of the axes
        GroupSums sums{w.sums.data(), c, shape_.l1};
        for (std::size_t i = 0; i < n; ++i) {
            if (fold[i] == 0.0) continue;
            if (fold[i] > 0.0) sums.left(plane[2 * i], plane[2 * i + 1], v + i * c);
            sums.total(plane[2 * i], plane[2 * i + 1], v + i * c);
        }
        const double* none = w.silent.data();
        auto get = [=](std::size_t k, double& dx, double& dy, double& s) {
            dx = plane[2 * k], dy = plane[2 * k + 1], s = fold[k];
            return k < n ? v + k * c : none;
        };
        each_segment([&](std::size_t first, std::size_t last, double px, double py, const auto& length, Best& best) {
            if (scope == wedges) sweep_events<false>(get, order, first, last, px, py, sums, length, best);
            else sweep_events<true>(get, order, first, last, px, py, sums, length, best);
        });
    }
    if (scope == cells && r == 3 && !shape_.affine) visit_cells(w, order, v, c, floor, value, row, normal);
}

}  // namespace convexnn
