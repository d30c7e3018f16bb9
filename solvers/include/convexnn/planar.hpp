// The biased two-dimensional oracle: all lines through two samples (l1: also axis-parallel ones), and for
// the exact l2 maximum all neurons whose line passes through one sample. O(n) per pivot once the angular
// orders are known: they take two bytes (n <= 65536) or four per pair of samples.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "convexnn/interrupt.hpp"

namespace convexnn {

// One call: weights v (n x c), slope of the inactive side of the activation; and where the answers go. For every pivot
// sample the value of the strongest neuron, the second row on its line (a sample, n + axis, or -1 inside an arc) and
// the unit normal. A pivot that was not reached has the value -1.
struct PlanarCall {
    const double* v;
    std::size_t c;
    bool arcs;
    double slope;
    unsigned threads;
    double* value;
    std::int64_t* row;
    double* normal;
};

class PlanarOracle {
public:
    PlanarOracle(const double* points, std::size_t n, bool l1, std::size_t memory);

    std::size_t size() const { return n_; }
    bool keeps_orders() const { return keep_; }

    // Returns the number of pivots done: fewer than n if stopped. What has been sorted stays for the next call.
    std::size_t price(const PlanarCall& call, StopCheck& stop);

private:
    template <class Index>
    struct Orders {
        std::unique_ptr<Index[]> rows;      // n x (n - 1), touched when a pivot is first visited
        std::vector<std::uint32_t> counts;  // valid entries of each row, plus one; 0 means "not sorted yet"
    };
    template <class Index>
    struct Workspace;
    struct Sums;
    using Keys = std::vector<std::pair<double, std::uint32_t>>;

    bool arrange(StopCheck& stop);
    bool add_up(const PlanarCall& call, Sums& sums, StopCheck& stop) const;
    bool axis_responses(const PlanarCall& call, Sums& sums, StopCheck& stop) const;
    template <class Index>
    std::size_t price_with(Orders<Index>& orders, const PlanarCall& call, StopCheck& stop);
    template <class Index>
    bool sort_around(std::size_t pivot, Index* order, std::uint32_t& count, Workspace<Index>& w, StopCheck& stop) const;
    template <class Index>
    bool visit(std::size_t pivot, Orders<Index>& orders, const PlanarCall& call, const Sums& sums, Workspace<Index>& w,
               StopCheck& stop) const;
    template <class Index, class Length, class Best>
    bool sweep_one(std::size_t pivot, const Index* order, std::uint32_t count, const PlanarCall& call, const Sums& sums,
                   Workspace<Index>& w, const Length& length, Best& best, StopCheck& stop) const;
    template <class Index, class Length, class Best>
    bool sweep_group(std::size_t pivot, const Index* order, std::uint32_t count, const PlanarCall& call,
                     const Sums& sums, Workspace<Index>& w, const Length& length, Best& best, StopCheck& stop) const;

    std::size_t n_;
    bool l1_, keep_ = false, arranged_ = false;
    double tiny_ = 0.0;
    std::vector<double> x_, y_;           // once arranged by (y, x): a later sample is never below an earlier one
    std::vector<std::size_t> original_;   // place in the caller's order
    std::vector<std::uint32_t> by_x_;     // l1: samples by x
    Orders<std::uint16_t> small_;
    Orders<std::uint32_t> large_;
};

}  // namespace convexnn
