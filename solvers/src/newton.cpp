#include "convexnn/newton.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "convexnn/vector.hpp"

namespace convexnn {

namespace {
CONVEXNN_CLONES void scale_rows(double* H, const double* scale, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) {
        double* row = H + i * size;
        const double s = scale[i];
        for (std::size_t j = 0; j < size; ++j) row[j] = row[j] * s * scale[j];
    }
}
}  // namespace

void newton_matrix(const double* gram, std::size_t total, const std::int64_t* starts, std::size_t blocks,
                   const double* unit, const double* lengths, double beta, const double* border, const double* corner,
                   std::size_t c, double unseen, double* H, double* scale) {
    const std::size_t size = total + c;
    for (std::size_t i = 0; i < total; ++i) {
        std::copy(gram + i * total, gram + (i + 1) * total, H + i * size);
        for (std::size_t o = 0; o < c; ++o) H[i * size + total + o] = H[(total + o) * size + i] = border[i * c + o];
    }
    for (std::size_t o = 0; o < c; ++o) std::copy(corner + o * c, corner + (o + 1) * c, H + (total + o) * size + total);
    for (std::size_t k = 0; k < blocks; ++k) {
        const std::size_t begin = static_cast<std::size_t>(starts[k]), end = static_cast<std::size_t>(starts[k + 1]);
        if (end - begin < 2) continue;  // the length of a single entry has no curvature
        const double bend = beta / lengths[k];
        for (std::size_t i = begin; i < end; ++i)
            for (std::size_t j = begin; j < end; ++j)
                H[i * size + j] += bend * ((i == j ? 1.0 : 0.0) - unit[i] * unit[j]);
    }
    double largest = 0.0;
    for (std::size_t i = 0; i < size; ++i) largest = std::max(largest, H[i * size + i]);
    const double least = std::max(unseen * largest, std::numeric_limits<double>::min());
    for (std::size_t i = 0; i < size; ++i) scale[i] = 1.0 / std::sqrt(std::max(H[i * size + i], least));
    scale_rows(H, scale, size);
}

}  // namespace convexnn
