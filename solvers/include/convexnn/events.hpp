// Events of a rotating line in blocks (one output): a short scalar pass turns the line, then one vector pass
// evaluates all neurons of the block. The running sum is a chain of dependent additions; keeping the evaluation
// out of that chain halves the cost of an event.
#pragma once

#include <cstddef>

#include "convexnn/packs.hpp"

namespace convexnn {

// Legend as in sweep.hpp: d the vector of the event (not folded), f = +-d folded, U the sum on the left before it.
struct EventBlock {
    static constexpr std::size_t kSize = 256;
    alignas(64) Two d[kSize], u[kSize];
    alignas(64) Two f[kSize + 1];  // arcs only: folded events, the last one before the block first
    alignas(64) double n2[kSize];  // squared length of the normal
};

// Best neuron of every eighth event: value^2 = num / den, at event `at`, where the sum was U. Eight independent
// comparisons, whatever the vector length of the machine, so that every machine and thread count agrees.
struct Lanes {
    static constexpr std::size_t kCount = kLanes;
    alignas(64) double num[kCount], den[kCount], ux[kCount], uy[kCount], at[kCount];

    Lanes();
    std::size_t best() const;  // the lane with the largest quotient, the earliest event among equals
};

// Zeros up to the next multiple of the lanes: a zero vector never beats anything.
inline void pad_block(EventBlock& b, std::size_t count, bool arcs) {
    for (std::size_t e = count; e % Lanes::kCount != 0; ++e) {
        b.d[e] = b.u[e] = Two{0.0, 0.0}, b.n2[e] = 0.0;
        if (arcs) b.f[e + 1] = Two{0.0, 0.0};
    }
}

// n2 of normals (-dy, dx) in l2, or in l1 of the working space with plane basis bx, by (r numbers each).
void lengths_l2(EventBlock& block, std::size_t count);
void lengths_l1(EventBlock& block, std::size_t count, const double* bx, const double* by, std::size_t r);

// Both neurons of every hyperplane at events [0, count) of the block, numbered from `first`.
void best_wedges(const EventBlock& block, std::size_t count, double tx, double ty, double first, Lanes& best);

// Neurons inside the arc that ends at each event: +-U on the left, +-(U - T) on the right.
void best_arcs(const EventBlock& block, std::size_t count, double tx, double ty, double first, Lanes& left,
               Lanes& right);

}  // namespace convexnn
