// Direction of a limited-memory BFGS step (Nocedal & Wright, Numerical Optimization, algorithm 7.4).
#pragma once

#include <cstddef>
#include <cstdint>

namespace convexnn {

// d = -H g for the inverse Hessian H of `count` pairs: steps s = S[order[k]], changes y = Y[order[k]] of the gradient,
// both rows of length p, newest first; rho_k = 1 / s.y, by row. H starts as s.y / y.y of the newest pair.
void lbfgs_direction(const double* S, const double* Y, const double* rho, const std::int64_t* order, std::size_t count,
                     const double* g, double* d, std::size_t p);

}  // namespace convexnn
