// Scratch memory of one thread of the pencil oracle.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "convexnn/events.hpp"
#include "convexnn/pencil.hpp"

namespace convexnn {

struct PencilOracle::Workspace {
    struct alignas(32) Event {  // what a sweep of one output reads of a row, in one load unit
        Two d;
        double turned, fold;  // folded weight, side
    };
    std::vector<std::int64_t> fixed;
    std::vector<double> basis;       // r x 2, orthonormal, orthogonal to the fixed directions
    std::vector<double> span;        // scratch of the orthogonalisation
    std::vector<double> plane;       // projected rows, two numbers each
    std::vector<double> fold;        // +1 upper half plane, -1 lower, 0 on the fixed span
    std::vector<std::uint32_t> order;
    std::vector<std::pair<double, std::uint32_t>> keys, merged;
    const std::uint32_t* turn = nullptr;  // the order in use: `order`, or the one kept for the pencil
    std::vector<Event> events;       // by row (one output)
    std::vector<double> origin;      // what projected rows are seen from
    std::vector<double> sums, silent, solid, scratch, sides;
    std::uint32_t count = 0;         // length of `order`
};

}  // namespace convexnn
