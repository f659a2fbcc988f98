#include "linvariance/training/descent.hpp"

#include "records.hpp"

namespace linvariance::bindings {
namespace {

using Segments = std::vector<std::pair<Index, Array<double>>>;                               // orbits, basis
using Blocks = std::vector<std::pair<std::vector<std::pair<Index, Index>>, Array<double>>>;  // ranges, S

template <class T>
MomentObjective<T> dense_moments(const Array<double>& S, const Array<double>& C) {
    expect(view(S).rows() == view(S).cols() && view(C).cols() == view(S).cols(),
           "expected a square S and C (d_L, d_0)");
    return moment_objective(InputMoment<T>(view(S)), view(C));
}

// S = basis diag(values) basisᵀ
template <class T>
MomentObjective<T> diagonal_moments(const Array<double>& basis, const Array<double>& values, const Array<double>& C) {
    const Index d = view(C).cols();
    expect(view(basis).rows() == d && view(basis).cols() == d && values.ndim() == 1 && values.size() == d,
           "expected a basis (d_0, d_0), values (d_0) and C (d_L, d_0)");
    return moment_objective(InputMoment<T>(view(basis), ConstView<double>(values.data(), d, 1)), view(C));
}

using Sparse = std::tuple<std::vector<Index>, std::vector<Index>, Array<double>>;  // starts, columns, values

SparseRows sparse_rows(const Sparse& matrix, Index width) {
    const auto& [starts, columns, values] = matrix;
    bool fits = !starts.empty() && starts.front() == 0 && starts.back() == static_cast<Index>(columns.size()) &&
                values.size() == starts.back();
    for (std::size_t i = 1; i < starts.size(); ++i) fits = fits && starts[i - 1] <= starts[i];
    for (const Index column : columns) fits = fits && column >= 0 && column < width;
    expect(fits, "expected a sparse matrix by rows that fits the columns");
    return {starts, columns, Eigen::Map<const Vector<double>>(values.data(), values.size())};
}

// S = RᵀR + FᵀF, F sparse
template <class T>
MomentObjective<T> factored_moments(const Array<double>& R, const Sparse& F, const Array<double>& C) {
    expect(view(R).cols() == view(C).cols(), "expected R (k, d_0) and C (d_L, d_0)");
    return moment_objective(InputMoment<T>(view(R), sparse_rows(F, view(R).cols())), view(C));
}

template <class T>
MomentObjective<T> moments_in_blocks(const std::vector<Index>& order, const Segments& segments, const Blocks& blocks,
                                     const Array<double>& C) {
    std::vector<AdaptedSegment> kinds;
    std::vector<MomentBlock> parts;
    Index size = 0;
    for (const auto& [orbits, basis] : segments) {
        kinds.push_back({orbits, copy(basis)});
        expect(orbits > 0 && basis.shape(0) == basis.shape(1), "expected square bases");
        size += orbits * basis.shape(0);
    }
    std::vector<bool> met(static_cast<std::size_t>(size));
    for (const Index place : order) {
        expect(place >= 0 && place < size && !met[static_cast<std::size_t>(place)], "the order is no permutation");
        met[static_cast<std::size_t>(place)] = true;
    }
    expect(static_cast<Index>(order.size()) == size && view(C).cols() == size, "expected an order of all columns");
    for (const auto& [ranges, S] : blocks) {
        Index length = 0;
        for (const auto& [offset, n] : ranges) {
            expect(offset >= 0 && n >= 0 && offset + n <= size, "the ranges leave the coordinates");
            length += n;
        }
        parts.push_back({ranges, copy(S)});
        expect(S.shape(0) == length && S.shape(1) == length, "a block does not fit its ranges");
    }
    return moment_objective(InputMoment<T>(order, kinds, parts), view(C));
}

using Layers = std::vector<Array<double>>;

Chain chain_of(const Layers& layers) {
    expect(!layers.empty() && layers[0].ndim() == 2, "expected layers");
    std::vector<Index> widths{layers[0].shape(1)};
    for (const auto& layer : layers) {
        expect(layer.ndim() == 2 && layer.shape(1) == widths.back(), "the layers do not fit together");
        widths.push_back(layer.shape(0));
    }
    return Chain(widths);
}

// All layers joined, the first in the coordinates of `enter`.
template <class Enter>
Vector<double> joined(const Layers& layers, const Chain& chain, Enter&& enter) {
    Vector<double> flat(chain.parameters());
    double* to = flat.data();
    for (const auto& layer : layers) {
        View<double> there(to, layer.shape(0), layer.shape(1));
        &layer == layers.data() ? enter(view(layer), there) : void(there = view(layer));
        to += there.size();
    }
    return flat;
}

Layers gradient_of(const MomentObjective<double>& objective, const Layers& layers) {
    const Chain chain = chain_of(layers);
    expect_fit(objective, chain);
    Layers out;
    for (const auto& layer : layers) out.emplace_back(std::vector<Index>{layer.shape(0), layer.shape(1)});
    std::vector<View<double>> to;
    for (auto& layer : out) to.push_back(mutable_view(layer));
    const py::gil_scoped_release unlocked;
    Vector<double> weights = joined(layers, chain, [&](const auto& W, auto& there) { objective.S.enter(W, there); });
    Vector<double> slope(chain.parameters());
    GradientWorkspace<double> work(chain, objective);
    product(chain, Field<double>{weights.data(), work.inner.data()}, work.moment_product.needs_root(objective.S));
    gradient(chain, objective, weights.data(), slope.data(), work);
    const double* from = slope.data();
    for (auto& layer : to) {
        const ConstView<double> G(from, layer.rows(), layer.cols());
        &layer == to.data() ? objective.S.leave(G, layer) : void(layer = G);
        from += G.size();
    }
    return out;
}

// ‖A Wᵀ - T‖² + floor at W = W_L ... W_1
double network_loss(const Layers& layers, const Array<double>& A, const Array<double>& T, double floor) {
    const Chain chain = chain_of(layers);
    expect(view(A).cols() == chain.inputs() && view(T).cols() == chain.outputs() && view(A).rows() == view(T).rows(),
           "expected A (k, d_0) and T (k, d_L)");
    const py::gil_scoped_release unlocked;
    Vector<double> weights = joined(layers, chain, [](const auto& W, auto& there) { there = W; });
    Vector<double> inner(chain.inner_size());
    const Field<double> value{weights.data(), inner.data()};
    product(chain, value);
    Matrix<double> residual(T.shape(1), A.shape(0));
    return loss_of_rows(view(A), view(T), floor, chain.at(value, chain.root()), residual);
}

Observables make_observables(const std::vector<Array<double>>& parts, std::vector<Index> entry_rows,
                             const Array<double>& entry_columns, const Array<double>& A, const Array<double>& T,
                             double floor, const Array<double>& back, std::vector<bool> rest,
                             const Sparse& invariants) {
    rest.resize(parts.size());
    Observables out{copy(A),
                    copy(T),
                    floor,
                    {},
                    std::move(rest),
                    sparse_rows(invariants, view(entry_columns).cols()),
                    std::move(entry_rows),
                    copy(entry_columns),
                    copy(back)};
    for (const auto& part : parts) out.parts.push_back(copy(part));
    return out;
}

template <template <class> class Rule, class T>
std::vector<Recorded> train(const std::vector<std::vector<Index>>& widths,
                            const std::vector<const MomentObjective<T>*>& problems,
                            const std::vector<const Observables*>& looks, const std::vector<States<T>*>& states,
                            const typename Rule<T>::Settings& settings, const Plan& plan) {
    const Index seeds = seeds_of(states, problems.size());
    expect(widths.size() == problems.size() && looks.size() == problems.size(),
           "expected widths and observables for each problem");
    std::vector<Chain> chains;
    std::vector<Records<T>> records;
    for (std::size_t p = 0; p < problems.size(); ++p) {
        expect(widths[p].size() >= 2, "expected at least one layer");
        const Chain& chain = chains.emplace_back(widths[p]);
        const Observables& look = *looks[p];
        states[p]->expect_fit(seeds, chain.parameters(), Rule<T>::means);
        expect_fit(*problems[p], chain);
        expect_fit(look, chain.outputs(), chain.inputs());
        expect(look.A.cols() == chain.inputs() && look.T.cols() == chain.outputs() && look.A.rows() == look.T.rows(),
               "expected A (k, d_0) and T (k, d_L)");
        expect(look.back.size() == 0 || (look.back.rows() == chain.outputs() && look.back.cols() == chain.outputs()),
               "expected back (d_L, d_L)");
        records.emplace_back(seeds, chain.parameters(), look, chain.outputs(), widths[p][1], chain.inputs(), plan);
    }
    const Rule<T> rule(settings);
    train_all(states, looks, records, plan.threads,
              [&](std::size_t p, Index, RunState<T>& state, Vector<T>& network, Recorder& recorder,
                  const std::atomic<bool>& stop) {
                  descend(chains[p], *problems[p], rule, plan.stretch, state, network, recorder, stop);
              });
    return to_python(records);
}

template <template <class> class Rule, class T>
void bind_train(py::module_& module) {
    module.def("train", &train<Rule, T>, py::arg("widths"), py::arg("problems"), py::arg("looks"), py::arg("states"),
               py::arg("settings"), py::arg("plan"), "Full-batch descent on every problem from every state.");
}

template <class T>
void bind_states(py::module_& module, const char* name) {
    py::class_<States<T>>(module, name, "Where the runs of one problem stand; training writes to these arrays.")
        .def(py::init([](Array<T> layers, Array<T> means, Array<std::int64_t> steps, Array<std::int64_t> stopped,
                         Array<bool> turned, Array<bool> diverged, Array<double> before) {
                 return States<T>{layers, means, steps, stopped, turned, diverged, before};
             }),
             py::arg("layers").noconvert(), py::arg("means").noconvert(), py::arg("steps").noconvert(),
             py::arg("stopped").noconvert(), py::arg("turned").noconvert(), py::arg("diverged").noconvert(),
             py::arg("before").noconvert());
}

template <class Settings, class... Terms, class... Names>
void bind_settings(py::module_& module, const char* name, Index means, const Names&... names) {
    py::class_<Settings>(module, name)
        .def(py::init<Terms...>(), names...)
        .def_property_readonly("means", [means](const Settings&) { return means; });
}

template <class T>
py::class_<MomentObjective<T>> bind_moments(py::module_& module, const char* name) {
    return py::class_<MomentObjective<T>>(module, name, "S and C of tr(W S Wᵀ) - 2 tr(W Cᵀ), as products need them.")
        .def(py::init(&dense_moments<T>), py::arg("S").noconvert(), py::arg("C").noconvert())
        .def(py::init(&diagonal_moments<T>), py::arg("basis").noconvert(), py::arg("values").noconvert(),
             py::arg("C").noconvert())
        .def(py::init(&factored_moments<T>), py::arg("R").noconvert(), py::arg("F"), py::arg("C").noconvert())
        .def(py::init(&moments_in_blocks<T>), py::arg("order"), py::arg("segments"), py::arg("blocks"),
             py::arg("C").noconvert());
}

}  // namespace

void bind_descent(py::module_& module) {
    const Array<double> none(std::vector<py::ssize_t>{0, 0});
    const Sparse nothing{{0}, {}, Array<double>(py::ssize_t{0})};
    py::class_<Observables>(module, "Observables", "What to look at in W along a run.")
        .def(py::init(&make_observables), py::arg("parts"), py::arg("entry_rows"), py::arg("entry_columns").noconvert(),
             py::arg("A").noconvert() = none, py::arg("T").noconvert() = none, py::arg("floor") = 0.0,
             py::arg("back").noconvert() = none, py::arg("rest") = std::vector<bool>{},
             py::arg("invariants") = nothing);
    py::class_<Recorded>(module, "Recorded", "What the runs of one problem leave behind.")
        .def_readonly("network", &Recorded::network)
        .def_readonly("loss", &Recorded::loss)
        .def_readonly("norm", &Recorded::norm)
        .def_readonly("first", &Recorded::first)
        .def_readonly("parts", &Recorded::parts)
        .def_readonly("entries", &Recorded::entries)
        .def_readonly("weights", &Recorded::weights)
        .def_readonly("layers", &Recorded::layers);
    bind_settings<GradientDescentSettings, double, double, bool>(module, "GradientDescentSettings",
                                                                 GradientDescent<double>::means, py::arg("momentum"),
                                                                 py::arg("weight_decay"), py::arg("nesterov"));
    bind_settings<AdamSettings, double, double, double, double, bool>(
        module, "AdamSettings", Adam<double>::means, py::arg("beta1"), py::arg("beta2"), py::arg("eps"),
        py::arg("weight_decay"), py::arg("decoupled"));
    bind_settings<RMSpropSettings, double, double, double, double, bool>(
        module, "RMSpropSettings", RMSprop<double>::means, py::arg("alpha"), py::arg("eps"), py::arg("weight_decay"),
        py::arg("momentum"), py::arg("centered"));
    py::class_<Until>(module, "Until", "What stops a run; NaN where there is no such rule.")
        .def(py::init<double, double, double>(), py::arg("loss"), py::arg("gradient_norm"), py::arg("relative_change"))
        .def_property_readonly("asks", &Until::asks)
        .def_property_readonly("asks_for_gradient", &Until::asks_for_gradient)
        .def("holds", &Until::holds, py::arg("value"), py::arg("before"), py::arg("gradient"));
    py::class_<Plan>(module, "Plan", "Which epochs of all runs, at which rates, and what is recorded.")
        .def(py::init<Index, Index, Index, Array<double>, const Until&, bool, bool, Index>(), py::arg("begin"),
             py::arg("end"), py::arg("every"), py::arg("rates").noconvert(), py::arg("until"), py::arg("weights"),
             py::arg("networks"), py::arg("threads"));
    bind_states<double>(module, "States");
    bind_states<float>(module, "States32");
    bind_moments<double>(module, "SecondMoments")
        .def("gradient", &gradient_of, py::arg("layers").noconvert(), "[G_1, ..., G_L] at the layers of a network.");
    bind_moments<float>(module, "SecondMoments32");
    module.def("network_loss", &network_loss, py::arg("layers").noconvert(), py::arg("A").noconvert(),
               py::arg("T").noconvert(), py::arg("floor"), "‖A Wᵀ - T‖² + floor at W = W_L ... W_1.");
    bind_train<GradientDescent, double>(module);
    bind_train<GradientDescent, float>(module);
    bind_train<Adam, double>(module);
    bind_train<Adam, float>(module);
    bind_train<RMSprop, double>(module);
    bind_train<RMSprop, float>(module);
}

}  // namespace linvariance::bindings
