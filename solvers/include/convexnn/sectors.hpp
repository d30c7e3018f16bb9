// The exact l2 maximum over all neurons of the plane with free biases, one output, by bounds on sectors of normals.
//
// A few directions, the same for all pivot samples, cut half a turn into sectors. Running sums along each direction
// give the response of every pivot there; P and N, the responses to positive and to negative weights, are convex and
// positively homogeneous, so inside a sector P is at most its interpolation, N at least its tangents. Only sectors of a
// pivot whose bound exceeds what is wanted or known are walked line by line, in O(n) each.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "convexnn/interrupt.hpp"

namespace convexnn {

// One call: weights v (n), responses up to `floor` are of no interest, at most `limit` neurons are wanted.
struct SectorCall {
    const double* v;
    double floor;
    std::size_t limit;
    unsigned threads;
};

// A neuron: its response, the samples on its line (the second is -1 inside an arc) and its unit normal.
struct SectorNeuron {
    double value = 0.0;
    std::size_t pivot = 0;
    std::int64_t row = -1;
    double wx = 1.0, wy = 0.0;
};

struct SectorAnswer {
    std::vector<SectorNeuron> neurons;  // above the floor, strongest first, no two alike
    double strongest = 0.0;             // the largest response that was met
    double above = 0.0;                 // no neuron responds more
    bool complete = false;
};

class SectorOracle {
public:
    // Orders are kept as long as they fit into `memory` bytes; the others are sorted again in every call.
    SectorOracle(const double* points, std::size_t n, std::size_t sectors, std::size_t memory);

    std::size_t size() const { return n_; }
    std::size_t sectors() const { return sectors_; }
    bool keeps_orders() const { return used_ <= memory_; }

    SectorAnswer price(const SectorCall& call, StopCheck& stop);

private:
    struct Item {  // a pivot in a sector, and its U where the sector begins unless that is to be summed afresh
        double bound, ux, uy;
        std::uint32_t low, high, pivot;  // directions, and the sample
        bool fresh;
    };
    struct Chunk;
    struct State;
    struct Totals {  // what does not depend on the direction: weights of either sign, and per pivot the sum of v z
        std::vector<double> positive, negative, x, y;
        double slack = 0.0;
    };

    const std::uint32_t* order(std::size_t d, std::vector<std::uint32_t>& own, StopCheck& stop);
    Totals total(const double* v) const;
    bool run(std::size_t d, const Totals& all, State& now, StopCheck& stop);
    void keep_ends(std::size_t d, const State& now, Chunk& out) const;
    bool look_between(std::size_t low, std::size_t high, const State& old, const State& now, const Totals& all,
                      double floor, Chunk& out, StopCheck& stop);
    bool look(std::size_t first, std::size_t last, const Totals& all, double floor, Chunk& out, StopCheck& stop);
    SectorNeuron walk(const Item& item, const SectorCall& call, const Totals& all) const;
    void select(std::vector<SectorNeuron>& found, std::size_t limit) const;

    std::size_t n_, sectors_, memory_;
    std::atomic<std::size_t> used_{0};
    double spread_ = 0.0;
    std::vector<double> x_, y_;
    std::vector<double> wx_, wy_;                    // directions that halve the sectors again and again; last minus the first
    std::vector<std::vector<std::uint32_t>> kept_;   // orders along them, made when they are first needed
};

}  // namespace convexnn
