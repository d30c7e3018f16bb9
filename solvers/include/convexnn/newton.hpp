// The matrix of a Newton step for a smooth loss plus a sum of Euclidean norms, scaled to a unit diagonal.
#pragma once

#include <cstddef>
#include <cstdint>

namespace convexnn {

// H (size, size), size = total + c, is the Gram matrix (total, total) plus the Hessian of beta * sum of the lengths of
// blocks [starts[k], starts[k+1]), of which `unit` holds the directions; then come c rows and columns of intercepts:
// `border` (total, c) and `corner` (c, c). Rows and columns are multiplied by scale[i] = 1 / sqrt(H_ii), where entries
// below the share `unseen` of the largest count as that.
void newton_matrix(const double* gram, std::size_t total, const std::int64_t* starts, std::size_t blocks,
                   const double* unit, const double* lengths, double beta, const double* border, const double* corner,
                   std::size_t c, double unseen, double* H, double* scale);

}  // namespace convexnn
