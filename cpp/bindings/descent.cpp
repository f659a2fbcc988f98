#include "linvariance/descent.hpp"

#include "arrays.hpp"
#include "linvariance/parallel.hpp"

namespace linvariance::bindings {
namespace {

Matrix<double> copy(const Array<double>& array) {
    return view(array);
}

Observables make_observables(const py::dict& from) {
    Observables out;
    out.A = copy(from["A"].cast<Array<double>>());
    out.T = copy(from["T"].cast<Array<double>>());
    out.floor = from["floor"].cast<double>();
    for (const auto& part : from["parts"]) out.parts.push_back(copy(part.cast<Array<double>>()));
    out.entry_rows = from["entry_rows"].cast<std::vector<Index>>();
    out.entry_columns = copy(from["entry_columns"].cast<Array<double>>());
    return out;
}

template <class T>
MomentObjective<T> make_objective(const py::dict& from, const Chain& chain) {
    MomentObjective<T> out{copy(from["S"].cast<Array<double>>()).cast<T>(),
                           copy(from["C"].cast<Array<double>>()).cast<T>()};
    expect(out.S.rows() == chain.inputs() && out.S.cols() == chain.inputs() && out.C.rows() == chain.outputs() &&
               out.C.cols() == chain.inputs(),
           "expected S (d_0, d_0) and C (d_L, d_0)");
    return out;
}

void expect_fit(const Observables& look, const Chain& chain, std::size_t parts, std::size_t entries) {
    bool fits = look.A.cols() == chain.inputs() && look.T.cols() == chain.outputs() && look.A.rows() == look.T.rows() &&
                look.parts.size() == parts && look.entry_rows.size() == entries &&
                look.entry_columns.rows() == static_cast<Index>(entries) && look.entry_columns.cols() == chain.inputs();
    for (const auto& part : look.parts) fits = fits && part.rows() == chain.inputs();
    for (const Index row : look.entry_rows) fits = fits && row >= 0 && row < chain.outputs();
    expect(fits, "the observables do not fit the widths");
}

bool no_signal() {
    const py::gil_scoped_acquire locked;
    return PyErr_CheckSignals() == 0;
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
        observables.push_back(make_observables(from));
        expect_fit(observables.back(), chain, observables[0].parts.size(), observables[0].entry_rows.size());
    }

    const Index seeds = starts.shape(1), runs = count * seeds;
    const Index times = epochs / every + 1 + (epochs % every != 0);
    const auto parts = static_cast<Index>(observables[0].parts.size());
    const auto entries = static_cast<Index>(observables[0].entry_rows.size());
    const Index cells = weights ? chain.outputs() * chain.inputs() : 0;
    Array<T> final_weights({count, seeds, chain.parameters()});
    Array<double> loss({count, seeds, times}), norm({count, seeds, times}), part({count, seeds, times, parts});
    Array<double> entry({count, seeds, times, entries});
    Array<double> trail({count, seeds, weights ? times : 0, chain.outputs(), chain.inputs()});

    double* const to_loss = loss.mutable_data();
    double* const to_norm = norm.mutable_data();
    double* const to_part = part.mutable_data();
    double* const to_entry = entry.mutable_data();
    double* const to_trail = weights ? trail.mutable_data() : nullptr;
    T* const to_final = final_weights.mutable_data();
    const T* const from = starts.data();
    const auto run = [&](Index i, const std::atomic<bool>& stop) {
        const auto problem = static_cast<std::size_t>(i / seeds);
        const RecordView out{to_loss + i * times, to_norm + i * times, to_part + i * times * parts,
                             to_entry + i * times * entries, weights ? to_trail + i * times * cells : nullptr};
        Recorder recorder(observables[problem], chain.outputs(), chain.inputs(), every, epochs, out);
        // Own, aligned memory: vectorized sums then fall the same way in whatever company a run trains.
        Vector<T> layers = Eigen::Map<const Vector<T>>(from + i * chain.parameters(), chain.parameters());
        Rule<T> rule(settings, chain.parameters());
        descend(chain, objectives[problem], rule, epochs, layers.data(), recorder, stop);
        std::copy_n(layers.data(), layers.size(), to_final + i * chain.parameters());
    };
    bool finished = false;
    {
        const py::gil_scoped_release unlocked;
        finished = run_all(runs, threads, run, no_signal);
    }
    if (!finished) throw py::error_already_set();

    py::dict out;
    out["network"] = final_weights;
    out["loss"] = loss;
    out["norm"] = norm;
    out["parts"] = part;
    out["entries"] = entry;
    out["weights"] = trail;
    return out;
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
