#include <array>
#include <memory>
#include <string>
#include <utility>

#include "linvariance/curvature/sample_hessian.hpp"
#include "linvariance/training/sample_descent.hpp"
#include "locked.hpp"
#include "records.hpp"

namespace linvariance::bindings {
namespace {

using Widths = std::vector<Index>;
using Order = Array<std::int32_t>;

Loss loss_named(const std::string& name) {
    if (name == "squared") return Loss::squared;
    expect(name == "cross_entropy", "expected the loss squared or cross_entropy");
    return Loss::cross_entropy;
}

Activation activation_named(const std::string& name) {
    static const std::pair<const char*, Activation> known[] = {
        {"identity", Activation::identity}, {"relu", Activation::relu}, {"leaky_relu", Activation::leaky_relu},
        {"swish", Activation::swish},       {"tanh", Activation::tanh}, {"gelu", Activation::gelu}};
    for (const auto& [known_name, kind] : known)
        if (name == known_name) return kind;
    throw py::value_error("expected the activation identity, relu, leaky_relu, swish, tanh or gelu");
}

template <class T>
Array<T> copy_of(const Array<T>& array) {
    return Array<T>({array.shape(0), array.shape(1)}, array.data());
}

// φ, φ' and φ'' of every entry.
template <class T>
py::tuple activation_of(const std::string& name, const Array<T>& a) {
    const ConstView<T> given = view(a);
    Array<T> value = copy_of(a), slope = copy_of(a), bend = copy_of(a);
    activate<T>(activation_named(name), mutable_view(value), mutable_view(slope));
    curvature<T>(activation_named(name), given, mutable_view(bend));
    return py::make_tuple(value, slope, bend);
}

// A loss of outputs O (d_L, n), summed over the samples, and its gradient; for tests.
template <class T>
py::tuple loss_of(const std::string& name, const Array<T>& O, const Array<T>& targets) {
    const ConstView<T> given = view(O), wanted = view(targets);
    expect(given.size() > 0 && given.rows() == wanted.rows() && given.cols() == wanted.cols(),
           "expected outputs and targets (d_L, n)");
    Array<T> gradient = copy_of(O);
    Vector<T> work(given.cols());
    const double value = loss_gradient<T>(loss_named(name), wanted, mutable_view(gradient), work);
    return py::make_tuple(value, gradient);
}

Elements<double> make_elements(Index count, std::vector<Index> images, std::vector<double> signs,
                               const std::vector<Array<double>>& matrices) {
    Elements<double> out{count, std::move(images), std::move(signs), {}};
    for (const auto& matrix : matrices) out.matrices.push_back(copy(matrix));
    return out;
}

// ranges: (start, length, looks) each
Fourier<double> make_fourier(const std::vector<std::array<Index, 3>>& ranges, std::vector<Index> starts,
                             std::vector<Index> columns, std::vector<double> entries, const Array<double>& F) {
    Fourier<double> out{{}, std::move(starts), std::move(columns), std::move(entries), copy(F)};
    for (const auto& [start, length, looks] : ranges) out.ranges.push_back({start, length, looks});
    return out;
}

// Whether it is one of `count` elements on d columns.
template <class T>
bool fits(const Fourier<T>& fourier, Index count, Index d) {
    Index rows = 0, looks = 0;
    bool holds = fourier.starts.size() > 0 && fourier.columns.size() == fourier.entries.size();
    for (const auto& range : fourier.ranges) {
        holds = holds && range.start >= 0 && range.length >= 0 && range.looks >= 0 && range.start + range.length <= d;
        rows += range.length * range.looks;
        looks += range.looks;
    }
    for (std::size_t k = 1; k < fourier.starts.size(); ++k) holds = holds && fourier.starts[k - 1] <= fourier.starts[k];
    for (const Index column : fourier.columns) holds = holds && column >= 0 && column < d;
    return holds && static_cast<Index>(fourier.starts.size()) == rows + 1 && fourier.starts.front() == 0 &&
           fourier.starts.back() == static_cast<Index>(fourier.entries.size()) && fourier.F.rows() == count &&
           fourier.F.cols() == looks;
}

// Keeps the arrays of a sample problem alive and its sizes checked.
template <class T>
struct HeldProblem {
    HeldProblem(const Array<T>& X_, const Array<T>& targets_, const Elements<double>& group, bool pooled,
                const std::string& loss, const Array<T>& penalty, const std::optional<Fourier<double>>& fourier)
        : X(X_), targets(targets_), problem{view(X), view(targets), {}, pooled, loss_named(loss)}, P(view(penalty)) {
        const Index d = problem.X.cols();
        expect(problem.X.rows() == problem.targets.cols() && problem.X.rows() > 0,
               "expected X (n, d_0), targets (d_L, n)");
        expect(P.size() == 0 || (P.rows() == d && P.cols() == d), "expected a penalty (d_0, d_0)");
        Elements<T>& elements = problem.elements;
        elements.count = group.count;
        elements.images = group.images;
        elements.signs.assign(group.signs.begin(), group.signs.end());
        for (const auto& matrix : group.matrices) elements.matrices.push_back(matrix.cast<T>());
        const auto cells = static_cast<std::size_t>(elements.count * d);
        const bool is_identity = elements.images.empty() && elements.matrices.empty();
        bool whole = elements.count >= 1 && (elements.count == 1 || !is_identity) &&
                     (elements.images.empty() || elements.images.size() == cells) &&
                     (elements.signs.empty() || elements.signs.size() == elements.images.size()) &&
                     (elements.matrices.empty() || static_cast<Index>(elements.matrices.size()) == elements.count);
        for (const Index i : elements.images) whole = whole && i >= 0 && i < d;
        for (const auto& matrix : elements.matrices) whole = whole && matrix.rows() == d && matrix.cols() == d;
        expect(whole, "the group's elements do not fit the inputs");
        if (!fourier) return;
        problem.fourier = fourier->template cast<T>();
        expect(fits(*problem.fourier, elements.count, d), "the Fourier transform does not fit the group");
    }

