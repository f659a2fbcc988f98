#include "linvariance/networks/chain.hpp"

#include <memory>
#include <utility>

#include "linvariance/curvature/hessian.hpp"
#include "locked.hpp"

namespace linvariance::bindings {
namespace {

using Widths = std::vector<Index>;

Chain make_chain(const Widths& widths) {
    expect(
        widths.size() >= 2 && std::all_of(widths.begin(), widths.end(), [](Index w) { return w >= 0 && w >> 30 == 0; }),
        "expected at least two widths, from 0 to 2^30");
    return Chain(widths);
}

// A chain with its weights and every product of them.
template <class T>
struct Network {
    Network(const Widths& widths, const Array<T>& flat)
        : chain(make_chain(widths)), weights(chain.parameters()), inner(chain.inner_size()) {
        expect(flat.size() == chain.parameters(), "expected as many weights as the widths say");
        std::copy_n(flat.data(), flat.size(), weights.data());
        product(chain, value());
    }
    Field<T> value() { return {weights.data(), inner.data()}; }

    Chain chain;
    Vector<T> weights, inner;
};

template <class T>
Array<T> to_python(const View<T>& matrix) {
    Array<T> out({matrix.rows(), matrix.cols()});
    mutable_view(out) = matrix;
    return out;
}

template <class T>
Array<T> product_of(const Widths& widths, const Array<T>& weights) {
    Network<T> network(widths, weights);
    return to_python(network.chain.at(network.value(), network.chain.root()));
}

template <class T>
Array<T> pullback_of(const Widths& widths, const Array<T>& weights, const Array<T>& D) {
    Network<T> network(widths, weights);
    const Chain& chain = network.chain;
    expect(D.ndim() == 2 && D.shape(0) == chain.outputs() && D.shape(1) == chain.inputs(), "expected D (d_L, d_0)");
    Array<T> out(chain.parameters());
    Vector<T> inner(chain.inner_size());
    const Field<T> adjoint{out.mutable_data(), inner.data()};
    chain.at(adjoint, chain.root()) = view(D);
    product_pullback(chain, network.value(), adjoint);
    return out;
}

template <class T>
Array<T> tangent_of(const Widths& widths, const Array<T>& weights, const Array<T>& direction) {
    Network<T> network(widths, weights);
    const Chain& chain = network.chain;
    expect(direction.size() == chain.parameters(), "expected a direction with as many entries as the weights");
    Vector<T> layers = Eigen::Map<const Vector<T>>(direction.data(), direction.size()), inner(chain.inner_size());
    const Field<T> tangent{layers.data(), inner.data()};
    product_tangent(chain, network.value(), tangent);
    return to_python(chain.at(tangent, chain.root()));
}

using MomentHessian = Hessian<double>;

std::unique_ptr<Locked<MomentHessian>> make_hessian(const MomentObjective<double>& objective, const Widths& widths,
                                                    const Array<double>& weights, const std::string& second) {
    const Chain chain = make_chain(widths);
    expect_fit(objective, chain);
    expect(!objective.S.is_diagonal(), "expected second moments that are not turned");
    expect(weights.size() == chain.parameters(), "expected as many weights as the widths say");
    return std::make_unique<Locked<MomentHessian>>(
        chain, objective, Eigen::Map<const Vector<double>>(weights.data(), weights.size()), second_named(second));
}

// A B three ways, each by another kernel; for tests.
template <class T>
py::tuple kernel_products(const Array<T>& A, const Array<T>& B) {
    const auto a = view(A), b = view(B);
    expect(a.cols() == b.rows() && a.size() > 0 && b.size() > 0, "expected A (m, k) and B (k, n)");
    const Matrix<T> right = b, flipped = b.transpose();
    Matrix<T> plain(a.rows(), b.cols()), packed = plain, dots = plain;
    set_product(a, right, plain);
    multiply(a, PackedMatrix<T>(right), packed, false);
    set_product(a, flipped.transpose(), dots);
    const auto out = [](Matrix<T>& M) { return to_python(View<T>(M.data(), M.rows(), M.cols())); };
    return py::make_tuple(out(plain), out(packed), out(dots));
}

template <class T>
void bind_functions(py::module_& module) {
    module.def("kernel_products", &kernel_products<T>, py::arg("A").noconvert(), py::arg("B").noconvert(),
               "A B by the plain, the packed and the inner-product kernel.");
    module.def("product", &product_of<T>, py::arg("widths"), py::arg("weights").noconvert(), "W = W_L ... W_1.");
    module.def("product_pullback", &pullback_of<T>, py::arg("widths"), py::arg("weights").noconvert(),
               py::arg("D").noconvert(), "G_j = (W_L..W_{j+1})ᵀ D (W_{j-1}..W_1)ᵀ for every layer, joined.");
    module.def("product_tangent", &tangent_of<T>, py::arg("widths"), py::arg("weights").noconvert(),
               py::arg("direction").noconvert(), "sum_j W_L..V_j..W_1.");
}

}  // namespace

void bind_chain(py::module_& module) {
    bind_functions<double>(module);
    bind_functions<float>(module);
    bind_locked<MomentHessian>(module, "Hessian", "Hessian of the moment objective at a network.")
        .def(py::init(&make_hessian), py::arg("moments"), py::arg("widths"), py::arg("weights").noconvert(),
             py::arg("second") = "hessian");
}

}  // namespace linvariance::bindings
