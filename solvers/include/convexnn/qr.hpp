// Thin QR factorisation K = Q R of a growing and shrinking set of columns.
#pragma once

#include <cstddef>
#include <vector>

#include "convexnn/interrupt.hpp"

namespace convexnn {

// Q is kept explicitly (orthogonalised twice), so that solves lose cond(K), not cond(K)^2, digits:
// the columns of wedge dictionaries are extremely coherent.
class UpdatedQR {
public:
    static constexpr std::size_t kLook = 16;  // columns between two questions whether to stop

    explicit UpdatedQR(std::size_t rows) : n_(rows) {}

    std::size_t size() const { return k_; }

    // Coefficients Q'x (size k) and what is left of x outside span Q (written over x). False if stopped.
    bool project(double* x, double* coefficients, StopCheck& stop) const;

    // Append the column whose projection is given; `rest` is its orthogonal remainder, `norm` > 0 its length.
    void append(const double* coefficients, const double* rest, double norm);

    // Remove column p and restore the triangle by rotations. False if stopped: then only the columns before p are left.
    bool remove(std::size_t p, StopCheck& stop);

    void solve(double* x) const;             // x <- R^{-1} x
    void solve_transposed(double* x) const;  // x <- R^{-T} x
    const double* q(std::size_t j) const { return q_.data() + j * n_; }
    double r(std::size_t i, std::size_t j) const { return r_[j][i]; }

private:
    std::size_t n_, k_ = 0;
    std::vector<double> q_;               // k columns of length n
    std::vector<std::vector<double>> r_;  // column j holds j + 1 entries
};

}  // namespace convexnn
