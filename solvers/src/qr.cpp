#include "convexnn/qr.hpp"

#include <cmath>

#include "convexnn/vector.hpp"

namespace convexnn {

bool UpdatedQR::project(double* x, double* coefficients, StopCheck& stop) const {
    for (std::size_t j = 0; j < k_; ++j) coefficients[j] = 0.0;
    for (int pass = 0; pass < 2; ++pass)  // twice is enough (Kahan, Parlett)
        for (std::size_t j = 0; j < k_; ++j) {
            if (j % kLook == 0 && stop(kLook * n_)) return false;
            const double c = dot(q(j), x, n_);
            axpy(-c, q(j), x, n_);
            coefficients[j] += c;
        }
    return true;
}

void UpdatedQR::append(const double* coefficients, const double* rest, double norm) {
    q_.resize((k_ + 1) * n_);
    double* column = q_.data() + k_ * n_;
    for (std::size_t i = 0; i < n_; ++i) column[i] = rest[i] / norm;
    r_.emplace_back(coefficients, coefficients + k_);
    r_.back().push_back(norm);
    ++k_;
}

bool UpdatedQR::remove(std::size_t p, StopCheck& stop) {
    r_.erase(r_.begin() + static_cast<std::ptrdiff_t>(p));
    for (std::size_t i = p; i + 1 < k_; ++i) {
        if (i % kLook == 0 && stop(kLook * n_)) {
            k_ = p;
            r_.resize(k_), q_.resize(k_ * n_);
            return false;
        }
        // Column i now reaches one entry below the diagonal: rotate rows i and i + 1.
        const double a = r_[i][i], b = r_[i][i + 1], h = std::hypot(a, b);
        const double c = h > 0 ? a / h : 1.0, s = h > 0 ? b / h : 0.0;
        for (std::size_t j = i; j + 1 < k_; ++j) {
            const double u = r_[j][i], v = r_[j][i + 1];
            r_[j][i] = c * u + s * v;
            r_[j][i + 1] = c * v - s * u;
        }
        rotate(c, s, q_.data() + i * n_, q_.data() + (i + 1) * n_, n_);
        r_[i].pop_back();
    }
    --k_;
    q_.resize(k_ * n_);
    return true;
}

void UpdatedQR::solve(double* x) const {
    for (std::size_t j = k_; j-- > 0;) {
        x[j] /= r_[j][j];
        axpy(-x[j], r_[j].data(), x, j);
    }
}

void UpdatedQR::solve_transposed(double* x) const {
    for (std::size_t j = 0; j < k_; ++j) x[j] = (x[j] - dot(r_[j].data(), x, j)) / r_[j][j];
}

}  // namespace convexnn
