// Two and eight doubles at once: the vector extension of GCC and Clang where there is one, plain arrays elsewhere.
// Both do the same operations lane by lane, so results have the same bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "convexnn/vector.hpp"

#if defined(__GNUC__) && !defined(CONVEXNN_PLAIN_PACKS)
#define CONVEXNN_VECTOR_EXTENSION 1
// Eight doubles are passed only to functions that are inlined, so their calling convention is never used.
#pragma GCC diagnostic ignored "-Wpsabi"
#endif

namespace convexnn {

constexpr std::size_t kLanes = 8;

#ifdef CONVEXNN_VECTOR_EXTENSION

using Two = double __attribute__((vector_size(16)));
using Eight = double __attribute__((vector_size(kLanes * sizeof(double))));

// Lane by lane: a where the comparison holds, b elsewhere.
template <class Mask>
CONVEXNN_INLINE Eight select(const Mask& mask, const Eight& a, const Eight& b) {
    return mask ? a : b;
}
CONVEXNN_INLINE Eight all_lanes(double x) { return Eight{} + x; }

#else

template <std::size_t kCount>
struct Pack {
    double lane[kCount];

    double operator[](std::size_t l) const { return lane[l]; }
    Pack& operator+=(const Pack& b) { return *this = *this + b; }
    Pack& operator-=(const Pack& b) { return *this = *this - b; }
    friend Pack operator+(const Pack& a, const Pack& b) { return a.map(b, [](double x, double y) { return x + y; }); }
    friend Pack operator-(const Pack& a, const Pack& b) { return a.map(b, [](double x, double y) { return x - y; }); }
    friend Pack operator*(const Pack& a, const Pack& b) { return a.map(b, [](double x, double y) { return x * y; }); }
    friend Pack operator*(double s, const Pack& b) { return b.map(b, [s](double, double y) { return s * y; }); }
    template <class F>
    Pack map(const Pack& b, F f) const {
        Pack result;
        for (std::size_t l = 0; l < kCount; ++l) result.lane[l] = f(lane[l], b.lane[l]);
        return result;
    }
};
using Two = Pack<2>;
using Eight = Pack<kLanes>;

struct Mask {
    bool lane[kLanes];
};
template <class F>
CONVEXNN_INLINE Mask compare(const Eight& a, const Eight& b, F f) {
    Mask mask;
    for (std::size_t l = 0; l < kLanes; ++l) mask.lane[l] = f(a.lane[l], b.lane[l]);
    return mask;
}
CONVEXNN_INLINE Mask operator<(const Eight& a, const Eight& b) {
    return compare(a, b, [](double x, double y) { return x < y; });
}
CONVEXNN_INLINE Mask operator>(const Eight& a, const Eight& b) { return b < a; }
CONVEXNN_INLINE Mask operator>=(const Eight& a, const Eight& b) {
    return compare(a, b, [](double x, double y) { return x >= y; });
}
CONVEXNN_INLINE Eight select(const Mask& mask, const Eight& a, const Eight& b) {
    Eight result;
    for (std::size_t l = 0; l < kLanes; ++l) result.lane[l] = mask.lane[l] ? a.lane[l] : b.lane[l];
    return result;
}
CONVEXNN_INLINE Eight all_lanes(double x) {
    Eight result;
    for (double& lane : result.lane) lane = x;
    return result;
}

#endif

CONVEXNN_INLINE Eight load(const double* x) {
    Eight v;
    std::memcpy(&v, x, sizeof v);
    return v;
}
CONVEXNN_INLINE void store(double* x, const Eight& v) { std::memcpy(x, &v, sizeof v); }

// Eight planar vectors: their first and their second coordinates.
CONVEXNN_INLINE void load(const Two* p, Eight& x, Eight& y) {
#if defined(CONVEXNN_VECTOR_EXTENSION) && (defined(__clang__) || __GNUC__ >= 12)
    const double* first = reinterpret_cast<const double*>(p);
    const Eight a = load(first), b = load(first + kLanes);
    x = __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14);
    y = __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15);
#else
    double first[kLanes], second[kLanes];
    for (std::size_t l = 0; l < kLanes; ++l) first[l] = p[l][0], second[l] = p[l][1];
    x = load(first), y = load(second);
#endif
}

}  // namespace convexnn
