#include "convexnn/reach.hpp"

#include <algorithm>
#include <limits>

#include "convexnn/vector.hpp"

namespace convexnn {

namespace {
constexpr std::size_t kChunk = 256;
// A sample nearer than this is on the hyperplane, and a step towards it has no length.
constexpr double kTiny = 1e-300;

// Sample that reaches the border first, and the reciprocal of minus the step at which it does, among [start, end).
struct Fastest {
    double pace = std::numeric_limits<double>::infinity();
    std::size_t row = 0;
};

CONVEXNN_CLONES void look(const double* face, std::size_t n, const double* a, const double* d, std::size_t depth,
                          std::size_t start, std::size_t end, Fastest& fastest) {
    double now[kChunk], move[kChunk];
    for (; start < end; start += kChunk) {
        const std::size_t count = std::min(kChunk, end - start);
        for (std::size_t i = 0; i < count; ++i) now[i] = move[i] = 0.0;
        for (std::size_t q = 0; q < depth; ++q) {
            const double *x = face + q * n + start, aq = a[q], dq = d[q];
            for (std::size_t i = 0; i < count; ++i) {
                now[i] += aq * x[i];
                move[i] += dq * x[i];
            }
        }
        for (std::size_t i = 0; i < count; ++i) move[i] /= now[i] > kTiny ? now[i] : kTiny;
        for (std::size_t i = 0; i < count; ++i)
            if (move[i] < fastest.pace) fastest = {move[i], start + i};
    }
}

}  // namespace

std::size_t face_reach(const double* block, std::size_t r, std::size_t n, const std::int64_t* places, const double* a,
                       const double* d, std::size_t m, std::size_t depth, double* steps, std::int64_t* rows,
                       StopCheck& stop) {
    std::fill(steps, steps + m, 0.0);
    std::fill(rows, rows + m, std::int64_t{-1});
    for (std::size_t k = 0; k < m; ++k) {
        const double* face = block + static_cast<std::size_t>(places[k]) * r * n;
        Fastest fastest;
        const bool looked = in_parts(n, kPart, stop, [&](std::size_t first, std::size_t last) {
            look(face, n, a + k * depth, d + k * depth, depth, first, last, fastest);
        });
        if (!looked) return k;
        rows[k] = static_cast<std::int64_t>(fastest.row);
        steps[k] = fastest.pace < 0.0 ? -1.0 / fastest.pace : std::numeric_limits<double>::infinity();
    }
    return m;
}

}  // namespace convexnn
