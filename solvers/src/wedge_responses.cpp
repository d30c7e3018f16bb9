// Responses of hyperplanes to points, and their correlations with residuals.
#include <algorithm>
#include <atomic>

#include "convexnn/packs.hpp"
#include "convexnn/parallel.hpp"
#include "convexnn/wedge.hpp"

namespace convexnn {
namespace {

constexpr int64_t kWork = 4'000'000;  // multiply-adds between two questions whether to stop, a few milliseconds

int64_t stride(int64_t cost) { return std::max<int64_t>(1, kWork / std::max<int64_t>(1, cost)); }

// Eight hyperplanes side by side, so that sums keep their order: coordinates and offsets, and two sums per output.
struct LaneScratch {
    std::vector<double> planes, sums;
};

// Add points [first, last) to the sums v'(z)_+ and v'(-z)_+ of eight hyperplanes, z their signed responses.
CONVEXNN_CLONES void correlate_points(const double* points, int64_t first, int64_t last, int64_t r,
                                      const double* planes, const double* v, int64_t n_outputs, double* sums) {
    const Eight zero = all_lanes(0.0);
    for (int64_t i = first; i < last; ++i) {
        Eight z = load(planes + r * static_cast<int64_t>(kLanes));
        for (int64_t k = 0; k < r; ++k) z += points[i * r + k] * load(planes + k * static_cast<int64_t>(kLanes));
        const Eight plus = select(z > zero, z, zero), minus = select(z < zero, -1.0 * z, zero);
        for (int64_t k = 0; k < n_outputs; ++k) {
            const double weight = v[i * n_outputs + k];
            double* sum = sums + 2 * static_cast<int64_t>(kLanes) * k;
            store(sum, load(sum) + weight * plus);
            store(sum + kLanes, load(sum + kLanes) + weight * minus);
        }
    }
}

// What all lanes of a call share.
struct Correlation {
    const double *points, *normals, *offsets, *v;
    int64_t n, r, m, n_outputs;
    double slope;
    double* out;

    // Hyperplanes [begin, begin + 8) as far as there are so many. Returns false if stopped.
    bool lane(int64_t begin, LaneScratch& scratch, StopCheck& stop) const {
        const int64_t width = std::min<int64_t>(kLanes, m - begin), lanes = kLanes;
        std::fill(scratch.planes.begin(), scratch.planes.end(), 0.0);
        std::fill(scratch.sums.begin(), scratch.sums.end(), 0.0);
        for (int64_t j = 0; j < width; ++j) {
            for (int64_t k = 0; k < r; ++k) scratch.planes[k * lanes + j] = normals[(begin + j) * r + k];
            scratch.planes[r * lanes + j] = offsets[begin + j];
        }
        const bool finished = in_parts(n, stride(lanes * (r + 2 * n_outputs)), stop, [&](std::size_t a, std::size_t b) {
            correlate_points(points, static_cast<int64_t>(a), static_cast<int64_t>(b), r, scratch.planes.data(), v,
                             n_outputs, scratch.sums.data());
        });
        if (!finished) return false;
        for (int64_t j = 0; j < width; ++j)
            for (int64_t k = 0; k < n_outputs; ++k) {
                const double plus = scratch.sums[2 * lanes * k + j], minus = scratch.sums[2 * lanes * k + lanes + j];
                double* answer = out + (begin + j) * 2 * n_outputs + k;
                // The inactive side answers -slope times what the neuron of the other orientation does.
                answer[0] = plus - slope * minus, answer[n_outputs] = minus - slope * plus;
            }
        return true;
    }
};

}  // namespace

int64_t wedge_responses(const double* points, int64_t n, int64_t r, const double* normals, const double* offsets,
                        int64_t m, double* out, StopCheck& stop) {
    std::vector<double> columns(n * r);
    for (int64_t i = 0; i < n; ++i)
        for (int64_t k = 0; k < r; ++k) columns[k * n + i] = points[i * r + k];
    const int64_t pause = stride(n * r);
    for (int64_t j = 0; j < m; ++j) {
        if (j % pause == 0 && stop()) return j;
        const double* u = normals + j * r;
        double* s = out + j * n;
        for (int64_t i = 0; i < n; ++i) s[i] = offsets[j];
        for (int64_t k = 0; k < r; ++k)
            for (int64_t i = 0; i < n; ++i) s[i] += u[k] * columns[k * n + i];
    }
    return m;
}

int64_t correlate_wedges(const double* points, int64_t n, int64_t r, const double* normals, const double* offsets,
                         int64_t m, const double* v, int64_t n_outputs, double slope, unsigned threads, double* out,
                         StopCheck& stop) {
    const int64_t lanes = kLanes, chunk = lanes * stride(n * (r + 2 * n_outputs) * lanes), parts = (m + chunk - 1) / chunk;
    const Correlation correlation{points, normals, offsets, v, n, r, m, n_outputs, slope, out};
    std::fill(out, out + 2 * m * n_outputs, 0.0);
    std::vector<LaneScratch> scratch(std::max(1u, threads));
    for (LaneScratch& s : scratch) {
        s.planes.resize((r + 1) * lanes);
        s.sums.resize(2 * lanes * n_outputs);
    }
    std::vector<char> finished(parts, 0);
    parallel_for(parts, threads, stop, [&](std::size_t part, unsigned thread) {
        const int64_t end = std::min(m, static_cast<int64_t>(part + 1) * chunk);
        for (int64_t begin = static_cast<int64_t>(part) * chunk; begin < end; begin += lanes)
            if (!correlation.lane(begin, scratch[thread], stop)) return;
        finished[part] = 1;
    });
    const auto missing = std::find(finished.begin(), finished.end(), 0);
    return std::min(m, chunk * static_cast<int64_t>(missing - finished.begin()));
}

}  // namespace convexnn
