// What both kinds of training share at the border: what to look at, the arrays records go to, and running all runs.
#pragma once

#include <limits>

#include "arrays.hpp"
#include "linvariance/parallel.hpp"
#include "linvariance/training/optimizers.hpp"
#include "linvariance/training/recorder.hpp"

namespace linvariance::bindings {

// Whether parts and entries are those of W (rows, columns).
inline void expect_fit(const Observables& look, Index rows, Index columns) {
    bool fits = !look.parts.empty() && look.entry_columns.rows() == static_cast<Index>(look.entry_rows.size()) &&
                look.entry_columns.cols() == columns;
    for (const auto& part : look.parts) fits = fits && part.rows() == columns;
    for (const Index row : look.entry_rows) fits = fits && row >= 0 && row < rows;
    expect(fits, "the observables do not fit the widths");
}

// What Python asks of all runs.
struct Plan {
    Plan(Index begin, Index end, Index every, Array<double> rates_, const Until& until, bool weights_, bool networks_,
         Index threads_)
        : rates(std::move(rates_)),
          stretch{begin, end, every, rates.data(), rates.size() == 1, until},
          weights(weights_),
          networks(networks_),
          threads(threads_) {
        expect(begin >= 0 && end >= begin && every >= 1 && threads >= 1 && rates.ndim() == 1 &&
                   (rates.size() == 1 || rates.size() == end - begin),
               "the run is ill-defined");
    }

    Array<double> rates;  // one, or (end - begin)
    Stretch stretch;
    bool weights, networks;
    Index threads;
};

// Where the runs of one problem stand, in arrays of Python that training writes to.
template <class T>
struct States {
    Array<T> layers;                     // (seeds, parameters)
    Array<T> means;                      // (seeds, of the rule, parameters)
    Array<std::int64_t> steps, stopped;  // (seeds); stopped: -1 for runs that go on
    Array<bool> turned, diverged;        // (seeds)
    Array<double> before;                // (seeds), the loss that was recorded last

    Index seeds() const { return layers.shape(0); }

    void expect_fit(Index count, Index parameters, Index means_of_rule) const {
        bool fits = layers.ndim() == 2 && layers.shape(0) == count && layers.shape(1) == parameters &&
                    means.ndim() == 3 && means.shape(0) == count && means.shape(1) == means_of_rule &&
                    means.shape(2) == parameters;
        for (const auto size : {steps.size(), stopped.size(), turned.size(), diverged.size(), before.size()})
            fits = fits && size == count;
        expect(fits, "expected states (seeds, parameters), with the means of the rule");
    }
};

// A States' arrays as memory.
template <class T>
struct StatesView {
    explicit StatesView(States<T>& states)
        : parameters(states.layers.shape(1)),
          rows(states.means.shape(1)),
          layers(states.layers.mutable_data()),
          means(states.means.mutable_data()),
          steps(states.steps.mutable_data()),
          stopped(states.stopped.mutable_data()),
          turned(states.turned.mutable_data()),
          diverged(states.diverged.mutable_data()),
          before(states.before.data()) {}

    RunState<T> read(Index seed) const {
        return {Eigen::Map<const Vector<T>>(layers + seed * parameters, parameters),
                ConstView<T>(means + seed * rows * parameters, rows, parameters), steps[seed], turned[seed]};
    }
    void write(Index seed, const RunState<T>& state) const {
        std::copy_n(state.layers.data(), parameters, layers + seed * parameters);
        std::copy_n(state.means.data(), rows * parameters, means + seed * rows * parameters);
        steps[seed] = state.steps;
        stopped[seed] = state.stopped;
        turned[seed] = state.turned;
        diverged[seed] = state.diverged;
    }

