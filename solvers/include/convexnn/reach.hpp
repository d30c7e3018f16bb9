// How far neurons can move before a sample crosses their hyperplanes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "convexnn/interrupt.hpp"

namespace convexnn {

// Neuron k sits at places[k] of a block (slots, r, n): the sample i is sum_q a[k, q] block[place, q, i] inside its
// border, and d is the direction in which a (m, depth) moves. steps[k] is the least step at which a sample reaches
// the border, rows[k] the first such sample; infinite where none does. Returns how many neurons are done; if stopped,
// the others may not move: steps 0, rows -1.
std::size_t face_reach(const double* block, std::size_t r, std::size_t n, const std::int64_t* places, const double* a,
                       const double* d, std::size_t m, std::size_t depth, double* steps, std::int64_t* rows,
                       StopCheck& stop);

}  // namespace convexnn
