#include "linvariance/training/descent.hpp"

#include "records.hpp"

namespace linvariance::bindings {
namespace {

Observables make_observables(const std::vector<Array<double>>& parts, std::vector<Index> entry_rows,
                             const Array<double>& entry_columns, const Array<double>& A, const Array<double>& T,
                             double floor, const Array<double>& back) {
    Observables out{copy(A), copy(T), floor, {}, std::move(entry_rows), copy(entry_columns), copy(back)};
    for (const auto& part : parts) out.parts.push_back(copy(part));
    return out;
}

template <template <class> class Rule, class T>
Recorded train(const std::vector<Index>& widths, const std::vector<const MomentObjective<double>*>& problems,
               const std::vector<const Observables*>& looks,
               const Array<T>& starts,  // (problems, seeds, parameters)
               const typename Rule<T>::Settings& settings, Index epochs, Index every, bool weights, Index threads) {
    expect(widths.size() >= 2 && epochs >= 0 && every >= 1 && threads >= 1, "the run is ill-defined");
    const Chain chain(widths);
    const auto count = static_cast<Index>(problems.size());
    expect(count >= 1 && looks.size() == problems.size() && starts.ndim() == 3 && starts.shape(0) == count &&
               starts.shape(2) == chain.parameters(),
           "expected observables for each problem and starts (problems, seeds, parameters)");
    std::vector<MomentObjective<T>> objectives;
    for (const auto* problem : problems) {
        expect_fit(*problem, chain);
        objectives.push_back({problem->S.cast<T>(), problem->C.cast<T>()});
    }
    for (const auto* look : looks) {
        expect_fit(*look, chain.outputs(), chain.inputs());
        expect(
            look->A.cols() == chain.inputs() && look->T.cols() == chain.outputs() && look->A.rows() == look->T.rows(),
            "expected A (k, d_0) and T (k, d_L)");
        expect(look->back.size() == 0 || (look->back.rows() == chain.outputs() && look->back.cols() == chain.outputs()),
               "expected back (d_L, d_L)");
    }
    const Index seeds = starts.shape(1);
    const Records<T> records(count, seeds, chain.parameters(), *looks[0], chain.outputs(), widths[1], chain.inputs(),
                             {epochs, every, threads, weights});
    train_all(starts, records, threads, [&](Index i, Vector<T>& layers, const std::atomic<bool>& stop) {
        const auto problem = static_cast<std::size_t>(i / seeds);
        Recorder recorder = records.recorder(*looks[problem], i);
        Rule<T> rule(settings, chain.parameters());
        descend(chain, objectives[problem], rule, epochs, layers.data(), recorder, stop);
    });
    return records.to_python();
}

template <template <class> class Rule, class T>
void bind_train(py::module_& module) {
    module.def("train", &train<Rule, T>, py::arg("widths"), py::arg("problems"), py::arg("looks"),
               py::arg("starts").noconvert(), py::arg("settings"), py::arg("epochs"), py::arg("every"),
               py::arg("weights"), py::arg("threads"), "Full-batch descent on every problem from every start.");
}

}  // namespace

void bind_descent(py::module_& module) {
    const Array<double> none(std::vector<py::ssize_t>{0, 0});
    py::class_<Observables>(module, "Observables", "What to look at in W along a run.")
        .def(py::init(&make_observables), py::arg("parts"), py::arg("entry_rows"), py::arg("entry_columns").noconvert(),
             py::arg("A").noconvert() = none, py::arg("T").noconvert() = none, py::arg("floor") = 0.0,
             py::arg("back").noconvert() = none);
    py::class_<Recorded>(module, "Recorded", "What runs leave behind.")
        .def_readonly("network", &Recorded::network)
        .def_readonly("loss", &Recorded::loss)
        .def_readonly("norm", &Recorded::norm)
        .def_readonly("first", &Recorded::first)
        .def_readonly("parts", &Recorded::parts)
        .def_readonly("entries", &Recorded::entries)
        .def_readonly("weights", &Recorded::weights)
        .def_readonly("stopped", &Recorded::stopped);
    py::class_<GradientDescentSettings>(module, "GradientDescentSettings")
        .def(py::init<double, double, double>(), py::arg("lr"), py::arg("momentum"), py::arg("weight_decay"));
    py::class_<AdamSettings>(module, "AdamSettings")
        .def(py::init<double, double, double, double, double, bool>(), py::arg("lr"), py::arg("beta1"),
             py::arg("beta2"), py::arg("eps"), py::arg("weight_decay"), py::arg("decoupled"));
    bind_train<GradientDescent, double>(module);
    bind_train<GradientDescent, float>(module);
    bind_train<Adam, double>(module);
    bind_train<Adam, float>(module);
}

}  // namespace linvariance::bindings
