#include "linvariance/training/descent.hpp"

#include "records.hpp"

namespace linvariance::bindings {
namespace {

template <class T>
MomentObjective<T> make_objective(const py::dict& from, const Chain& chain) {
    MomentObjective<T> out{copy(from["S"].cast<Array<double>>()).cast<T>(),
                           copy(from["C"].cast<Array<double>>()).cast<T>()};
    expect(out.S.rows() == chain.inputs() && out.S.cols() == chain.inputs() && out.C.rows() == chain.outputs() &&
               out.C.cols() == chain.inputs(),
           "expected S (d_0, d_0) and C (d_L, d_0)");
    return out;
}

template <template <class> class Rule, class T>
py::dict train(const std::vector<Index>& widths, const py::list& problems,
               const Array<T>& starts,  // (problems, seeds, parameters)
               const typename Rule<T>::Settings& settings, Index epochs, Index every, bool weights, Index threads) {
    expect(widths.size() >= 2 && epochs >= 0 && every >= 1 && threads >= 1, "the run is ill-defined");
    const Chain chain(widths);
    const auto count = static_cast<Index>(problems.size());
    expect(count >= 1 && starts.ndim() == 3 && starts.shape(0) == count && starts.shape(2) == chain.parameters(),
           "expected starts (problems, seeds, parameters)");

    std::vector<MomentObjective<T>> objectives;
    std::vector<Observables> observables;
    for (const auto& problem : problems) {
        const auto from = problem.cast<py::dict>();
        objectives.push_back(make_objective<T>(from, chain));
        auto look = make_observables(from, chain.outputs(), chain.inputs());
        look.A = copy(from["A"].cast<Array<double>>());
        look.T = copy(from["T"].cast<Array<double>>());
        look.floor = from["floor"].cast<double>();
        expect(look.A.cols() == chain.inputs() && look.T.cols() == chain.outputs() && look.A.rows() == look.T.rows(),
               "expected A (k, d_0) and T (k, d_L)");
        observables.push_back(std::move(look));
    }
    const Index seeds = starts.shape(1);
    const Records<T> records(count, seeds, chain.parameters(), observables[0], chain.outputs(), widths[1],
                             chain.inputs(), {epochs, every, threads, weights});
    train_all(starts, records, threads, [&](Index i, Vector<T>& layers, const std::atomic<bool>& stop) {
        const auto problem = static_cast<std::size_t>(i / seeds);
        Recorder recorder = records.recorder(observables[problem], i);
        Rule<T> rule(settings, chain.parameters());
        descend(chain, objectives[problem], rule, epochs, layers.data(), recorder, stop);
    });
    return records.to_python();
}

template <template <class> class Rule, class T>
void bind_train(py::module_& module) {
    module.def("train", &train<Rule, T>, py::arg("widths"), py::arg("problems"), py::arg("starts").noconvert(),
               py::arg("settings"), py::arg("epochs"), py::arg("every"), py::arg("weights"), py::arg("threads"),
               "Full-batch descent on every problem from every start.");
}

}  // namespace

void bind_descent(py::module_& module) {
    py::class_<GradientDescentSettings>(module, "GradientDescentSettings")
        .def(py::init<double, double>(), py::arg("lr"), py::arg("momentum"));
    py::class_<AdamSettings>(module, "AdamSettings")
        .def(py::init<double, double, double, double>(), py::arg("lr"), py::arg("beta1"), py::arg("beta2"),
             py::arg("eps"));
    bind_train<GradientDescent, double>(module);
    bind_train<GradientDescent, float>(module);
    bind_train<Adam, double>(module);
    bind_train<Adam, float>(module);
}

}  // namespace linvariance::bindings
