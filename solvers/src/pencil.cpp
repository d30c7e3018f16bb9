#include "convexnn/pencil.hpp"

#include <algorithm>
#include <atomic>
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

// Remove from q its part in the first k rows of the span (twice, which is enough); length of the rest.
static double orthogonalise(const std::vector<double>& span, std::size_t k, std::size_t r, double* q) {
    for (int pass = 0; pass < 2; ++pass)
        for (std::size_t a = 0; a < k; ++a) {
            double c = 0.0;
            for (std::size_t l = 0; l < r; ++l) c += span[a * r + l] * q[l];
            for (std::size_t l = 0; l < r; ++l) q[l] -= c * span[a * r + l];
        }
    double s = 0.0;
    for (std::size_t l = 0; l < r; ++l) s += q[l] * q[l];
    return std::sqrt(s);
}

// The plane orthogonal to the fixed directions. False: the fixed rows are dependent.
bool PencilOracle::fix(std::size_t pencil, Workspace& w) const {
    const std::size_t r = shape_.r;
    w.fixed.resize(fixed_);
    fixed_rows(pencil, w.fixed.data());
    const double* pivot = shape_.affine ? &rows_[static_cast<std::size_t>(w.fixed[0]) * r] : nullptr;
    w.span.assign(r * r, 0.0);
    std::size_t k = 0;
    for (std::size_t f = shape_.affine ? 1 : 0; f < fixed_; ++f) {
        const std::size_t row = static_cast<std::size_t>(w.fixed[f]);
        double* q = &w.span[k * r];
        double before = 0.0;
        for (std::size_t l = 0; l < r; ++l) {
            q[l] = rows_[row * r + l] - (pivot && row < shape_.n ? pivot[l] : 0.0);
            before += q[l] * q[l];
        }
        const double rest = orthogonalise(w.span, k, r, q);
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
            const double rest = orthogonalise(w.span, k, r, trial.data());
            if (rest > best + 1e-9) {
                best = rest;
                for (std::size_t l = 0; l < r; ++l) winner[l] = trial[l] / rest;
            }
        }
        std::copy(winner.begin(), winner.end(), w.span.begin() + static_cast<std::ptrdiff_t>(k * r));
    }
    w.basis.assign(w.span.end() - static_cast<std::ptrdiff_t>(2 * r), w.span.end());
    return true;
}

