#include "linvariance/optima/path.hpp"

#include "arrays.hpp"

namespace linvariance::bindings {
namespace {

py::tuple spectra(const Array<double>& L, const Array<double>& F, const Array<double>& tau,
                  const Array<double>& strengths, Index threads) {
    const ConstView<double> constant = view(L), scaled = view(F);
    expect(constant.rows() == scaled.rows() && tau.size() == scaled.cols() && strengths.ndim() == 1 && threads >= 1,
           "expected L (d_L, k), F (d_L, m), tau (m), strengths (n), threads >= 1");
    const PathSpectra path(constant, scaled, tau.data());
    const Index count = strengths.size();
    Array<double> sigma({count, path.kept()}), left({count, constant.rows(), path.kept()});
    double* const to_sigma = sigma.mutable_data();
    double* const to_left = left.mutable_data();
    if (path.kept() > 0 && count > 0) {
        const py::gil_scoped_release unlocked;
        path.compute(strengths.data(), count, to_sigma, to_left, threads);
    }
    return py::make_tuple(sigma, left);
}

}  // namespace

void bind_path(py::module_& module) {
    module.def("path_spectra", &spectra, py::arg("L").noconvert(), py::arg("F").noconvert(), py::arg("tau").noconvert(),
               py::arg("strengths").noconvert(), py::arg("threads"),
               "Singular values (n, q) and left vectors (n, d_L, q) of [L, F diag(tau/sqrt(tau² + strength))].");
}

}  // namespace linvariance::bindings
