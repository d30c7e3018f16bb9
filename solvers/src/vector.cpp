#include "convexnn/vector.hpp"

namespace convexnn {

CONVEXNN_CLONES double dot(const double* a, const double* b, std::size_t n) {
    double s[8] = {0, 0, 0, 0, 0, 0, 0, 0};
    std::size_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (int l = 0; l < 8; ++l) s[l] += a[i + l] * b[i + l];
    double tail = 0;
    for (; i < n; ++i) tail += a[i] * b[i];
    return (((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7]))) + tail;
}

CONVEXNN_CLONES void axpy(double s, const double* x, double* y, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) y[i] += s * x[i];
}

CONVEXNN_CLONES void rotate(double c, double s, double* x, double* y, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
        const double u = x[i], v = y[i];
        x[i] = c * u + s * v;
        y[i] = c * v - s * u;
    }
}

}  // namespace convexnn
