// Lexicographic ranking of k-subsets of {0..n-1}.
#pragma once

#include <cstddef>
#include <cstdint>

namespace convexnn {

// Binomial coefficient; callers have checked in exact integers that it fits.
inline std::uint64_t binomial(std::uint64_t n, std::uint64_t k) {
    if (k > n) return 0;
    unsigned __int128 result = 1;
    for (std::uint64_t i = 1; i <= k; ++i) result = result * (n - k + i) / i;
    return static_cast<std::uint64_t>(result);
}

// Write the subset of the given rank (increasing entries).
inline void unrank(std::uint64_t rank, std::uint64_t n, std::uint64_t k, std::int64_t* out) {
    std::uint64_t next = 0;
    for (std::uint64_t i = 0; i < k; ++i) {
        std::uint64_t below = binomial(n - next - 1, k - i - 1);
        while (rank >= below) {
            rank -= below;
            ++next;
            below = binomial(n - next - 1, k - i - 1);
        }
        out[i] = static_cast<std::int64_t>(next++);
    }
}

}  // namespace convexnn
