// One dimension: a continuous piecewise linear function with knots at samples, fitted to many samples.
//
// Between two knots the squared loss is a quadratic in (value, slope): it equals the loss of two pseudo-samples.
// So the restricted problem has 2 (knots + 1) rows whatever n is, and a round costs two passes over the data.
#pragma once

#include <cstddef>
#include <cstdint>

#include "convexnn/interrupt.hpp"

namespace convexnn {

// Samples in increasing x with weights (nullptr: all one).
struct LineData {
    const double* x;
    const double* y;
    const double* w;
    std::size_t n;
};

// knots: increasing sample indices, the m of them part the samples into m + 1 segments [0, k_0], (k_0, k_1], ...
// Per segment two rows (a, b, target): the functional f -> a f-intercept + b f-slope of the line a + b x on the
// segment. Returns the part of the loss no line can remove, nan if stopped.
double line_compress(const LineData& data, const std::int64_t* knots, std::size_t m, double* rows, StopCheck& stop);

// Line `values[s] + slopes[s] (x - origins[s])` on segment s. Residual v = w (y - f), hinge responses
// R_j = sum_{i > j} v_i (x_i - x_j). Per segment the samples of the largest and smallest R and their values;
// totals: sum v, sum v (x - x_0), sum v f. Returns the squared loss, nan if stopped.
//
// Where an intercept is free, sum v = 0 and T = sum v (x - x_0) is the same for every hinge. An activation of slope s
// on its inactive side then answers (1 - s) R_j + s T to the right and (1 - s) R_j - T to the left: both are extreme
// where R_j is, so the slope is the caller's.
double line_price(const LineData& data, const std::int64_t* knots, std::size_t m, const double* origins,
                  const double* values, const double* slopes, double* extremes, std::int64_t* where, double* totals,
                  StopCheck& stop);

}  // namespace convexnn
