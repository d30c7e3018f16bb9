#include "convexnn/reach.hpp"

#include <algorithm>
#include <limits>

#include "convexnn/vector.hpp"

namespace convexnn {

namespace {
constexpr std::size_t kChunk = 256;
// A sample nearer than this is on the hyperplane, and a step towards it has no length.
constexpr double kTiny = 1e-300;
}  // namespace

CONVEXNN_CLONES void face_reach(const double* block, std::size_t r, std::size_t n, const std::int64_t* places,
                                const double* a, const double* d, std::size_t m, std::size_t depth, double* steps,
                                std::int64_t* rows) {
    double now[kChunk], move[kChunk];
    for (std::size_t k = 0; k < m; ++k) {
        const double *face = block + static_cast<std::size_t>(places[k]) * r * n, *ak = a + k * depth, *dk = d + k * depth;
        double fastest = std::numeric_limits<double>::infinity();
        std::size_t row = 0;
        for (std::size_t start = 0; start < n; start += kChunk) {
            const std::size_t count = std::min(kChunk, n - start);
            for (std::size_t i = 0; i < count; ++i) now[i] = move[i] = 0.0;
            for (std::size_t q = 0; q < depth; ++q) {
                const double *x = face + q * n + start, aq = ak[q], dq = dk[q];
                for (std::size_t i = 0; i < count; ++i) {
                    now[i] += aq * x[i];
                    move[i] += dq * x[i];
                }
            }
            for (std::size_t i = 0; i < count; ++i) move[i] /= now[i] > kTiny ? now[i] : kTiny;
            for (std::size_t i = 0; i < count; ++i)
                if (move[i] < fastest) fastest = move[i], row = start + i;
        }
        rows[k] = static_cast<std::int64_t>(row);
        steps[k] = fastest < 0.0 ? -1.0 / fastest : std::numeric_limits<double>::infinity();
    }
}

}  // namespace convexnn
