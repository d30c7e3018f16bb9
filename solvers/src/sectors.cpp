#include "convexnn/sectors.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "convexnn/parallel.hpp"
#include "convexnn/vector.hpp"

namespace convexnn {

namespace {
constexpr double kFirst = 0.7390851332151607, kShift = 0.2718281828459045;  // no direction is one of a regular grid
constexpr double kPi = 3.14159265358979323846;
constexpr double kRounding = 1e-13;       // of a running sum, as a share of all that is summed
constexpr std::size_t kDeep = 5, kParts = 1 << kDeep;  // a sector is halved so often at most
constexpr std::size_t kMany = 6;          // pivots that may be looked at line by line before a sector is halved
constexpr std::size_t kSectors = 16;      // sectors of one chunk: the same for any number of threads
constexpr std::size_t kSmall = 1 << 14;   // samples times sectors below which there is one chunk
constexpr double kTiny = 1e-300;

double larger(double a, double b) { return a > b ? a : b; }
}  // namespace

struct SectorOracle::Chunk {
    std::vector<Item> items;
    std::vector<double> best;           // strongest end of each pivot, and its direction
    std::vector<std::uint32_t> where;
    double top = 0.0, largest = 0.0;    // largest of them, and largest bound
};

SectorOracle::SectorOracle(const double* points, std::size_t n, std::size_t sectors, std::size_t memory)
    : n_(n), sectors_(sectors), memory_(memory), x_(n), y_(n), kept_(sectors * kParts) {
    double lowest[2] = {0.0, 0.0}, highest[2] = {0.0, 0.0};
    for (std::size_t i = 0; i < n; ++i) {
        x_[i] = points[2 * i], y_[i] = points[2 * i + 1];
        for (std::size_t k = 0; k < 2; ++k) {
            lowest[k] = i ? std::min(lowest[k], points[2 * i + k]) : points[k];
            highest[k] = i ? std::max(highest[k], points[2 * i + k]) : points[k];
        }
    }
    spread_ = larger(highest[0] - lowest[0], highest[1] - lowest[1]);
    for (std::size_t d = 0; d < kept_.size(); ++d) {
        const double at = static_cast<double>(d) / kParts;
        const double angle = kFirst + kPi / static_cast<double>(sectors) * (at + kShift * std::sin(at));
        wx_.push_back(std::cos(angle)), wy_.push_back(std::sin(angle));
    }
    wx_.push_back(-wx_[0]), wy_.push_back(-wy_[0]);
}

// Samples by decreasing coordinate along a direction, kept for the next call as long as the memory lasts.
const std::uint32_t* SectorOracle::order(std::size_t d, std::vector<std::uint32_t>& own, StopCheck& stop) {
    if (!kept_[d].empty()) return kept_[d].data();
    std::vector<std::pair<double, std::uint32_t>> keys(n_), merged;
    for (std::size_t i = 0; i < n_; ++i)
        keys[i] = {-(wx_[d] * x_[i] + wy_[d] * y_[i]), static_cast<std::uint32_t>(i)};
    if (!sort_distinct(keys, merged, stop)) return nullptr;
    const std::size_t bytes = n_ * sizeof(std::uint32_t);
    std::vector<std::uint32_t>& out = used_.fetch_add(bytes) + bytes <= memory_ ? kept_[d] : own;
    out.resize(n_);
    for (std::size_t i = 0; i < n_; ++i) out[i] = keys[i].second;
    return out.data();
}

// U of the samples ahead of every pivot along a direction, for positive (px, py) and negative weights, one value per
// sample; and the response there.
struct SectorOracle::State {
    std::vector<double> px, py, nx, ny, end;
    explicit State(std::size_t n) : px(n), py(n), nx(n), ny(n), end(n) {}
};

SectorOracle::Totals SectorOracle::total(const double* v) const {
    Totals all{std::vector<double>(n_), std::vector<double>(n_), std::vector<double>(n_), std::vector<double>(n_), 0.0};
    double mass = 0.0, mx = 0.0, my = 0.0, size = 0.0;
    for (std::size_t i = 0; i < n_; ++i) {
        all.positive[i] = larger(v[i], 0.0), all.negative[i] = larger(-v[i], 0.0);
        mass += v[i], mx += v[i] * x_[i], my += v[i] * y_[i];
        size += std::fabs(v[i]) * (std::fabs(x_[i]) + std::fabs(y_[i]));
    }
    for (std::size_t i = 0; i < n_; ++i) all.x[i] = mx - mass * x_[i], all.y[i] = my - mass * y_[i];
    all.slack = kRounding * size;
    return all;
}

namespace {
// Bounds on the responses in the sector between two unit directions (ox, oy) and (wx, wy), for n pivots.
CONVEXNN_CLONES void bound(const double* opx, const double* opy, const double* onx, const double* ony,
                           const double* from, const double* px, const double* py, const double* nx, const double* ny,
                           const double* to, double ox, double oy, double wx, double wy, double slack, std::size_t n,
                           double* out) {
    // On the unit circle between the ends a linear bound is larger than on their chord.
    const double stretch = 1.0 / std::sqrt(0.5 * (1.0 + wx * ox + wy * oy));
    for (std::size_t i = 0; i < n; ++i) {
        const double dpx = opx[i] - px[i], dpy = opy[i] - py[i], dnx = onx[i] - nx[i], dny = ony[i] - ny[i];
        // What P or N, the larger one, lose at an end by their tangent at the other end; of all mixtures of both
        // tangents the best is the one that gives both ends the same bound.
        const double e0 = larger(larger(ox * dpx + oy * dpy, ox * dnx + oy * dny), 0.0);
        const double e1 = larger(larger(-wx * dpx - wy * dpy, -wx * dnx - wy * dny), 0.0);
        const double share = e0 / (e0 + e1 + kTiny);
        out[i] = larger(larger(from[i], to[i]), from[i] + share * (to[i] - from[i]) + share * e1) * stretch + slack;
    }
}

// The larger response of both orientations along (wx, wy), for n pivots.
CONVEXNN_CLONES void respond(const double* px, const double* py, const double* nx, const double* ny, const double* tx,
                             const double* ty, double wx, double wy, std::size_t n, double* out) {
    for (std::size_t i = 0; i < n; ++i) {
        const double near = wx * (px[i] - nx[i]) + wy * (py[i] - ny[i]);
        out[i] = larger(std::fabs(near), std::fabs(wx * tx[i] + wy * ty[i] - near));
    }
}

CONVEXNN_CLONES double largest(const double* values, std::size_t n) {
    double top[4] = {};
    for (std::size_t i = 0; i < n; ++i) top[i % 4] = larger(top[i % 4], values[i]);
    return larger(larger(top[0], top[1]), larger(top[2], top[3]));
}
}  // namespace

// Running sums along a direction.
bool SectorOracle::run(std::size_t d, const Totals& all, State& now, StopCheck& stop) {
    if (stop(2 * n_)) return false;
    const bool turned = d == kept_.size();  // from behind the same samples are met in the opposite order
    std::vector<std::uint32_t> own;
    const std::uint32_t* along = order(turned ? 0 : d, own, stop);
    if (!along) return false;
    double p0 = 0.0, p1 = 0.0, p2 = 0.0, n0 = 0.0, n1 = 0.0, n2 = 0.0;
    for (std::size_t r = 0; r < n_; ++r) {
        const std::size_t i = along[turned ? n_ - 1 - r : r];
        const double x = x_[i], y = y_[i], up = all.positive[i], down = all.negative[i];
        now.px[i] = p1 - p0 * x, now.py[i] = p2 - p0 * y, now.nx[i] = n1 - n0 * x, now.ny[i] = n2 - n0 * y;
        p0 += up, p1 += up * x, p2 += up * y;
        n0 += down, n1 += down * x, n2 += down * y;
    }
    respond(now.px.data(), now.py.data(), now.nx.data(), now.ny.data(), all.x.data(), all.y.data(), wx_[d], wy_[d], n_,
            now.end.data());
    return true;
}

// Take the ends along a direction into account.
void SectorOracle::keep_ends(std::size_t d, const State& now, Chunk& out) const {
    for (std::size_t i = 0; i < n_; ++i)
        if (now.end[i] > out.best[i]) out.best[i] = now.end[i], out.where[i] = static_cast<std::uint32_t>(d);
    out.top = larger(out.top, largest(now.end.data(), n_));
}

// Bounds of the sector between two directions: halved while many pivots may exceed what is wanted or known.
bool SectorOracle::look_between(std::size_t low, std::size_t high, const State& old, const State& now,
                                const Totals& all, double floor, Chunk& out, StopCheck& stop) {
    std::vector<double> bounds(n_);
    bound(old.px.data(), old.py.data(), old.nx.data(), old.ny.data(), old.end.data(), now.px.data(), now.py.data(),
          now.nx.data(), now.ny.data(), now.end.data(), wx_[low], wy_[low], wx_[high], wy_[high], all.slack, n_,
          bounds.data());
    const double least = larger(floor, out.top), most = largest(bounds.data(), n_);
    if (most <= least) {
        out.largest = larger(out.largest, most);
        return true;
    }
    std::size_t many = 0;
    for (std::size_t i = 0; i < n_; ++i) many += bounds[i] > least;
    if (many > kMany && high - low > 1) {
        const std::size_t middle = low + (high - low) / 2;
        State between(n_);
        if (!run(middle, all, between, stop)) return false;
        keep_ends(middle, between, out);
        return look_between(low, middle, old, between, all, floor, out, stop) &&
               look_between(middle, high, between, now, all, floor, out, stop);
    }
    out.largest = larger(out.largest, most);
    for (std::size_t i = 0; i < n_; ++i)
        if (bounds[i] > least)
            out.items.push_back({bounds[i], old.px[i] - old.nx[i], old.py[i] - old.ny[i],
                                 static_cast<std::uint32_t>(low), static_cast<std::uint32_t>(high),
                                 static_cast<std::uint32_t>(i), false});
    return true;
}

// Ends and bounds of the sectors first to last.
bool SectorOracle::look(std::size_t first, std::size_t last, const Totals& all, double floor, Chunk& out,
                        StopCheck& stop) {
    out.best.assign(n_, 0.0), out.where.assign(n_, static_cast<std::uint32_t>(first * kParts));
    // Strong ends first: what is known of the maximum spares halving.
    std::vector<State> states(last - first + 1, State(n_));
    for (std::size_t b = first; b <= last; ++b) {
        if (!run(b * kParts, all, states[b - first], stop)) return false;
        keep_ends(b * kParts, states[b - first], out);
    }
    for (std::size_t b = first; b < last; ++b)
        if (!look_between(b * kParts, (b + 1) * kParts, states[b - first], states[b - first + 1], all, floor, out, stop))
            return false;
    return true;
}

SectorAnswer SectorOracle::price(const SectorCall& call, StopCheck& stop) {
    SectorAnswer answer;
    const std::size_t parts = n_ * sectors_ <= kSmall ? 1 : (sectors_ + kSectors - 1) / kSectors;
    const std::size_t width = (sectors_ + parts - 1) / parts;
    // Chunks share the directions at their ends, which therefore are there before.
    const bool sorted = parallel_for(parts > 1 ? sectors_ : 0, call.threads, stop, [&](std::size_t b, unsigned) {
        std::vector<std::uint32_t> none;
        order(b * kParts, none, stop);
    });
    if (!sorted) return answer;
    const Totals all = total(call.v);
    std::vector<Chunk> chunks(parts);
    const bool bounded = parallel_for(parts, call.threads, stop, [&](std::size_t k, unsigned) {
        look(k * width, std::min(sectors_, (k + 1) * width), all, call.floor, chunks[k], stop);
    });
    if (!bounded) return answer;
    std::vector<Item> items;
    std::vector<std::pair<double, Item>> ends;  // of each pivot the best direction, if it is above the floor
    double top = 0.0, largest = 0.0;
    for (const Chunk& chunk : chunks) top = larger(top, chunk.top), largest = larger(largest, chunk.largest);
    for (std::size_t p = 0; p < n_; ++p) {
        double best = call.floor;
        Item item = {0.0, 0.0, 0.0, 0, 0, static_cast<std::uint32_t>(p), true};
        for (const Chunk& chunk : chunks)
            if (chunk.best[p] > best) best = chunk.best[p], item.low = chunk.where[p], item.bound = best;
        if (item.bound > 0.0) ends.emplace_back(best, item);
    }
    const double least = larger(call.floor, top);
    for (const Chunk& chunk : chunks)
        for (const Item& item : chunk.items)
            if (item.bound > least) items.push_back(item);
    std::sort(items.begin(), items.end(), [](const Item& a, const Item& b) {
        return std::make_tuple(-a.bound, a.low, a.pivot) < std::make_tuple(-b.bound, b.low, b.pivot);
    });
    answer.strongest = top;
    std::vector<SectorNeuron> found;
    for (const Item& item : items) {
        if (item.bound <= larger(call.floor, answer.strongest)) break;
        if (stop(2 * n_)) return answer;
        found.push_back(walk(item, call, all));
        answer.strongest = larger(answer.strongest, found.back().value);
    }
    const std::size_t tried = std::min(ends.size(), 4 * call.limit);
    std::partial_sort(ends.begin(), ends.begin() + static_cast<std::ptrdiff_t>(tried), ends.end(),
                      [](const auto& a, const auto& b) {
                          return a.first > b.first || (a.first == b.first && a.second.pivot < b.second.pivot);
                      });
    for (std::size_t k = 0; k < tried; ++k)
        for (std::size_t side = 0; side < 2; ++side) {
            if (stop(2 * n_)) return answer;
            Item item = ends[k].second;
            // The sector in which the direction lies, and the one before.
            const std::size_t b = (item.low / kParts + sectors_ - (side ? 1 : 0)) % sectors_;
            item.low = static_cast<std::uint32_t>(b * kParts), item.high = static_cast<std::uint32_t>((b + 1) * kParts);
            found.push_back(walk(item, call, all));
        }
    found.erase(std::remove_if(found.begin(), found.end(),
                               [&](const SectorNeuron& one) { return !(one.value > call.floor); }),
                found.end());
    select(found, call.limit);
    for (const SectorNeuron& one : found) answer.strongest = larger(answer.strongest, one.value);
    answer.neurons = std::move(found);
    // What was not looked into is below the floor or below the strongest.
    answer.above = items.empty() ? largest : larger(call.floor, answer.strongest);
    answer.complete = true;
    return answer;
}

}  // namespace convexnn
