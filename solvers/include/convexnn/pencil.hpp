// Exact maximisation of the response over hyperplanes through rows, by rotating lines (pencil sweeps).
//
// Fix all but one of the rows that span a hyperplane; in the plane orthogonal to them every further row is
// a point, and the hyperplanes through one more row are lines through the origin. Sweeping a line once
// round, U = sum of v_i p_i over the points on its left changes by one term per event.
#pragma once

#include <cstddef>
#include <cstdint>
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

class PencilOracle {
public:
    enum Scope { wedges = 0, arcs = 1, cells = 2 };

    // `memory`: bytes that may be used to keep the angular orders between calls.
    PencilOracle(PencilShape shape, const double* points, const double* axes, std::size_t memory);

    std::size_t pencils() const { return pencils_; }
    std::size_t fixed_size() const { return fixed_; }
    std::size_t segments() const { return segments_; }
    bool keeps_orders() const { return keep_; }
    void fixed_rows(std::size_t pencil, std::int64_t* rows) const;  // rows n.. are axes

    // v: n x c. The strongest neuron of each segment of each pencil: its response, the swept row on its hyperplane
    // (-1: inside an arc, -2: inside a cell) and its unit normal (r). Scope `cells` also looks inside the cells
    // of three-dimensional arrangements, for neurons above `floor`. Returns false if interrupted.
    bool price(const double* v, std::size_t c, Scope scope, double floor, unsigned threads, const StopCheck& stop,
               double* value, std::int64_t* row, double* normal);

private:
    struct Workspace;
    bool prepare(std::size_t pencil, Workspace& w) const;
    void project(Workspace& w, std::size_t first, std::size_t last, const double* origin) const;
    template <std::size_t kR>
    void project_in(Workspace& w, std::size_t first, std::size_t last, const double* origin) const;
    void sort_events(std::size_t pencil, Workspace& w);
    void sweep(std::size_t pencil, Workspace& w, const double* v, std::size_t c, Scope scope, double floor,
               double* value, std::int64_t* row, double* normal) const;
    void visit_cells(Workspace& w, const std::uint32_t* order, const double* v, std::size_t c, double floor,
                     double* value, std::int64_t* row, double* normal) const;
    template <std::size_t kC>
    void visit_cells_of(Workspace& w, const std::uint32_t* order, const double* v, std::size_t outputs, double floor,
                        double* value, std::int64_t* row, double* normal) const;

    PencilShape shape_;
    std::vector<double> rows_;  // (n + axes) x r
    double tiny_ = 0.0;         // shorter projections count as lying on the fixed span
    std::size_t fixed_ = 0, pencils_ = 0, segments_ = 1;
    bool keep_ = false;
    std::vector<std::uint32_t> orders_;
    std::vector<std::uint32_t> counts_;
};

}  // namespace convexnn
