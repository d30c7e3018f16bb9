// Dense vector loops with a fixed summation order: eight partial sums, so the compiler may use vector
// instructions of any width and every machine still gets the same bits (contraction is switched off).
#pragma once

#include <cstddef>

// One copy of a function per instruction set, chosen when the library is loaded: GCC and the GNU C library only
// (<cstddef> defines __GLIBC__). The sanitizers start too late for that choice.
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__GLIBC__) && \
    !defined(__SANITIZE_ADDRESS__)
#define CONVEXNN_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define CONVEXNN_CLONES
#endif

// For bodies that every clone must contain.
#if defined(__GNUC__)
#define CONVEXNN_INLINE inline __attribute__((always_inline))
#else
#define CONVEXNN_INLINE inline
#endif

namespace convexnn {

double dot(const double* a, const double* b, std::size_t n);
void axpy(double s, const double* x, double* y, std::size_t n);  // y += s x
void rotate(double c, double s, double* x, double* y, std::size_t n);  // (x, y) <- (c x + s y, c y - s x)

}  // namespace convexnn
