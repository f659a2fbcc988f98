#include "linvariance/optima/path.hpp"

#include "arrays.hpp"

namespace linvariance::bindings {
namespace {

py::tuple points(const Array<double>& triangle, const Array<double>& targets, const Array<double>& diagonal,
                 const Array<double>& above, const Array<double>& strengths, Index kept, Index rank, Index threads) {
    const ConstView<double> R = view(triangle), F = view(targets);
    const Index count = strengths.size(), outputs = R.rows(), size = F.cols();
    expect(R.cols() == outputs && F.rows() == outputs && diagonal.size() == size &&
               above.size() == std::max(size - 1, Index{0}) && strengths.ndim() == 1 && 0 <= rank && rank <= kept &&
               kept <= outputs && threads >= 1,
           "expected triangle (d_L, d_L), targets (d_L, m), diagonal (m), above (m - 1), strengths (n), "
           "rank <= kept <= d_L, threads >= 1");
    Array<double> sigma({count, kept}), left({count, outputs, kept}), inner({count, rank, size + outputs}), rest(count);
    double* const to[] = {sigma.mutable_data(), left.mutable_data(), inner.mutable_data(), rest.mutable_data()};
    const Path path(R, F, diagonal.data(), above.data(), kept, rank);
    {
        const py::gil_scoped_release unlocked;
        path.compute(strengths.data(), count, to[0], to[1], to[2], to[3], threads);
    }
    return py::make_tuple(sigma, left, inner, rest);
}

}  // namespace

void bind_path(py::module_& module) {
    module.def(
        "path_points", &points, py::arg("triangle").noconvert(), py::arg("targets").noconvert(),
        py::arg("diagonal").noconvert(), py::arg("above").noconvert(), py::arg("strengths").noconvert(),
        py::arg("kept"), py::arg("rank"), py::arg("threads"),
        "Singular values (n, q) and left vectors (n, d_L, q) of Z(strength), the first left vectors u behind u^T Z "
        "R^-T (n, rank, m + d_L), and the squares of the targets outside of Z (n).");
}

}  // namespace linvariance::bindings
