// Full-batch descent on the moment objective: the whole training loop of one run, without allocation per step.
#pragma once

#include <atomic>

#include "linvariance/objectives/moment_objective.hpp"
#include "linvariance/training/optimizers.hpp"
#include "linvariance/training/recorder.hpp"

namespace linvariance {

// Updates `state` in place; `stop` is looked at once an epoch. `network` gets the layers in the data's columns. The
// state stays in the eigenbasis of S where that is diagonal: there and back again would round.
template <class T, class Rule>
void descend(const Chain& chain, const MomentObjective<T>& objective, const Rule& rule, const Stretch& stretch,
             RunState<T>& state, Vector<T>& network, Recorder& recorder, const std::atomic<bool>& stop) {
    GradientWorkspace<T> work(chain, objective);
    Vector<T> slope(chain.parameters());
    T* const weights = state.layers.data();
    const Field<T> value{weights, work.inner.data()};
    Matrix<double> there(chain.widths()[1], chain.inputs()), here = there;
    // A first layer from the data's columns to those of S, or back.
    const auto turn = [&](T* layer, bool back) {
        View<T> first(layer, there.rows(), there.cols());
        there = first.template cast<double>();
        back ? objective.S.leave(there, here) : objective.S.enter(there, here);
        first = here.template cast<T>();
    };
    const auto turn_all = [&](bool back) {
        turn(weights, back);
        for (Index k = 0; k < state.means.rows(); ++k) turn(state.means.row(k).data(), back);
    };
    network.resize(chain.parameters());
    if (!state.turned) turn_all(false);
    state.turned = objective.S.is_diagonal();
    for (Index epoch = stretch.begin; !stop.load(std::memory_order_relaxed); ++epoch) {
        const bool due = stretch.is_due(epoch), last = epoch == stretch.end;
        const bool asked = stretch.until.asks() && stretch.is_scheduled(epoch);
        product(chain, value, due || work.moment_product.needs_root(objective.S));
        if (due) recorder.record(chain.at(value, chain.root()), {weights, slope.size()}, objective.S);
        if (last && !asked) break;
        gradient(chain, objective, weights, slope.data(), work);
        if (asked && recorder.reached(stretch.until, static_cast<double>(slope.norm()))) state.stopped = epoch;
        if (last || state.stopped >= 0) break;
        rule.step(state, Parameters<T>(slope.data(), slope.size()), stretch.rate(epoch));
    }
    network = state.layers;
    turn(network.data(), true);
    if (!state.turned) turn_all(true);
}

}  // namespace linvariance
