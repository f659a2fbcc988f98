// Full-batch descent on the moment objective: the whole training loop of one run, without allocation per step.
#pragma once

#include <atomic>

#include "linvariance/objectives/moment_objective.hpp"
#include "linvariance/training/optimizers.hpp"
#include "linvariance/training/recorder.hpp"

namespace linvariance {

// Updates `weights` in place. Epoch e is recorded before its update, epoch `epochs` after the last one; `stop` is
// looked at once an epoch.
template <class T, class Rule>
void descend(const Chain& chain, const MomentObjective<T>& objective, Rule& rule, Index epochs, T* weights,
             Recorder& recorder, const std::atomic<bool>& stop) {
    GradientWorkspace<T> work(chain, objective);
    Vector<T> slope(chain.parameters());
    const Field<T> value{weights, work.inner.data()};
    View<T> first(weights, chain.widths()[1], chain.inputs());
    Matrix<double> there = first.template cast<double>(), here = there;
    objective.S.enter(there, here);
    first = here.template cast<T>();
    for (Index epoch = 0; !stop.load(std::memory_order_relaxed); ++epoch) {
        const bool due = recorder.is_due(epoch);
        product(chain, value, due || work.moment_product.needs_root(objective.S));
        if (due) recorder.record(chain.at(value, chain.root()), {weights, slope.size()}, objective.S);
        if (epoch == epochs) break;
        gradient(chain, objective, weights, slope.data(), work);
        rule.step(Parameters<T>(weights, slope.size()), Parameters<T>(slope.data(), slope.size()));
    }
    here = first.template cast<double>();
    objective.S.leave(here, there);
    first = there.template cast<T>();
}

}  // namespace linvariance
