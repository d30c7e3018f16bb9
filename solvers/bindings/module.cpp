// The extension module: one bind_x per kernel family, each in its own file.
#include <nanobind/nanobind.h>

namespace nb = nanobind;

void bind_lbfgs(nb::module_& m);
void bind_line(nb::module_& m);
void bind_active_set(nb::module_& m);
void bind_newton(nb::module_& m);
void bind_forward_backward(nb::module_& m);
void bind_pencil(nb::module_& m);
void bind_planar(nb::module_& m);
void bind_sectors(nb::module_& m);
void bind_wedge(nb::module_& m);

NB_MODULE(_core, m) {
    m.doc() = "Compiled kernels of convexnn; use them through the Python layers.";
    bind_lbfgs(m);
    bind_line(m);
    bind_active_set(m);
    bind_newton(m);
    bind_forward_backward(m);
    bind_pencil(m);
    bind_planar(m);
    bind_sectors(m);
    bind_wedge(m);
}
