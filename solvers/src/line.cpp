#include "convexnn/line.hpp"

#include <cmath>
#include <limits>

namespace convexnn {

double line_compress(const LineData& d, const std::int64_t* knots, std::size_t m, double* rows,
                     StopCheck& stop) {
    constexpr double kStopped = std::numeric_limits<double>::quiet_NaN();
    double rest = 0.0;
    std::size_t i = 0;
    for (std::size_t s = 0; s <= m; ++s) {
        const std::size_t end = s < m ? static_cast<std::size_t>(knots[s]) + 1 : d.n;
        // Two passes: centred sums do not cancel, wherever the origin of x is.
        double mass = 0.0, mx = 0.0, my = 0.0;
        const bool summed = in_parts(end - i, kPart, stop, [&](std::size_t first, std::size_t last) {
            for (std::size_t k = i + first; k < i + last; ++k) {
                const double w = d.w ? d.w[k] : 1.0;
                mass += w, mx += w * d.x[k], my += w * d.y[k];
            }
        });
        if (!summed) return kStopped;
        if (mass > 0.0) mx /= mass, my /= mass;
        double xx = 0.0, xy = 0.0, yy = 0.0;
        const bool centred = in_parts(end - i, kPart, stop, [&](std::size_t first, std::size_t last) {
            for (std::size_t k = i + first; k < i + last; ++k) {
                const double w = d.w ? d.w[k] : 1.0, dx = d.x[k] - mx, dy = d.y[k] - my;
                xx += w * dx * dx, xy += w * dx * dy, yy += w * dy * dy;
            }
        });
        if (!centred) return kStopped;
        const double root = std::sqrt(mass), spread = std::sqrt(xx);
        double* row = rows + 6 * s;
        row[0] = root, row[1] = root * mx, row[2] = root * my;
        row[3] = 0.0, row[4] = spread, row[5] = spread > 0.0 ? xy / spread : 0.0;
        rest += 0.5 * (yy - row[5] * row[5]);
        i = end;
    }
    return rest;
}

double line_price(const LineData& d, const std::int64_t* knots, std::size_t m, const double* origins,
                  const double* values, const double* slopes, double* extremes, std::int64_t* where, double* totals,
                  StopCheck& stop) {
    double loss = 0.0, mass = 0.0, sum = 0.0, moment = 0.0, fitted = 0.0;
    std::size_t i = d.n;
    const double x0 = d.x[0];
    double next_x = d.x[d.n - 1];
    for (std::size_t s = m + 1; s-- > 0;) {
        const std::size_t begin = s > 0 ? static_cast<std::size_t>(knots[s - 1]) + 1 : 0;
        const double origin = origins[s], value = values[s], slope = slopes[s];
        double high = -std::numeric_limits<double>::infinity(), low = -high;
        std::int64_t at_high = -1, at_low = -1;
        const bool priced = in_parts(i - begin, kPart, stop, [&](std::size_t first, std::size_t last) {
            for (std::size_t k = i - first; k-- > i - last;) {
                // R decreases its point by next_x - x: every later sample gains that distance.
                sum += mass * (next_x - d.x[k]);
                next_x = d.x[k];
                if (sum > high) high = sum, at_high = static_cast<std::int64_t>(k);
                if (sum < low) low = sum, at_low = static_cast<std::int64_t>(k);
                const double f = value + slope * (d.x[k] - origin), r = d.y[k] - f, v = d.w ? d.w[k] * r : r;
                loss += 0.5 * v * r;
                mass += v;
                moment += v * (d.x[k] - x0);
                fitted += v * f;
            }
        });
        if (!priced) return std::numeric_limits<double>::quiet_NaN();
        extremes[2 * s] = high, extremes[2 * s + 1] = low;
        where[2 * s] = at_high, where[2 * s + 1] = at_low;
        i = begin;
    }
    totals[0] = mass, totals[1] = moment, totals[2] = fitted;
    return loss;
}

}  // namespace convexnn
