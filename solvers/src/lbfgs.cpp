#include "convexnn/lbfgs.hpp"

#include <vector>

#include "convexnn/vector.hpp"

namespace convexnn {

void lbfgs_direction(const double* S, const double* Y, const double* rho, const std::int64_t* order, std::size_t count,
                     const double* g, double* d, std::size_t p) {
    for (std::size_t i = 0; i < p; ++i) d[i] = -g[i];
    if (count == 0) return;
    std::vector<double> alpha(count);
    for (std::size_t k = 0; k < count; ++k) {
        const std::size_t row = std::size_t(order[k]) * p;
        alpha[k] = rho[order[k]] * dot(S + row, d, p);
        axpy(-alpha[k], Y + row, d, p);
    }
    const double* newest = Y + std::size_t(order[0]) * p;
    const double start = 1.0 / (rho[order[0]] * dot(newest, newest, p));
    for (std::size_t i = 0; i < p; ++i) d[i] *= start;
    for (std::size_t k = count; k-- > 0;) {
        const std::size_t row = std::size_t(order[k]) * p;
        axpy(alpha[k] - rho[order[k]] * dot(Y + row, d, p), S + row, d, p);
    }
}

}  // namespace convexnn
