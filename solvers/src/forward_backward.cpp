#include "convexnn/forward_backward.hpp"

#include <algorithm>
#include <limits>
#include <vector>

#include "convexnn/vector.hpp"

// Clones for instruction sets need plain functions, so every loop is an inline body with an instance per precision.
namespace convexnn {
namespace {

constexpr std::size_t LANES = 16;  // partial sums with a fixed order, whatever the width of the vectors
constexpr std::size_t ROWS = 64;   // rows whose sums stay in T before they enter a double

template <class T>
CONVEXNN_INLINE T slope_of(T s, T scale) {
    T p = s * scale + T(0.5);
    p = p > T(0) ? p : T(0);
    return p < T(1) ? p : T(1);
}

template <class T>
CONVEXNN_INLINE T larger(T a, T b) {
    return a > b ? a : b;
}

// What a neuron answers, from its value and the response of the ReLU; and its slope, from that of the ReLU. Without a
// leak there is nothing to do, also where values are infinite.
template <bool kLeaky, class T>
CONVEXNN_INLINE T leaky(T plain, T inactive, T leak) {
    return kLeaky ? (T(1) - leak) * plain + leak * inactive : plain;
}

template <bool kLeaky, class T>
CONVEXNN_INLINE void responses(T* S, T* R, const T* e, const T* scale, T leak, std::size_t n, std::size_t m) {
    for (std::size_t i = 0; i < n; ++i) {
        T *s = S + i * m, *r = R + i * m;
        if (e == nullptr) {
            for (std::size_t j = 0; j < m; ++j) {
                r[j] = leaky<kLeaky>(larger(s[j], T(0)), s[j], leak);
                s[j] = s[j] > T(0) ? T(1) : T(0);
            }
        } else {
            for (std::size_t j = 0; j < m; ++j) {
                const T p = slope_of(s[j], scale[j]);
                r[j] = leaky<kLeaky>(larger(s[j], p * p * e[j]), s[j], leak);
                s[j] = p;
            }
        }
    }
}

template <class T>
CONVEXNN_INLINE T fold(const T* sum) {
    T half[LANES / 2];
    for (std::size_t l = 0; l < LANES / 2; ++l) half[l] = sum[l] + sum[l + LANES / 2];
    return ((half[0] + half[4]) + (half[1] + half[5])) + ((half[2] + half[6]) + (half[3] + half[7]));
}

template <bool kLeaky, class T>
CONVEXNN_INLINE void outputs(T* S, const T* a, const T* e, const T* scale, double* f, T leak, std::size_t n,
                             std::size_t m) {
    const std::size_t whole = m - m % LANES;
    for (std::size_t i = 0; i < n; ++i) {
        T *s = S + i * m, sum[LANES] = {};
        double rest = 0.0;
        if (e == nullptr) {
            for (std::size_t j = 0; j < whole; j += LANES)
                for (std::size_t l = 0; l < LANES; ++l) {
                    // Without these names the compiler branches on every sign, at sixty times the cost.
                    const T r = larger(s[j + l], T(0)), p = s[j + l] > T(0) ? T(1) : T(0);
                    sum[l] += a[j + l] * leaky<kLeaky>(r, s[j + l], leak);
                    s[j + l] = p;
                }
            for (std::size_t j = whole; j < m; ++j) {
                rest += a[j] * leaky<kLeaky>(larger(s[j], T(0)), s[j], leak);
                s[j] = s[j] > T(0) ? T(1) : T(0);
            }
        } else {
            for (std::size_t j = 0; j < whole; j += LANES)
                for (std::size_t l = 0; l < LANES; ++l) {
                    const T p = slope_of(s[j + l], scale[j + l]);
                    sum[l] += a[j + l] * leaky<kLeaky>(larger(s[j + l], p * p * e[j + l]), s[j + l], leak);
                    s[j + l] = p;
                }
            for (std::size_t j = whole; j < m; ++j) {
                const T p = slope_of(s[j], scale[j]);
                rest += a[j] * leaky<kLeaky>(larger(s[j], p * p * e[j]), s[j], leak);
                s[j] = p;
            }
        }
        f[i] = double(fold(sum)) + rest;
    }
}

// Way back through one row: d by the responses becomes d by the values, `block` gains the derivatives by e.
template <bool kLeaky, class T>
CONVEXNN_INLINE T back_through(T d, T p, T leak, T& block) {
    const T through = d * p;
    const T by_width = through * (T(1) - p);  // zero outside the parabola
    block += kLeaky ? (T(1) - leak) * by_width : by_width;
    return kLeaky ? (T(1) - leak) * through + leak * d : through;
}

template <bool kLeaky, class T>
CONVEXNN_INLINE void back(T* D, const T* P, T* block, double* total, T leak, std::size_t n, std::size_t m) {
    std::fill(total, total + m, 0.0);
    for (std::size_t first = 0; first < n; first += ROWS) {
        std::fill(block, block + m, T(0));
        for (std::size_t i = first; i < std::min(n, first + ROWS); ++i) {
            T* d = D + i * m;
            const T* p = P + i * m;
            for (std::size_t j = 0; j < m; ++j) d[j] = back_through<kLeaky>(d[j], p[j], leak, block[j]);
        }
        for (std::size_t j = 0; j < m; ++j) total[j] += block[j];
    }
}

template <bool kLeaky, class T>
CONVEXNN_INLINE void back_one(T* P, const T* g, T* block, double* total, T leak, std::size_t n, std::size_t m) {
    std::fill(total, total + m, 0.0);
    for (std::size_t first = 0; first < n; first += ROWS) {
        std::fill(block, block + m, T(0));
        for (std::size_t i = first; i < std::min(n, first + ROWS); ++i) {
            T* p = P + i * m;
            const T gi = g[i];
            for (std::size_t j = 0; j < m; ++j) p[j] = back_through<kLeaky>(gi, p[j], leak, block[j]);
        }
        for (std::size_t j = 0; j < m; ++j) total[j] += block[j];
    }
}

template <class T>
std::vector<T> scales(const T* e, std::size_t m) {
    std::vector<T> scale(e == nullptr ? 0 : m);
    for (std::size_t j = 0; j < scale.size(); ++j) scale[j] = T(0.5) / larger(e[j], std::numeric_limits<T>::min());
    return scale;
}

CONVEXNN_CLONES void run(double* S, double* R, const double* e, const double* c, double leak, std::size_t n, std::size_t m) {
    if (leak == double(0)) responses<false>(S, R, e, c, leak, n, m);
    else responses<true>(S, R, e, c, leak, n, m);
}
CONVEXNN_CLONES void run(double* S, const double* a, const double* e, const double* c, double* f, double leak, std::size_t n,
                         std::size_t m) {
    if (leak == double(0)) outputs<false>(S, a, e, c, f, leak, n, m);
    else outputs<true>(S, a, e, c, f, leak, n, m);
}
CONVEXNN_CLONES void run_back(double* D, const double* P, double* b, double* t, double leak, std::size_t n, std::size_t m) {
    if (leak == double(0)) back<false>(D, P, b, t, leak, n, m);
    else back<true>(D, P, b, t, leak, n, m);
}
CONVEXNN_CLONES void run_one(double* P, const double* g, double* b, double* t, double leak, std::size_t n, std::size_t m) {
    if (leak == double(0)) back_one<false>(P, g, b, t, leak, n, m);
    else back_one<true>(P, g, b, t, leak, n, m);
}
CONVEXNN_CLONES void run(float* S, float* R, const float* e, const float* c, float leak, std::size_t n, std::size_t m) {
    if (leak == float(0)) responses<false>(S, R, e, c, leak, n, m);
    else responses<true>(S, R, e, c, leak, n, m);
}
CONVEXNN_CLONES void run(float* S, const float* a, const float* e, const float* c, double* f, float leak, std::size_t n,
                         std::size_t m) {
    if (leak == float(0)) outputs<false>(S, a, e, c, f, leak, n, m);
    else outputs<true>(S, a, e, c, f, leak, n, m);
}
CONVEXNN_CLONES void run_back(float* D, const float* P, float* b, double* t, float leak, std::size_t n, std::size_t m) {
    if (leak == float(0)) back<false>(D, P, b, t, leak, n, m);
    else back<true>(D, P, b, t, leak, n, m);
}
CONVEXNN_CLONES void run_one(float* P, const float* g, float* b, double* t, float leak, std::size_t n, std::size_t m) {
    if (leak == float(0)) back_one<false>(P, g, b, t, leak, n, m);
    else back_one<true>(P, g, b, t, leak, n, m);
}

}  // namespace

template <class T>
void slopes_and_responses(T* S, T* R, const T* e, T leak, std::size_t n, std::size_t m) {
    run(S, R, e, scales(e, m).data(), leak, n, m);
}

template <class T>
void slopes_and_outputs(T* S, const T* a, const T* e, double* f, T leak, std::size_t n, std::size_t m) {
    run(S, a, e, scales(e, m).data(), f, leak, n, m);
}

template <class T>
void through_slopes(T* D, const T* P, double* total, T leak, std::size_t n, std::size_t m) {
    std::vector<T> block(m);
    run_back(D, P, block.data(), total, leak, n, m);
}

template <class T>
void gradient_through_slopes(T* P, const T* g, double* total, T leak, std::size_t n, std::size_t m) {
    std::vector<T> block(m);
    run_one(P, g, block.data(), total, leak, n, m);
}

template void slopes_and_responses(double*, double*, const double*, double, std::size_t, std::size_t);
template void slopes_and_outputs(double*, const double*, const double*, double*, double, std::size_t, std::size_t);
template void through_slopes(double*, const double*, double*, double, std::size_t, std::size_t);
template void gradient_through_slopes(double*, const double*, double*, double, std::size_t, std::size_t);
template void slopes_and_responses(float*, float*, const float*, float, std::size_t, std::size_t);
template void slopes_and_outputs(float*, const float*, const float*, double*, float, std::size_t, std::size_t);
template void through_slopes(float*, const float*, double*, float, std::size_t, std::size_t);
template void gradient_through_slopes(float*, const float*, double*, float, std::size_t, std::size_t);

}  // namespace convexnn
