#include "convexnn/active_set.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "convexnn/vector.hpp"

namespace convexnn {

namespace {
constexpr std::size_t kShortlist = 24;
constexpr double kProgress = 1e-13;    // a smaller relative decrease of the objective is rounding
constexpr double kDependent = 1e-11;  // a column closer than this (relative) to the active span is dependent
constexpr std::ptrdiff_t kNone = -1, kStopped = -2;  // in place of a column
enum : char { kInactive = 0, kActive = 1, kRefused = 2 };
double sign_of(double x) { return x < 0 ? -1.0 : 1.0; }
}  // namespace

ActiveSetSolver::ActiveSetSolver(std::size_t rows, const double* y, const double* base)
    : n_(rows), y_(y, y + rows), r_(y_), work_(rows), qr_(rows) {
    if (base == nullptr) return;
    base_.assign(base, base + rows);
    work_ = base_;
    const double norm = std::sqrt(dot(base, base, n_));
    qr_.append(nullptr, work_.data(), norm);
    refresh_residual();
}

void ActiveSetSolver::set_target(const double* y) {
    y_.assign(y, y + n_);
    qty_.clear();  // the next solve completes it
}

void ActiveSetSolver::add(const double* columns, std::size_t count) {
    k_.insert(k_.end(), columns, columns + count * n_);
    for (std::size_t j = 0; j < count; ++j) {
        z_.push_back(0.0);
        g_.push_back(0.0);
        state_.push_back(kInactive);
        norm_.push_back(std::sqrt(dot(columns + j * n_, columns + j * n_, n_)));
    }
}

void ActiveSetSolver::refresh_residual() {
    // The intercept is optimal given z by projection, so 1'r = 0 holds to rounding whatever z is.
    r_ = y_;
    for (std::size_t j : active_) axpy(-z_[j], column(j), r_.data(), n_);
    if (!has_base()) return;
    const double bb = dot(base_.data(), base_.data(), n_);
    t_ = 0.0;
    for (int pass = 0; pass < 2; ++pass) {
        const double step = dot(base_.data(), r_.data(), n_) / bb;
        axpy(-step, base_.data(), r_.data(), n_);
        t_ += step;
    }
}

// Minimiser for fixed signs: R'R z = K'y - beta s, hence z = R^{-1} (Q'y - beta R^{-T} s); entry 0 is t.
void ActiveSetSolver::target(double beta, std::vector<double>& out) const {
    const std::size_t k = qr_.size();
    out.assign(k, 0.0);
    for (std::size_t i = 0; i < active_.size(); ++i) out[i + offset()] = -beta * sign_[i];
    qr_.solve_transposed(out.data());
    for (std::size_t j = 0; j < k; ++j) out[j] += qty_[j];
    qr_.solve(out.data());
}

// The factor of all active columns and the projections Q'y, from where a change of them was stopped.
bool ActiveSetSolver::complete(StopCheck& stop) {
    while (qr_.size() < active_.size() + offset()) {
        const std::size_t position = qr_.size() - offset();
        const Entry entry = append(active_[position], stop);
        if (entry == Entry::stopped) return false;
        if (entry == Entry::dependent) unlist(position);
    }
    while (qty_.size() < qr_.size()) {
        if (stop(n_)) return false;
        qty_.push_back(dot(qr_.q(qty_.size()), y_.data(), n_));
    }
    return true;
}

void ActiveSetSolver::list(std::size_t j, double sign) {
    active_.push_back(j);
    sign_.push_back(sign);
    state_[j] = kActive;
}

void ActiveSetSolver::unlist(std::size_t position) {
    const std::size_t j = active_[position];
    z_[j] = 0.0;
    state_[j] = kInactive;
    active_.erase(active_.begin() + static_cast<std::ptrdiff_t>(position));
    sign_.erase(sign_.begin() + static_cast<std::ptrdiff_t>(position));
}

bool ActiveSetSolver::leave(std::size_t position, StopCheck& stop) {
    unlist(position);
    qty_.resize(position + offset());
    return qr_.remove(position + offset(), stop) && complete(stop);
}

bool ActiveSetSolver::descend(double beta, StopCheck& stop) {
    std::vector<double> goal;
    while (true) {
        ++steps_;
        if (stop(active_.size() * active_.size())) return false;
        target(beta, goal);
        double step = 1.0;
        std::size_t blocking = active_.size();
        for (std::size_t i = 0; i < active_.size(); ++i) {
            const double now = z_[active_[i]], next = goal[i + offset()];
            if (next * sign_[i] > 0) continue;
            // now * sign >= 0 >= next * sign: the coefficient reaches zero on the way.
            const double reach = now == next ? 0.0 : now / (now - next);
            if (reach < step || blocking == active_.size()) step = std::min(step, reach), blocking = i;
        }
        for (std::size_t i = 0; i < active_.size(); ++i) {
            double& z = z_[active_[i]];
            z = step == 1.0 ? goal[i + offset()] : z + step * (goal[i + offset()] - z);
        }
        if (blocking == active_.size()) return true;
        if (!leave(blocking, stop)) return false;
    }
}

// One step of iterative refinement with a residual computed from the columns themselves.
bool ActiveSetSolver::polish(double beta, StopCheck& stop) {
    if (stop(active_.size() * n_)) return false;
    refresh_residual();
    const std::size_t k = qr_.size();
    std::vector<double> step(k, 0.0);
    for (std::size_t i = 0; i < active_.size(); ++i) {
        if (stop(n_)) return false;
        step[i + offset()] = dot(column(active_[i]), r_.data(), n_) - beta * sign_[i];
    }
    qr_.solve_transposed(step.data());
    qr_.solve(step.data());
    for (std::size_t i = 0; i < active_.size(); ++i) {
        const double next = z_[active_[i]] + step[i + offset()];
        if (next * sign_[i] <= 0) return true;
    }
    for (std::size_t i = 0; i < active_.size(); ++i) z_[active_[i]] += step[i + offset()];
    refresh_residual();
    return true;
}

double ActiveSetSolver::objective_value() const {
    double penalty = 0.0;
    for (std::size_t j : active_) penalty += std::fabs(z_[j]);
    return 0.5 * dot(r_.data(), r_.data(), n_) + beta_ * penalty;
}

// The column that violates |g_j| <= beta most, first among those that did so at the last full look: a full
// look costs a pass over all columns, and most of the worst ones stay bad for some steps.
std::ptrdiff_t ActiveSetSolver::most_violated(double beta, double tol, StopCheck& stop) {
    const double noise = 4 * std::numeric_limits<double>::epsilon() * std::sqrt(dot(r_.data(), r_.data(), n_));
    auto excess = [&](std::size_t j) {
        g_[j] = dot(column(j), r_.data(), n_);
        return std::fabs(g_[j]) - beta * (1.0 + tol) - noise * norm_[j];
    };
    std::ptrdiff_t best = kNone;
    double worst = 0.0;
    for (std::size_t j : shortlist_) {
        if (state_[j] != kInactive) continue;
        const double e = excess(j);
        if (e > worst) worst = e, best = static_cast<std::ptrdiff_t>(j);
    }
    if (best >= 0) return best;
    std::vector<std::pair<double, std::size_t>> violated;
    for (std::size_t j = 0; j < z_.size(); ++j) {
        if (j % UpdatedQR::kLook == 0 && stop(UpdatedQR::kLook * n_)) return kStopped;
        if (state_[j] == kActive) continue;
        const double e = excess(j);
        if (state_[j] == kInactive && e > 0.0) violated.emplace_back(-e, j);
    }
    shortlist_.clear();
    if (violated.empty()) return kNone;
    const std::size_t length = std::min(kShortlist, violated.size());
    std::partial_sort(violated.begin(), violated.begin() + static_cast<std::ptrdiff_t>(length), violated.end());
    for (std::size_t i = 0; i < length; ++i) shortlist_.push_back(violated[i].second);
    return static_cast<std::ptrdiff_t>(shortlist_[0]);
}

// Append a column to the factor; its coefficients are in `coefficients_` if it is dependent.
ActiveSetSolver::Entry ActiveSetSolver::append(std::size_t j, StopCheck& stop) {
    work_.assign(column(j), column(j) + n_);
    coefficients_.resize(qr_.size());
    if (!qr_.project(work_.data(), coefficients_.data(), stop)) return Entry::stopped;
    const double rest = std::sqrt(dot(work_.data(), work_.data(), n_));
    if (!(rest > kDependent * norm_[j])) return Entry::dependent;
    qr_.append(coefficients_.data(), work_.data(), rest);
    return Entry::active;
}

ActiveSetSolver::Entry ActiveSetSolver::activate(std::size_t j, double sign, StopCheck& stop) {
    const Entry entry = append(j, stop);
    if (entry != Entry::active) return entry;
    qty_.push_back(dot(qr_.q(qr_.size() - 1), y_.data(), n_));
    list(j, sign);
    return entry;
}

bool ActiveSetSolver::warm(const double* z, StopCheck& stop) {
    if (!complete(stop)) return false;
    for (std::size_t j = 0; j < z_.size(); ++j) {
        if (z[j] == 0.0 || state_[j] == kActive) continue;
        const Entry entry = activate(j, sign_of(z[j]), stop);
        if (entry == Entry::stopped) return false;
        if (entry == Entry::active) z_[j] = z[j];
    }
    return true;
}

// A dependent column: K_j = K_A c. Moving z_j by +s and z_A by -s c keeps the outputs and lowers the penalty
// (|g_j| > beta means s c's > 1), until an active coefficient reaches zero and makes room.
bool ActiveSetSolver::swap_in(std::size_t j, double s, StopCheck& stop) {
    qr_.solve(coefficients_.data());
    double reach = std::numeric_limits<double>::infinity();
    std::size_t blocking = active_.size();
    for (std::size_t i = 0; i < active_.size(); ++i) {
        const double slope = -s * coefficients_[i + offset()] * sign_[i];
        if (slope >= -1e-12) continue;
        const double here = std::fabs(z_[active_[i]]) / -slope;
        if (here < reach) reach = here, blocking = i;
    }
    if (blocking < active_.size()) {
        for (std::size_t i = 0; i < active_.size(); ++i) z_[active_[i]] -= reach * s * coefficients_[i + offset()];
        z_[j] = reach * s;
        const Entry entry = leave(blocking, stop) ? activate(j, s, stop) : Entry::stopped;
        if (entry == Entry::active) return true;
        if (entry == Entry::stopped) {
            list(j, s);
            return false;
        }
    }
    z_[j] = 0.0;
    state_[j] = kRefused;
    return true;
}

bool ActiveSetSolver::enter(std::size_t j, StopCheck& stop) {
    const double s = sign_of(g_[j]);
    const Entry entry = activate(j, s, stop);
    if (entry != Entry::dependent) return entry == Entry::active;
    if (norm_[j] > 0.0) return swap_in(j, s, stop);
    z_[j] = 0.0;
    state_[j] = kRefused;
    return true;
}

// Let a violated column enter. False if stopped.
bool ActiveSetSolver::improve(std::size_t column, double beta, StopCheck& stop) {
    const std::size_t before = active_.size();
    if (!enter(column, stop)) return false;
    // An entering coefficient whose step has the wrong sign is numerically dependent: refuse it.
    if (active_.size() != before + 1 || active_.back() != column || z_[column] != 0.0) return true;
    std::vector<double> goal;
    target(beta, goal);
    if (goal.back() * sign_.back() > 0) return true;
    const bool left = leave(active_.size() - 1, stop);
    state_[column] = kRefused;
    return left;
}

ActiveSetSolver::Status ActiveSetSolver::solve(double beta, double tol, std::size_t max_steps, StopCheck& stop) {
    beta_ = beta;
    for (char& s : state_)
        if (s == kRefused) s = kInactive;
    const std::size_t limit = steps_ + max_steps;
    // Objective when a column last entered: entering again without progress is a cycle of rounding errors.
    std::vector<double> entered(z_.size(), std::numeric_limits<double>::infinity());
    bool going = complete(stop);
    while (going && descend(beta, stop) && polish(beta, stop)) {
        const std::ptrdiff_t j = most_violated(beta, tol, stop);
        if (j == kNone) return Status::optimal;
        if (j == kStopped) break;
        if (steps_ >= limit) return Status::step_limit;
        const std::size_t column = static_cast<std::size_t>(j);
        const double objective = objective_value();
        if (objective >= entered[column] * (1.0 - kProgress)) {
            state_[column] = kRefused;
            continue;
        }
        entered[column] = objective;
        going = improve(column, beta, stop);
    }
    refresh_residual();
    return Status::stopped;
}

std::vector<std::size_t> ActiveSetSolver::compact(double slack) {
    std::vector<std::size_t> kept, place(z_.size(), 0);
    for (std::size_t j = 0; j < z_.size(); ++j)
        if (state_[j] == kActive || std::fabs(g_[j]) >= slack * beta_) place[j] = kept.size(), kept.push_back(j);
    for (std::size_t i = 0; i < kept.size(); ++i) {
        const std::size_t j = kept[i];
        std::copy_n(k_.begin() + static_cast<std::ptrdiff_t>(j * n_), n_, k_.begin() + static_cast<std::ptrdiff_t>(i * n_));
        z_[i] = z_[j], g_[i] = g_[j], norm_[i] = norm_[j], state_[i] = state_[j];
    }
    const std::size_t m = kept.size();
    shortlist_.clear();
    k_.resize(m * n_), z_.resize(m), g_.resize(m), norm_.resize(m), state_.resize(m);
    for (std::size_t& j : active_) j = place[j];
    return kept;
}

}  // namespace convexnn
