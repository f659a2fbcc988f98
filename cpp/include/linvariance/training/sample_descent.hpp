// Descent on samples, full batch or mini-batches: the whole training loop of one run, without allocation per step.
#pragma once

#include "linvariance/objectives/sample_objective.hpp"
#include "linvariance/training/optimizers.hpp"
#include "linvariance/training/recorder.hpp"

namespace linvariance {

// Mini-batches: in each epoch the rows of the augmented data in a given order, `size` at a time.
struct Batches {
    const std::int32_t* order;  // (epochs, rows), or null: the full batch
    Index size;
};

// Updates `weights` in place and records as `descend` on moments does: the end-to-end W of a linear network, the first
// layer of another. Returns the first epoch whose loss was not finite, at which it stops, or -1.
template <class T, class Rule>
Index descend(SampleObjective<T>& objective, const Batches& batches, Rule& rule, Index epochs, T* weights,
              Recorder& recorder, const std::atomic<bool>& stop) {
    objective.heed(stop);
    const auto& widths = objective.widths();
    const bool linear = objective.activation() == Activation::identity;
    const Chain chain(linear ? widths : std::vector<Index>{widths[0], widths[1]});
    Vector<T> slope(objective.parameters()), inner(chain.inner_size());
    Parameters<T> parameters(weights, slope.size()), slopes(slope.data(), slope.size());
    const auto record = [&](double loss) {
        const Field<T> value{weights, inner.data()};
        product(chain, value);
        recorder.record(chain.at(value, chain.root()), {weights, slope.size()}, loss);
    };
    for (Index epoch = 0; !stop.load(std::memory_order_relaxed); ++epoch) {
        const bool last = epoch == epochs, due = recorder.is_due(epoch), full = batches.order == nullptr;
        double loss = 0.0;
        if (full && !last) loss = objective.gradient(weights, slope.data());
        if (last || (!full && due)) loss = objective.value(weights);
        if (due) record(loss);
        if (!std::isfinite(loss)) return epoch;
        if (last) break;
        if (full) {
            rule.step(parameters, slopes);
            continue;
        }
        for (Index start = 0; start < objective.rows() && !stop.load(std::memory_order_relaxed);
             start += batches.size) {
            const Index count = std::min(batches.size, objective.rows() - start);
            const auto* rows = batches.order + epoch * objective.rows() + start;
            if (!std::isfinite(objective.gradient(weights, rows, count, slope.data()))) return epoch;
            rule.step(parameters, slopes);
        }
    }
    return -1;
}

}  // namespace linvariance
