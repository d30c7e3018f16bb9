// The biased two-dimensional oracle: all lines through two samples (l1: also axis-parallel ones), and for
// the exact l2 maximum all neurons whose line passes through one sample. O(n) per pivot once the angular
// orders are known: they take two bytes (n < 65536) or four per pair of samples.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "convexnn/interrupt.hpp"

namespace convexnn {

class PlanarOracle {
public:
    PlanarOracle(const double* points, std::size_t n, bool l1, std::size_t memory);

    std::size_t size() const { return n_; }
    bool keeps_orders() const { return keep_; }

    // v: n x c weights. For every pivot sample: value of the strongest neuron, the second row on its line
    // (a sample, n + axis, or -1 inside an arc) and the unit normal. Returns false if interrupted.
    bool price(const double* v, std::size_t c, bool arcs, unsigned threads, const StopCheck& stop, double* value,
               std::int64_t* row, double* normal);

private:
    template <class Index>
    struct Orders {
        std::vector<Index> rows;            // n x (n - 1)
        std::vector<std::uint32_t> counts;  // valid entries of each row, plus one; 0 means "not sorted yet"
    };
    template <class Index>
    bool price_with(Orders<Index>& orders, const double* v, std::size_t c, bool arcs, unsigned threads,
                    const StopCheck& stop, double* value, std::int64_t* row, double* normal);
    template <class Index>
    std::uint32_t sort_around(std::size_t pivot, Index* order,
                              std::vector<std::pair<double, std::uint32_t>>& keys) const;
    void axis_response(const double* v, std::size_t c, std::size_t axis, double* value, double* side) const;

    std::size_t n_;
    bool l1_, keep_ = false;
    double tiny_ = 0.0;
    std::vector<double> x_, y_;           // sorted by (y, x): a later sample is never below an earlier one
    std::vector<std::size_t> original_;   // place in the caller's order
    Orders<std::uint16_t> small_;
    Orders<std::uint32_t> large_;
};

}  // namespace convexnn
