// The extension module: one bind_x per kernel family, each in its own file.
#include <nanobind/nanobind.h>

namespace nb = nanobind;

void bind_wedge(nb::module_& m);

NB_MODULE(_core, m) {
    m.doc() = "Compiled kernels of convexnn; use them through the Python layers.";
    bind_wedge(m);
}