// Every row in the plane of the workspace, samples seen from the pivot.
bool PencilOracle::project_all(Workspace& w, StopCheck& stop) const {
    const std::size_t r = shape_.r, total = shape_.n + shape_.axes;
    w.plane.resize(2 * total);
    w.fold.resize(total);
    w.origin.assign(r, 0.0);
    if (shape_.n < total) project(w, shape_.n, total, w.origin.data());  // axes are directions
    if (shape_.affine) std::copy_n(&rows_[static_cast<std::size_t>(w.fixed[0]) * r], r, w.origin.begin());
    return in_parts(shape_.n, 1 + kPart / r, stop,
                    [&](std::size_t first, std::size_t last) { project(w, first, last, w.origin.data()); });
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

// Rows of the plane by the angle of their line in [0, pi); those on the fixed span are left out.
bool PencilOracle::sort_events(std::size_t pencil, Workspace& w, StopCheck& stop) {
    const std::size_t total = shape_.n + shape_.axes;
    w.keys.clear();
    const bool listed = in_parts(total, kPart, stop, [&](std::size_t first, std::size_t last) {
        for (std::size_t i = first; i < last; ++i) {
            if (w.fold[i] == 0.0) continue;
            const double x = w.plane[2 * i], y = w.plane[2 * i + 1];
            const double key = y != 0.0 ? -x / y : -std::numeric_limits<double>::infinity();
            w.keys.emplace_back(key, static_cast<std::uint32_t>(i));
        }
    });
    if (!listed) return false;
    if (!sort_distinct(w.keys, w.merged, stop)) return false;
    w.count = static_cast<std::uint32_t>(w.keys.size());
    std::uint32_t* order = keep_ ? &orders_[pencil * total] : (w.order.resize(total), w.order.data());
    for (std::size_t e = 0; e < w.keys.size(); ++e) order[e] = w.keys[e].second;
    if (keep_) counts_[pencil] = w.count + 1;
    return true;
}

bool PencilOracle::visit(std::size_t pencil, Workspace& w, const PencilCall& call, StopCheck& stop) {
    double* value = call.value + pencil * segments_;
    if (!fix(pencil, w)) {
        std::fill(value, value + segments_, 0.0);
        return true;
    }
    if (!project_all(w, stop)) return false;
    if ((!keep_ || counts_[pencil] == 0) && !sort_events(pencil, w, stop)) return false;
    if (keep_) w.count = counts_[pencil] - 1;
    w.turn = keep_ ? &orders_[pencil * (shape_.n + shape_.axes)] : w.order.data();
    const bool swept = call.c == 1 ? sweep_one(pencil, w, call, stop) : sweep_group(pencil, w, call, stop);
    if (!swept) return false;
    if (w.count == 0 || call.scope != PencilCall::cells || shape_.r != 3 || shape_.affine) return true;
    return visit_cells(pencil, w, call, stop);
}

std::size_t PencilOracle::price(const PencilCall& call, StopCheck& stop) {
    const std::size_t total = shape_.n + shape_.axes, count = pencils_ * segments_;
    std::fill(call.value, call.value + count, -1.0);
    std::fill(call.row, call.row + count, std::int64_t{-1});
    std::fill(call.normal, call.normal + count * shape_.r, 0.0);
    if (keep_ && !orders_) {
        counts_.assign(pencils_, 0);
        orders_.reset(new std::uint32_t[pencils_ * total]);
    }
    std::vector<Workspace> spaces(std::max(1u, call.threads));
    // Small pencils are handed out in groups, so that the counter is not contended.
    const std::size_t group = std::max<std::size_t>(1, 4096 / std::max<std::size_t>(1, total));
    const std::size_t groups = (pencils_ + group - 1) / group;
    std::atomic<std::size_t> done{0};
    parallel_for(groups, call.threads, stop, [&](std::size_t g, unsigned thread) {
        for (std::size_t p = g * group; p < std::min(pencils_, (g + 1) * group); ++p) {
            if (!visit(p, spaces[thread], call, stop)) return;
            done.fetch_add(1, std::memory_order_relaxed);
        }
    });
    return done;
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

// run(first, last, px, py, length, best) over the events of every segment; false if stopped.
template <class Run>
bool PencilOracle::each_segment(std::size_t pencil, Workspace& w, const PencilCall& call, Run&& run) const {
    const std::size_t r = shape_.r, count = w.count;
    const double *bx = w.basis.data(), *by = bx + r, *plane = w.plane.data(), *fold = w.fold.data();
    for (std::size_t s = 0; s < segments_; ++s) {
        const std::size_t first = count * s / segments_, last = count * (s + 1) / segments_, at = pencil * segments_ + s;
        Best best;
        bool swept = true;
        if (first < last) {
            const std::size_t before = first ? w.turn[first - 1] : w.turn[count - 1];
            const double turn = first ? fold[before] : -fold[before];  // the last direction, half a turn back
            const double px = turn * plane[2 * before], py = turn * plane[2 * before + 1];
            if (shape_.l1) swept = run(first, last, px, py, PlaneL1{r, bx, by}, best);
            else swept = run(first, last, px, py, PlaneL2{}, best);
        }
        if (!swept) return false;
        call.value[at] = best.value();
        call.row[at] = best.row;
        const double unit = 1.0 / std::sqrt(best.length2);
        for (std::size_t l = 0; l < r; ++l) call.normal[at * r + l] = unit * (bx[l] * best.wx + by[l] * best.wy);
    }
    return true;
}

bool PencilOracle::sweep_one(std::size_t pencil, Workspace& w, const PencilCall& call, StopCheck& stop) const {
    const std::size_t total = shape_.n + shape_.axes, n = shape_.n;
    const double *plane = w.plane.data(), *fold = w.fold.data();
    SingleSums sums;
    w.events.resize(total);
    const bool summed = in_parts(total, kPart, stop, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) {
            const double x = plane[2 * i], y = plane[2 * i + 1], s = fold[i], weight = i < n ? call.v[i] : 0.0;
            w.events[i] = {Two{x, y}, s * ((1.0 - call.slope) * weight), s};
            const double left = s > 0.0 ? weight : 0.0, all = s != 0.0 ? weight : 0.0;
            sums.left(x, y, &left), sums.total(x, y, &all);
        }
    });
    if (!summed) return false;
    sums.lean(call.slope);
    const Workspace::Event* events = w.events.data();
    auto get = [=](std::size_t k, double& weight) {
        weight = events[k].turned;
        return events[k].d;
    };
    auto side = [=](std::size_t k) { return events[k].fold; };
    return each_segment(pencil, w, call, [&](std::size_t first, std::size_t last, double px, double py,
                                             const auto& length, Best& best) {
        if (call.scope == PencilCall::wedges)
            return sweep_blocks<false>(get, side, w.turn, first, last, px, py, sums, length, best, stop);
        return sweep_blocks<true>(get, side, w.turn, first, last, px, py, sums, length, best, stop);
    });
}

bool PencilOracle::sweep_group(std::size_t pencil, Workspace& w, const PencilCall& call, StopCheck& stop) const {
    const std::size_t n = shape_.n, c = call.c;
    const double *plane = w.plane.data(), *fold = w.fold.data();
    w.sums.assign(4 * c, 0.0);
    w.silent.assign(c, 0.0);  // weights of the axes
    GroupSums sums{w.sums.data(), c, shape_.l1};
    const bool summed = in_parts(n, 1 + kPart / (1 + c), stop, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) {
            if (fold[i] == 0.0) continue;
            if (fold[i] > 0.0) sums.left(plane[2 * i], plane[2 * i + 1], call.v + i * c);
            sums.total(plane[2 * i], plane[2 * i + 1], call.v + i * c);
        }
    });
    if (!summed) return false;
    sums.lean(call.slope);
    const double* none = w.silent.data();
    auto get = [=, v = call.v](std::size_t k, double& dx, double& dy, double& s) {
        dx = plane[2 * k], dy = plane[2 * k + 1], s = fold[k];
        return k < n ? v + k * c : none;
    };
    return each_segment(pencil, w, call, [&](std::size_t first, std::size_t last, double px, double py,
                                             const auto& length, Best& best) {
        if (call.scope == PencilCall::wedges)
            return sweep_events<false>(get, w.turn, first, last, px, py, sums, length, best, stop);
        return sweep_events<true>(get, w.turn, first, last, px, py, sums, length, best, stop);
    });
}

}  // namespace convexnn