    // Single rows of augmented data are made from the samples as they are.
    bool has_rows() const { return problem.pooled || !problem.fourier; }

    // Rows of the augmented data.
    Index rows() const { return X.shape(0) * (problem.pooled ? 1 : problem.elements.count); }

    // The network of so many weights: with biases, if there is one for each unit besides the layers.
    Architecture network_of(const Widths& widths, const std::string& activation, Index weights) const {
        expect(widths.size() >= 2 && widths.front() == problem.X.cols() && widths.back() == problem.targets.rows(),
               "expected widths that lead from X to the targets");
        Index count = 0, units = 0;
        for (std::size_t j = 1; j < widths.size(); ++j) {
            expect(widths[j] >= 0, "expected widths of at least 0");
            count += widths[j] * widths[j - 1];
            units += widths[j];
        }
        expect(weights == count || weights == count + units, "expected as many weights as the widths say");
        return {widths, activation_named(activation), weights != count};
    }

    Array<T> X, targets;
    SampleProblem<T> problem;
    Matrix<T> P;
};

template <class T>
py::tuple gradient_of(const HeldProblem<T>& held, const Widths& widths, const std::string& activation,
                      const Array<T>& weights, const std::optional<Order>& rows) {
    SampleObjective<T> objective(held.problem, held.network_of(widths, activation, weights.size()), held.P);
    Vector<T> layers = Eigen::Map<const Vector<T>>(weights.data(), weights.size());
    Array<T> out({weights.size()});
    T* const to = out.mutable_data();
    if (rows) {
        expect(rows->size() > 0 && held.has_rows(), "expected at least one row, of data in their own coordinates");
        for (py::ssize_t k = 0; k < rows->size(); ++k)
            expect(rows->data()[k] >= 0 && rows->data()[k] < objective.rows(), "a row leaves the augmented data");
    }
    double loss = 0.0;
    {
        const py::gil_scoped_release unlocked;
        loss = rows ? objective.gradient(layers.data(), rows->data(), rows->size(), to)
                    : objective.gradient(layers.data(), to);
    }
    return py::make_tuple(loss, out);
}

std::unique_ptr<Locked<SampleHessian<double>>> make_hessian(const HeldProblem<double>& held, const Widths& widths,
                                                            const std::string& activation, const Array<double>& weights,
                                                            const std::string& second) {
    return std::make_unique<Locked<SampleHessian<double>>>(
        held.problem, held.network_of(widths, activation, weights.size()), held.P,
        Eigen::Map<const Vector<double>>(weights.data(), weights.size()), second_named(second));
}

void expect_order(const Order& order, Index seeds, Index epochs, Index rows) {
    expect(order.ndim() == 3 && order.shape(0) == seeds && order.shape(1) == epochs && order.shape(2) == rows,
           "expected an order (seeds, epochs, rows) of all rows of the augmented data");
    bool inside = true;
    for (py::ssize_t k = 0; k < order.size(); ++k) inside = inside && order.data()[k] >= 0 && order.data()[k] < rows;
    expect(inside, "the order names rows that there are not");
}

template <template <class> class Rule, class T>
std::vector<Recorded> train(const std::vector<Widths>& widths, const std::string& name,
                            const std::vector<const HeldProblem<T>*>& problems,
                            const std::vector<const Observables*>& looks, const std::vector<States<T>*>& states,
                            const std::vector<Order>& orders,  // for each problem, or none at all
                            Index batch, const typename Rule<T>::Settings& settings, const Plan& plan) {
    expect(batch >= 1, "the run is ill-defined");
    const bool linear = activation_named(name) == Activation::identity;
    const Index seeds = seeds_of(states, problems.size()), epochs = plan.stretch.end - plan.stretch.begin;
    expect(widths.size() == problems.size() && looks.size() == problems.size() &&
               (orders.empty() || orders.size() == problems.size()),
           "expected widths, observables and orders for each problem");
    std::vector<Records<T>> records;
    std::vector<Architecture> networks;
    std::vector<const std::int32_t*> from;
    for (std::size_t p = 0; p < problems.size(); ++p) {
        expect(problems[p] != nullptr, "expected problems");
        const Index parameters = states[p]->layers.shape(1), columns = problems[p]->problem.X.cols();
        networks.push_back(problems[p]->network_of(widths[p], name, parameters));
        const Index rows = linear ? widths[p].back() : widths[p][1];
        states[p]->expect_fit(seeds, parameters, Rule<T>::means);
        expect_fit(*looks[p], rows, columns);
        records.emplace_back(seeds, parameters, *looks[p], rows, widths[p][1], columns, plan);
        if (orders.empty()) continue;
        expect(problems[p]->has_rows(), "expected rows of the augmented data in their own coordinates");
        expect_order(orders[p], seeds, epochs, problems[p]->rows());
        from.push_back(orders[p].data());
    }
    const Index runs = static_cast<Index>(problems.size()) * seeds;
    const Index each = plan.threads / std::clamp<Index>(runs, 1, plan.threads);  // threads of one run
    const Rule<T> rule(settings);
    train_all(states, looks, records, plan.threads,
              [&](std::size_t p, Index seed, RunState<T>& state, Vector<T>&, Recorder& recorder,
                  const std::atomic<bool>& stop) {
                  SampleObjective<T> objective(problems[p]->problem, networks[p], problems[p]->P, each);
                  const Index stride = epochs * problems[p]->rows();
                  const Batches batches{from.empty() ? nullptr : from[p] + seed * stride, batch};
                  descend(objective, batches, rule, plan.stretch, state, recorder, stop);
              });
    return to_python(records);
}

template <template <class> class Rule, class T>
void bind_train(py::module_& module) {
    module.def("train_on_samples", &train<Rule, T>, py::arg("widths"), py::arg("activation"), py::arg("problems"),
               py::arg("looks"), py::arg("states"), py::arg("orders").noconvert(), py::arg("batch"),
               py::arg("settings"), py::arg("plan"), "Descent on every sample problem from every state.");
}

template <class T>
void bind_functions(py::module_& module) {
    module.def("activation", &activation_of<T>, py::arg("name"), py::arg("a").noconvert(),
               "An activation, its slope and its curvature at every entry.");
    module.def("loss", &loss_of<T>, py::arg("name"), py::arg("outputs").noconvert(), py::arg("targets").noconvert(),
               "A loss summed over samples and its gradient by the outputs (d_L, n).");
}

template <class T>
void bind_problem(py::module_& module, const char* name) {
    py::class_<HeldProblem<T>>(module, name, "Samples, their targets, the group's elements and the penalty.")
        .def(py::init<const Array<T>&, const Array<T>&, const Elements<double>&, bool, const std::string&,
                      const Array<T>&, const std::optional<Fourier<double>>&>(),
             py::arg("X").noconvert(), py::arg("targets").noconvert(), py::arg("group"), py::arg("pooled"),
             py::arg("loss"), py::arg("penalty").noconvert(), py::arg("fourier") = py::none())
        .def("gradient", &gradient_of<T>, py::arg("widths"), py::arg("activation"), py::arg("weights").noconvert(),
             py::arg("rows").noconvert() = py::none(),
             "Loss and gradient, of all data or of rows of the augmented data.");
}

}  // namespace

void bind_samples(py::module_& module) {
    module.attr("sample_block") = SampleNetwork<double>::block;         // samples looked at together
    module.attr("sample_parts") = SampleObjective<double>::most_parts;  // threads that one run can use
    py::class_<Elements<double>>(module, "Elements", "The elements of a group, as images and signs or as matrices.")
        .def(py::init(&make_elements), py::arg("count") = 1, py::arg("images") = std::vector<Index>{},
             py::arg("signs") = std::vector<double>{}, py::arg("matrices") = std::vector<Array<double>>{})
        .def_readonly("count", &Elements<double>::count);
    bind_functions<double>(module);
    bind_functions<float>(module);
    py::class_<Fourier<double>>(module, "Fourier", "A group's Fourier transform, of the first layer of a network.")
        .def(py::init(&make_fourier), py::arg("ranges"), py::arg("starts"), py::arg("columns"), py::arg("entries"),
             py::arg("F"));
    bind_problem<double>(module, "SampleProblem");
    bind_problem<float>(module, "SampleProblem32");
    bind_locked<SampleHessian<double>>(module, "SampleHessian", "Hessian of a loss on samples at a network.")
        .def(py::init(&make_hessian), py::keep_alive<1, 2>(), py::arg("problem"), py::arg("widths"),
             py::arg("activation"), py::arg("weights").noconvert(), py::arg("second") = "hessian");
    bind_train<GradientDescent, double>(module);
    bind_train<GradientDescent, float>(module);
    bind_train<Adam, double>(module);
    bind_train<Adam, float>(module);
    bind_train<RMSprop, double>(module);
    bind_train<RMSprop, float>(module);
}

}  // namespace linvariance::bindings