    Index parameters, rows;
    T *layers, *means;
    std::int64_t *steps, *stopped;
    bool *turned, *diverged;
    const double* before;
};

// What the runs of one problem leave behind, as Python reads it.
struct Recorded {
    py::array network;                                                 // (seeds, parameters)
    Array<double> loss, norm, first, parts, entries, weights, layers;  // (seeds, times, ...)
};

// Arrays (seeds, times, ...) of what is recorded of one problem; NaN where a run stopped before.
template <class T>
class Records {
  public:
    Records(Index seeds, Index parameters, const Observables& look, Index rows, Index hidden, Index columns,
            const Plan& plan)
        : plan_(&plan),
          rows_(rows),
          hidden_(hidden),
          columns_(columns),
          parameters_(parameters),
          network_({seeds, parameters}),
          loss_({seeds, plan.stretch.times()}),
          norm_({seeds, plan.stretch.times()}),
          first_({seeds, plan.stretch.times()}),
          parts_({seeds, plan.stretch.times(), static_cast<Index>(look.parts.size())}),
          entries_({seeds, plan.stretch.times(), static_cast<Index>(look.entry_rows.size())}),
          weights_({seeds, plan.weights ? plan.stretch.times() : 0, rows, columns}),
          layers_({seeds, plan.networks ? plan.stretch.times() : 0, parameters}) {
        for (auto* array : {&loss_, &norm_, &first_, &parts_, &entries_, &weights_, &layers_})
            std::fill_n(array->mutable_data(), array->size(), std::numeric_limits<double>::quiet_NaN());
        view_ = {loss_.mutable_data(),
                 norm_.mutable_data(),
                 first_.mutable_data(),
                 parts_.mutable_data(),
                 entries_.mutable_data(),
                 plan.weights ? weights_.mutable_data() : nullptr,
                 plan.networks ? layers_.mutable_data() : nullptr};
        to_network_ = network_.mutable_data();
        std::fill_n(to_network_, network_.size(), T(0));
    }

    Recorder recorder(const Observables& look, Index run, double before) const {
        const Index t = plan_->stretch.times();
        const auto parts = static_cast<Index>(look.parts.size()), entries = static_cast<Index>(look.entry_rows.size());
        const RecordView out{view_.loss + run * t,
                             view_.norm + run * t,
                             view_.first + run * t,
                             view_.parts + run * t * parts,
                             view_.entries + run * t * entries,
                             view_.weights != nullptr ? view_.weights + run * t * rows_ * columns_ : nullptr,
                             view_.layers != nullptr ? view_.layers + run * t * parameters_ : nullptr};
        return Recorder(look, rows_, hidden_, columns_, before, out);
    }

    void keep(Index run, const Vector<T>& network) const {
        std::copy_n(network.data(), network.size(), to_network_ + run * network.size());
    }

    Recorded to_python() const { return {network_, loss_, norm_, first_, parts_, entries_, weights_, layers_}; }

  private:
    const Plan* plan_;
    Index rows_, hidden_, columns_, parameters_;
    Array<T> network_;
    Array<double> loss_, norm_, first_, parts_, entries_, weights_, layers_;
    RecordView view_{};
    T* to_network_ = nullptr;
};

// Calls run(problem, seed, state, network, recorder, stop) for all runs that have not stopped, with the state in
// aligned memory of its own: vectorized sums then fall the same way in whatever company a run trains. `network` are the
// layers unless it is set.
template <class T, class Run>
void train_all(const std::vector<States<T>*>& states, const std::vector<const Observables*>& looks,
               const std::vector<Records<T>>& records, Index threads, Run&& run) {
    const Index seeds = states[0]->seeds();
    std::vector<StatesView<T>> views;
    for (auto* of_one : states) views.emplace_back(*of_one);
    bool finished = false;
    {
        const py::gil_scoped_release unlocked;
        finished = run_all(
            static_cast<Index>(states.size()) * seeds, threads,
            [&](Index i, const std::atomic<bool>& stop) {
                const auto problem = static_cast<std::size_t>(i / seeds);
                const Index seed = i % seeds;
                const auto& own = views[problem];
                if (own.stopped[seed] >= 0) return;
                RunState<T> state = own.read(seed);
                Vector<T> network;
                Recorder recorder = records[problem].recorder(*looks[problem], seed, own.before[seed]);
                run(problem, seed, state, network, recorder, stop);
                own.write(seed, state);
                records[problem].keep(seed, network.size() > 0 ? network : state.layers);
            },
            no_signal);
    }
    if (!finished) throw py::error_already_set();
}

template <class T>
std::vector<Recorded> to_python(const std::vector<Records<T>>& records) {
    std::vector<Recorded> out;
    for (const auto& of_one : records) out.push_back(of_one.to_python());
    return out;
}

// How many runs each problem has.
template <class T>
Index seeds_of(const std::vector<States<T>*>& states, std::size_t problems) {
    expect(problems >= 1 && states.size() == problems && states[0] != nullptr && states[0]->layers.ndim() == 2,
           "expected states for each problem");
    for (const auto* of_one : states) expect(of_one != nullptr, "expected states");
    return states[0]->seeds();
}

}  // namespace linvariance::bindings
