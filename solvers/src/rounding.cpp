#include "convexnn/rounding.hpp"

#include <algorithm>
#include <vector>

#include "convexnn/vector.hpp"

namespace convexnn {

CONVEXNN_CLONES void round_forward(double* S, double* P, const double* e, std::size_t n, std::size_t m) {
    std::vector<double> scale(m);
    for (std::size_t j = 0; j < m; ++j) scale[j] = 0.5 / e[j];
    for (std::size_t i = 0; i < n; ++i) {
        double *s = S + i * m, *p = P + i * m;
        for (std::size_t j = 0; j < m; ++j) {
            double slope = s[j] * scale[j] + 0.5;
            slope = slope > 0.0 ? slope : 0.0;
            slope = slope < 1.0 ? slope : 1.0;
            const double rounded = slope * slope * e[j];
            s[j] = s[j] > rounded ? s[j] : rounded;
            p[j] = slope;
        }
    }
}

CONVEXNN_CLONES void round_back(double* D, const double* P, double* total, std::size_t n, std::size_t m) {
    std::fill(total, total + m, 0.0);
    for (std::size_t i = 0; i < n; ++i) {
        double* d = D + i * m;
        const double* p = P + i * m;
        for (std::size_t j = 0; j < m; ++j) {
            const double through = d[j] * p[j];
            total[j] += through * (1.0 - p[j]);  // d response / de = p (1 - p): zero outside the parabola
            d[j] = through;
        }
    }
}

}  // namespace convexnn
