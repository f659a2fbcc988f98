#include "arrays.hpp"

#define LINVARIANCE_TEXT_(x) #x
#define LINVARIANCE_TEXT(x) LINVARIANCE_TEXT_(x)

PYBIND11_MODULE(_core, module) {
    module.doc() = "The C++ core: mathematics on Eigen. Not a public interface.";
    pybind11::dict build;
#if EIGEN_MAJOR_VERSION >= 5  // its first number stays 3 for ever, and is no longer told
    build["eigen"] = EIGEN_VERSION_STRING;
#else
    build["eigen"] = LINVARIANCE_TEXT(EIGEN_WORLD_VERSION) "." LINVARIANCE_TEXT(
        EIGEN_MAJOR_VERSION) "." LINVARIANCE_TEXT(EIGEN_MINOR_VERSION);
#endif
    build["eigen_source"] = LINVARIANCE_EIGEN_SOURCE;
    build["compiler"] = __VERSION__;
    build["kernels"] = linvariance::kernel_level();
    build["kernel_levels"] = pybind11::str(", ").attr("join")(linvariance::kernel_levels());
    module.attr("build") = build;
    linvariance::bindings::bind_chain(module);
    linvariance::bindings::bind_orbits(module);
    linvariance::bindings::bind_descent(module);
    linvariance::bindings::bind_path(module);
    linvariance::bindings::bind_samples(module);
}
