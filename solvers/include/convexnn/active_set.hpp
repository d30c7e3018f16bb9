// Exact Lasso on a working set of columns: a monotone active-set method on the sign pattern.
#pragma once

#include <cstddef>
#include <vector>

#include "convexnn/interrupt.hpp"
#include "convexnn/qr.hpp"

namespace convexnn {

// min_z,t  1/2 ||y - K z - t base||^2 + beta ||z||_1
//
// Columns may be added at any time; every solve starts from the previous solution. Weighted problems are
// passed with rows multiplied by the root of the weight (then `base` is that root). Letters: K columns,
// z coefficients, s signs, r residual, g = K'r correlations.
class ActiveSetSolver {
public:
    enum class Status { optimal, step_limit, stopped };

    ActiveSetSolver(std::size_t rows, const double* y, const double* base);

    void add(const double* columns, std::size_t count);  // column after column
    bool warm(const double* z, StopCheck& stop);         // start from these coefficients, one per column
    void set_target(const double* y);                    // new y, same columns
    // Every step lowers the objective, so coefficients and residual can be used however it ends.
    Status solve(double beta, double tol, std::size_t max_steps, StopCheck& stop);
    std::vector<std::size_t> compact(double slack);  // forget columns with |g| < slack * beta; old indices of the rest

    std::size_t rows() const { return n_; }
    std::size_t columns() const { return z_.size(); }
    std::size_t steps() const { return steps_; }
    const std::vector<double>& coefficients() const { return z_; }
    const std::vector<double>& residual() const { return r_; }
    double intercept() const { return t_; }

private:
    const double* column(std::size_t j) const { return k_.data() + j * n_; }
    bool has_base() const { return !base_.empty(); }
    std::size_t offset() const { return has_base() ? 1 : 0; }
    enum class Entry { active, dependent, stopped };

    void target(double beta, std::vector<double>& out) const;
    bool descend(double beta, StopCheck& stop);  // to the minimiser of the current sign pattern
    bool polish(double beta, StopCheck& stop);
    void refresh_residual();
    bool complete(StopCheck& stop);
    double objective_value() const;
    std::ptrdiff_t most_violated(double beta, double tol, StopCheck& stop);
    void list(std::size_t j, double sign);
    void unlist(std::size_t position);
    Entry append(std::size_t j, StopCheck& stop);
    Entry activate(std::size_t j, double sign, StopCheck& stop);
    bool enter(std::size_t j, StopCheck& stop);
    bool swap_in(std::size_t j, double sign, StopCheck& stop);
    bool improve(std::size_t j, double beta, StopCheck& stop);
    bool leave(std::size_t position, StopCheck& stop);

    std::size_t n_, steps_ = 0;
    std::vector<double> y_, base_, k_, z_, norm_, r_, g_;
    std::vector<double> qty_;          // Q'y, likewise
    std::vector<double> work_, coefficients_;
    std::vector<std::size_t> shortlist_;
    std::vector<std::size_t> active_;  // columns in the factor, in its order
    std::vector<double> sign_;         // of the active ones
    std::vector<char> state_;          // per column: 0 inactive, 1 active, 2 refused in this solve
    double t_ = 0.0, beta_ = 0.0;
    UpdatedQR qr_;                     // of the base and the active columns; of the first ones after a stop
};

}  // namespace convexnn
