// Descent on samples, full batch or mini-batches: the whole training loop of one run, without allocation per step.
#pragma once

#include "linvariance/objectives/sample_objective.hpp"
#include "linvariance/training/optimizers.hpp"
#include "linvariance/training/recorder.hpp"

namespace linvariance {

// Mini-batches: in each epoch the rows of the augmented data in a given order, `size` at a time.
struct Batches {
    const std::int32_t* order;  // (epochs of the stretch, rows), or null: the full batch
    Index size;
};

// Updates `state` in place and records as `descend` on moments does: the end-to-end W of a linear network, the first
// layer of another. A run stops where its loss is no longer finite.
template <class T, class Rule>
void descend(SampleObjective<T>& objective, const Batches& batches, const Rule& rule, const Stretch& stretch,
             RunState<T>& state, Recorder& recorder, const std::atomic<bool>& stop) {
    objective.heed(stop);
    const auto& widths = objective.widths();
    const bool linear = objective.activation() == Activation::identity, full = batches.order == nullptr;
    const Chain chain(linear ? widths : std::vector<Index>{widths[0], widths[1]});
    Vector<T> slope(objective.parameters()), inner(chain.inner_size());
    T* const weights = state.layers.data();
    const Parameters<T> slopes(slope.data(), slope.size());
    const auto record = [&](double loss) {
        const Field<T> value{weights, inner.data()};
        product(chain, value);
        recorder.record(chain.at(value, chain.root()), {weights, slope.size()}, loss);
    };
    const auto diverge = [&](Index epoch) {
        state.stopped = epoch;
        state.diverged = true;
    };
    for (Index epoch = stretch.begin; !stop.load(std::memory_order_relaxed); ++epoch) {
        const bool last = epoch == stretch.end, due = stretch.is_due(epoch), scheduled = stretch.is_scheduled(epoch);
        const bool asked = stretch.until.asks() && scheduled, asks = asked && stretch.until.asks_for_gradient();
        double loss = 0.0;
        if ((full && !last) || asks) {
            loss = objective.gradient(weights, slope.data());
        } else if (due) {
            loss = objective.value(weights);
        }
        if (due) record(loss);
        // Not at an end that no longer run would look at.
        if (!std::isfinite(loss) && (full || scheduled)) return diverge(epoch);
        if (asked && recorder.reached(stretch.until, static_cast<double>(slope.norm()))) state.stopped = epoch;
        if (last || state.stopped >= 0) break;
        if (full) {
            rule.step(state, slopes, stretch.rate(epoch));
            continue;
        }
        for (Index start = 0; start < objective.rows() && !stop.load(std::memory_order_relaxed);
             start += batches.size) {
            const Index count = std::min(batches.size, objective.rows() - start);
            const auto* rows = batches.order + (epoch - stretch.begin) * objective.rows() + start;
            if (!std::isfinite(objective.gradient(weights, rows, count, slope.data()))) return diverge(epoch);
            rule.step(state, slopes, stretch.rate(epoch));
        }
    }
}

}  // namespace linvariance
