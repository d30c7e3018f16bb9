// Lexicographic ranking of k-subsets of {0..n-1}.
#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>

namespace convexnn {

// Binomial coefficient; callers have checked in exact integers that it fits.
inline std::uint64_t binomial(std::uint64_t n, std::uint64_t k) {
    if (k > n) return 0;
    std::uint64_t result = k > 0 ? n - k + 1 : 1;
    for (std::uint64_t i = 2; i <= k; ++i) {
        // result * (n - k + i) / i without a product that is larger than the quotient.
        const std::uint64_t common = std::gcd(result, i);
        result = result / common * ((n - k + i) / (i / common));
    }
    return result;
}

// Write the subset of the given rank (increasing entries), in k bisections.
inline void unrank(std::uint64_t rank, std::uint64_t n, std::uint64_t k, std::int64_t* out) {
    std::uint64_t first = 0;  // least value of the next entry
    for (std::uint64_t i = 0; i < k; ++i) {
        const std::uint64_t left = k - i, all = binomial(n - first, left);
        // Subsets whose next entry is below e: all - binomial(n - e, left). The entry is the last e with at most `rank`.
        std::uint64_t low = first, high = n - left + 1;
        while (high - low > 1) {
            const std::uint64_t middle = low + (high - low) / 2;
            (all - binomial(n - middle, left) <= rank ? low : high) = middle;
        }
        rank -= all - binomial(n - low, left);
        out[i] = static_cast<std::int64_t>(low);
        first = low + 1;
    }
}

}  // namespace convexnn
