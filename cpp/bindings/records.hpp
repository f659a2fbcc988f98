// What both kinds of training share at the border: what to look at, the arrays records go to, and running all runs.
#pragma once

#include <limits>
#include <optional>

#include "arrays.hpp"
#include "linvariance/parallel.hpp"
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

struct Schedule {
    Index epochs, every, threads;
    bool weights, networks;

    Index times() const { return epochs / every + 1 + (epochs % every != 0); }
};

// What the runs of one problem leave behind, as Python reads it.
struct Recorded {
    py::array network;                                                 // (seeds, parameters)
    Array<double> loss, norm, first, parts, entries, weights, layers;  // (seeds, times, ...)
    std::optional<Array<std::int64_t>> stopped;                        // (seeds), where runs may stop early
};

// Arrays (seeds, times, ...) of what is recorded of one problem; NaN where a run stopped before.
template <class T>
class Records {
  public:
    Records(Index seeds, Index parameters, const Observables& look, Index rows, Index hidden, Index columns,
            const Schedule& schedule)
        : schedule_(schedule),
          rows_(rows),
          hidden_(hidden),
          columns_(columns),
          parameters_(parameters),
          network_({seeds, parameters}),
          loss_({seeds, schedule.times()}),
          norm_({seeds, schedule.times()}),
          first_({seeds, schedule.times()}),
          parts_({seeds, schedule.times(), static_cast<Index>(look.parts.size())}),
          entries_({seeds, schedule.times(), static_cast<Index>(look.entry_rows.size())}),
          weights_({seeds, schedule.weights ? schedule.times() : 0, rows, columns}),
          layers_({seeds, schedule.networks ? schedule.times() : 0, parameters}) {
        for (auto* array : {&loss_, &norm_, &first_, &parts_, &entries_, &weights_, &layers_})
            std::fill_n(array->mutable_data(), array->size(), std::numeric_limits<double>::quiet_NaN());
        view_ = {loss_.mutable_data(),
                 norm_.mutable_data(),
                 first_.mutable_data(),
                 parts_.mutable_data(),
                 entries_.mutable_data(),
                 schedule.weights ? weights_.mutable_data() : nullptr,
                 schedule.networks ? layers_.mutable_data() : nullptr};
        to_network_ = network_.mutable_data();
    }

    Recorder recorder(const Observables& look, Index run) const {
        const Index t = schedule_.times();
        const auto parts = static_cast<Index>(look.parts.size()), entries = static_cast<Index>(look.entry_rows.size());
        const RecordView out{view_.loss + run * t,
                             view_.norm + run * t,
                             view_.first + run * t,
                             view_.parts + run * t * parts,
                             view_.entries + run * t * entries,
                             view_.weights != nullptr ? view_.weights + run * t * rows_ * columns_ : nullptr,
                             view_.layers != nullptr ? view_.layers + run * t * parameters_ : nullptr};
        return Recorder(look, rows_, hidden_, columns_, schedule_.every, schedule_.epochs, out);
    }

    void keep(Index run, const Vector<T>& layers) const {
        std::copy_n(layers.data(), layers.size(), to_network_ + run * layers.size());
    }

    Recorded to_python() const { return {network_, loss_, norm_, first_, parts_, entries_, weights_, layers_, {}}; }

  private:
    Schedule schedule_;
    Index rows_, hidden_, columns_, parameters_;
    Array<T> network_;
    Array<double> loss_, norm_, first_, parts_, entries_, weights_, layers_;
    RecordView view_{};
    T* to_network_ = nullptr;
};

template <class T>
using Starts = std::vector<Array<T>>;  // (seeds, parameters), for each problem

// How many runs each problem has; all have the same number.
template <class T>
Index seeds_of(const Starts<T>& starts, std::size_t problems) {
    expect(problems >= 1 && starts.size() == problems, "expected starts for each problem");
    for (const auto& start : starts)
        expect(start.ndim() == 2 && start.shape(0) == starts[0].shape(0), "expected starts (seeds, parameters)");
    return starts[0].shape(0);
}

// Calls run(problem, seed, layers, stop) for all runs, with the layers in aligned memory of its own: vectorized sums
// then fall the same way in whatever company a run trains.
template <class T, class Run>
void train_all(const Starts<T>& starts, const std::vector<Records<T>>& records, Index threads, Run&& run) {
    const Index seeds = starts[0].shape(0);
    std::vector<ConstView<T>> from;
    for (const auto& start : starts) from.push_back(view(start));
    bool finished = false;
    {
        const py::gil_scoped_release unlocked;
        finished = run_all(
            static_cast<Index>(starts.size()) * seeds, threads,
            [&](Index i, const std::atomic<bool>& stop) {
                const auto problem = static_cast<std::size_t>(i / seeds);
                const Index seed = i % seeds;
                Vector<T> layers = from[problem].row(seed).transpose();
                run(problem, seed, layers, stop);
                records[problem].keep(seed, layers);
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

}  // namespace linvariance::bindings
