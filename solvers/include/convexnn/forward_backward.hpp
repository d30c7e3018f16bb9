// Forward and backward pass of all neurons over all samples, element by element; matrix products are the caller's.
//
// Legend: S (n, m) values x_i . w_j + b_j; e_j half width of the smoothing of the ReLU (none: e == nullptr); slope p of
// the ReLU, response r = (s + e)^2 / 4e where |s| < e and the ReLU elsewhere. T is float or double.
//
// `leak` is the slope of the inactive side of the activation: then a neuron answers (1 - leak) r + leak s and has the
// slope (1 - leak) p + leak. P holds p whatever the leak. A call is one pass over matrices that the caller has just
// multiplied, so it takes no deadline.
#pragma once

#include <cstddef>

namespace convexnn {

// Replace S by the slopes p and write the responses to R (n, m).
template <class T>
void slopes_and_responses(T* S, T* R, const T* e, T leak, std::size_t n, std::size_t m);

// Replace S by the slopes p; f_i receives sum_j a_j r_ij. For one output, whose responses need no place of their own.
template <class T>
void slopes_and_outputs(T* S, const T* a, const T* e, double* f, T leak, std::size_t n, std::size_t m);

// D holds derivatives of the objective by the responses: multiply them by the slopes of the neurons, and add up those
// by e, which are D (1 - leak) p (1 - p), in `total` (m).
template <class T>
void through_slopes(T* D, const T* P, double* total, T leak, std::size_t n, std::size_t m);

// The same for D_ij = g_i, with the product written over P.
template <class T>
void gradient_through_slopes(T* P, const T* g, double* total, T leak, std::size_t n, std::size_t m);

}  // namespace convexnn
