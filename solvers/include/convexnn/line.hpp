// One dimension: a continuous piecewise linear function with knots at samples, fitted to many samples.
//
// Between two knots the squared loss is a quadratic in (value, slope): it equals the loss of two pseudo-samples.
// So the restricted problem has 2 (knots + 1) rows whatever n is, and a round costs two passes over the data.
#pragma once

#include <cstddef>
#include <cstdint>

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
// segment. Returns the part of the loss no line can remove.
double line_compress(const LineData& data, const std::int64_t* knots, std::size_t m, double* rows);

// Line `values[s] + slopes[s] (x - origins[s])` on segment s. Residual v = w (y - f), hinge responses
// R_j = sum_{i > j} v_i (x_i - x_j). Per segment the samples of the largest and smallest R and their values;
// totals: sum v, sum v (x - x_0), sum v f. Returns the squared loss.
double line_price(const LineData& data, const std::int64_t* knots, std::size_t m, const double* origins,
                  const double* values, const double* slopes, double* extremes, std::int64_t* where, double* totals);

}  // namespace convexnn
