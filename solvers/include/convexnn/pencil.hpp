// Exact maximisation of the response over hyperplanes through rows, by rotating lines (pencil sweeps).
//
// Fix all but one of the rows that span a hyperplane; in the plane orthogonal to them every further row is
// a point, and the hyperplanes through one more row are lines through the origin. Sweeping a line once
// round, U = sum of v_i p_i over the points on its left changes by one term per event.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "convexnn/interrupt.hpp"

namespace convexnn {

struct PencilShape {
    std::size_t n = 0;       // samples
    std::size_t axes = 0;    // silent rows (l1): they define hyperplanes but carry no response
    std::size_t r = 0;       // working dimension, >= 2
    bool affine = false;     // hyperplanes through a pivot sample (true) or the origin (false)
    bool l1 = false;         // norm of the normals
};

// One call: weights v (n x c), slope of the inactive side of the activation; and where the answers go. The strongest
// neuron of each segment of each pencil: its response, the swept row on its hyperplane (-1: inside an arc, -2: inside a
// cell) and its unit normal (r). Scope `cells` also looks inside the cells of three-dimensional arrangements, for
// neurons above `floor`. A segment that was not reached has the value -1.
struct PencilCall {
    enum Scope { wedges = 0, arcs = 1, cells = 2 };

    const double* v;
    std::size_t c;
    Scope scope;
    double floor, slope;
    unsigned threads;
    double* value;
    std::int64_t* row;
    double* normal;
};

class PencilOracle {
public:

    // `memory`: bytes that may be used to keep the angular orders between calls.
    PencilOracle(PencilShape shape, const double* points, const double* axes, std::size_t memory);

    std::size_t samples() const { return shape_.n; }
    std::size_t dimension() const { return shape_.r; }
    std::size_t pencils() const { return pencils_; }
    std::size_t fixed_size() const { return fixed_; }
    std::size_t segments() const { return segments_; }
    bool keeps_orders() const { return keep_; }
    void fixed_rows(std::size_t pencil, std::int64_t* rows) const;  // rows n.. are axes

    // Returns the number of pencils done: fewer than all if stopped. Whole segments of a pencil that was left in the
    // middle stand in the answers all the same, one left among its cells with the best up to there; and what has been
    // sorted stays for the next call.
    std::size_t price(const PencilCall& call, StopCheck& stop);

private:
    struct Workspace;
    bool visit(std::size_t pencil, Workspace& w, const PencilCall& call, StopCheck& stop);
    bool fix(std::size_t pencil, Workspace& w) const;
    bool project_all(Workspace& w, StopCheck& stop) const;
    void project(Workspace& w, std::size_t first, std::size_t last, const double* origin) const;
    template <std::size_t kR>
    void project_in(Workspace& w, std::size_t first, std::size_t last, const double* origin) const;
    bool sort_events(std::size_t pencil, Workspace& w, StopCheck& stop);
    template <class Run>
    bool each_segment(std::size_t pencil, Workspace& w, const PencilCall& call, Run&& run) const;
    bool sweep_one(std::size_t pencil, Workspace& w, const PencilCall& call, StopCheck& stop) const;
    bool sweep_group(std::size_t pencil, Workspace& w, const PencilCall& call, StopCheck& stop) const;
    bool visit_cells(std::size_t pencil, Workspace& w, const PencilCall& call, StopCheck& stop) const;
    template <std::size_t kC>
    bool visit_cells_of(std::size_t pencil, Workspace& w, const PencilCall& call, StopCheck& stop) const;

    PencilShape shape_;
    std::vector<double> rows_;  // (n + axes) x r
    double tiny_ = 0.0;         // shorter projections count as lying on the fixed span
    std::size_t fixed_ = 0, pencils_ = 0, segments_ = 1;
    bool keep_ = false;
    std::unique_ptr<std::uint32_t[]> orders_;  // pencils x rows, touched when a pencil is first visited
    std::vector<std::uint32_t> counts_;        // valid entries of each, plus one; 0 means "not sorted yet"
};

}  // namespace convexnn
