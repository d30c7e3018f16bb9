// Responses of hyperplanes to points, and their correlations with residuals.
#include <algorithm>

#include "convexnn/parallel.hpp"
#include "convexnn/wedge.hpp"

namespace convexnn {
namespace {

constexpr int64_t kLane = 8;           // hyperplanes handled together, so that loops vectorise without reordering sums
constexpr int64_t kChunk = 4'000'000;  // multiply-adds between two looks at the signals, a few milliseconds

int64_t stride(int64_t cost) { return std::max<int64_t>(1, kChunk / std::max<int64_t>(1, cost)); }

struct LaneScratch {
    std::vector<double> lanes, sums;
};

// Hyperplanes [begin, begin + width), width <= kLane, side by side.
void correlate_lane(const double* points, int64_t n, int64_t r, const double* normals, const double* offsets,
                    int64_t begin, int64_t width, const double* v, int64_t n_outputs, LaneScratch& scratch,
                    double* out) {
    double *lanes = scratch.lanes.data(), *sums = scratch.sums.data();
    std::fill(scratch.lanes.begin(), scratch.lanes.end(), 0.0);
    std::fill(scratch.sums.begin(), scratch.sums.end(), 0.0);
    for (int64_t j = 0; j < width; ++j) {
        for (int64_t k = 0; k < r; ++k) lanes[k * kLane + j] = normals[(begin + j) * r + k];
        lanes[r * kLane + j] = offsets[begin + j];
    }
    for (int64_t i = 0; i < n; ++i) {
        double s[kLane], plus[kLane], minus[kLane];
        for (int64_t j = 0; j < kLane; ++j) s[j] = lanes[r * kLane + j];
        for (int64_t k = 0; k < r; ++k) {
            const double x = points[i * r + k];
            for (int64_t j = 0; j < kLane; ++j) s[j] += x * lanes[k * kLane + j];
        }
        for (int64_t j = 0; j < kLane; ++j) {
            plus[j] = s[j] > 0.0 ? s[j] : 0.0;
            minus[j] = s[j] < 0.0 ? -s[j] : 0.0;
        }
        for (int64_t k = 0; k < n_outputs; ++k) {
            const double weight = v[i * n_outputs + k];
            double* sum = sums + 2 * kLane * k;
            for (int64_t j = 0; j < kLane; ++j) sum[j] += weight * plus[j];
            for (int64_t j = 0; j < kLane; ++j) sum[kLane + j] += weight * minus[j];
        }
    }
    for (int64_t j = 0; j < width; ++j)
        for (int64_t side = 0; side < 2; ++side)
            for (int64_t k = 0; k < n_outputs; ++k)
                out[((begin + j) * 2 + side) * n_outputs + k] = sums[2 * kLane * k + side * kLane + j];
}

}  // namespace

bool wedge_responses(const double* points, int64_t n, int64_t r, const double* normals, const double* offsets,
                     int64_t m, double* out, const StopCheck& check) {
    std::vector<double> columns(n * r);
    for (int64_t i = 0; i < n; ++i)
        for (int64_t k = 0; k < r; ++k) columns[k * n + i] = points[i * r + k];
    const int64_t pause = stride(n * r);
    for (int64_t j = 0; j < m; ++j) {
        if (j % pause == 0 && should_stop(check)) return false;
        const double* u = normals + j * r;
        double* s = out + j * n;
        for (int64_t i = 0; i < n; ++i) s[i] = offsets[j];
        for (int64_t k = 0; k < r; ++k)
            for (int64_t i = 0; i < n; ++i) s[i] += u[k] * columns[k * n + i];
    }
    return true;
}

bool correlate_wedges(const double* points, int64_t n, int64_t r, const double* normals, const double* offsets,
                      int64_t m, const double* v, int64_t n_outputs, unsigned threads, double* out,
                      const StopCheck& check) {
    const int64_t chunk = kLane * stride(n * (r + 2 * n_outputs) * kLane);
    std::vector<LaneScratch> scratch(std::max(1u, threads));
    for (LaneScratch& s : scratch) {
        s.lanes.resize((r + 1) * kLane);
        s.sums.resize(2 * kLane * n_outputs);
    }
    return parallel_for((m + chunk - 1) / chunk, threads, check, [&](std::size_t part, unsigned thread) {
        const int64_t end = std::min(m, static_cast<int64_t>(part + 1) * chunk);
        for (int64_t begin = static_cast<int64_t>(part) * chunk; begin < end; begin += kLane)
            correlate_lane(points, n, r, normals, offsets, begin, std::min(kLane, end - begin), v, n_outputs,
                           scratch[thread], out);
    });
}

}  // namespace convexnn
