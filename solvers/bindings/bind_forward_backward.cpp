// Elementwise passes of the joint descent, in double and in single precision.
#include <nanobind/stl/optional.h>

#include "common.hpp"
#include "convexnn/forward_backward.hpp"

namespace {

template <class T>
using In1 = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <class T>
using In2 = nb::ndarray<const T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
template <class T>
using Out2 = nb::ndarray<T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

template <class A, class B>
void check_same(const A& a, const B& b) {
    if (a.shape(0) != b.shape(0) || a.shape(1) != b.shape(1))
        throw nb::value_error("both matrices must have the same shape (n, m)");
}

template <class A, class B>
void check_length(const A& vector, std::size_t length, const B& what) {
    if (vector.shape(0) != length) throw nb::value_error(what);
}

template <class T>
const T* half_widths(const std::optional<In1<T>>& e, std::size_t m) {
    if (!e) return nullptr;
    check_length(*e, m, "e must have the length m");
    return e->data();
}

template <class T>
void bind(nb::module_& m) {
    m.def(
        "slopes_and_responses",
        [](Out2<T> S, Out2<T> R, std::optional<In1<T>> e, double slope) {
            const T leak = static_cast<T>(checked_slope(slope));
            check_same(S, R);
            const T* widths = half_widths<T>(e, S.shape(1));
            nb::gil_scoped_release nogil;
            convexnn::slopes_and_responses(S.data(), R.data(), widths, leak, S.shape(0), S.shape(1));
        },
        nb::arg("S").noconvert(), nb::arg("R").noconvert(), nb::arg("e").noconvert().none(), nb::arg("slope") = 0.0);
    m.def(
        "slopes_and_outputs",
        [](Out2<T> S, In1<T> a, std::optional<In1<T>> e, OutVector f, double slope) {
            const T leak = static_cast<T>(checked_slope(slope));
            check_length(a, S.shape(1), "a must have the length m");
            check_length(f, S.shape(0), "f must have the length n");
            const T* widths = half_widths<T>(e, S.shape(1));
            nb::gil_scoped_release nogil;
            convexnn::slopes_and_outputs(S.data(), a.data(), widths, f.data(), leak, S.shape(0), S.shape(1));
        },
        nb::arg("S").noconvert(), nb::arg("a").noconvert(), nb::arg("e").noconvert().none(),
        nb::arg("f").noconvert(), nb::arg("slope") = 0.0);
    m.def(
        "through_slopes",
        [](Out2<T> D, In2<T> P, OutVector total, double slope) {
            const T leak = static_cast<T>(checked_slope(slope));
            check_same(D, P);
            check_length(total, D.shape(1), "total must have the length m");
            nb::gil_scoped_release nogil;
            convexnn::through_slopes(D.data(), P.data(), total.data(), leak, D.shape(0), D.shape(1));
        },
        nb::arg("D").noconvert(), nb::arg("P").noconvert(), nb::arg("total").noconvert(), nb::arg("slope") = 0.0);
    m.def(
        "gradient_through_slopes",
        [](Out2<T> P, In1<T> g, OutVector total, double slope) {
            const T leak = static_cast<T>(checked_slope(slope));
            check_length(g, P.shape(0), "g must have the length n");
            check_length(total, P.shape(1), "total must have the length m");
            nb::gil_scoped_release nogil;
            convexnn::gradient_through_slopes(P.data(), g.data(), total.data(), leak, P.shape(0), P.shape(1));
        },
        nb::arg("P").noconvert(), nb::arg("g").noconvert(), nb::arg("total").noconvert(), nb::arg("slope") = 0.0);
}

}  // namespace

void bind_forward_backward(nb::module_& m) {
    bind<double>(m);
    bind<float>(m);
}
