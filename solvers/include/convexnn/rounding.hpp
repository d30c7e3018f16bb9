// ReLUs whose kink is rounded off, forwards and backwards, one pass over the responses each.
//
// Legend: S (n, m) values x_i . w_j + b_j, e_j half width of the rounding, p slope of the rounded ReLU.
#pragma once

#include <cstddef>

namespace convexnn {

// Replace S by the responses (s + e)^2 / 4e where |s| < e, the ReLU elsewhere; P receives their slopes in s.
void round_forward(double* S, double* P, const double* e, std::size_t n, std::size_t m);

// D holds derivatives of the objective by the responses: multiply them by P, and add up those by e in `total` (m).
void round_back(double* D, const double* P, double* total, std::size_t n, std::size_t m);

}  // namespace convexnn
