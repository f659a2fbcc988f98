// A stretch of a run: which epochs, at which learning rates, and what ends it before.
#pragma once

#include <cmath>

#include "linvariance/matrix.hpp"

namespace linvariance {

// A run stops at a recorded epoch in which one of these holds; NaN where there is no such rule.
struct Until {
    double loss, gradient_norm, relative_change;

    bool asks() const { return !std::isnan(loss) || asks_for_gradient() || !std::isnan(relative_change); }
    bool asks_for_gradient() const { return !std::isnan(gradient_norm); }
    bool holds(double value, double before, double gradient) const {
        return value <= loss || gradient <= gradient_norm ||
               std::abs(value - before) <= relative_change * std::abs(before);
    }
};

// From the state after `begin` updates to that after `end`. Epochs that are multiples of `every` are recorded before
// their update, and the end; the beginning only of a run, since what led there recorded it.
struct Stretch {
    Index begin, end, every;
    const double* rates;  // learning rates, one for all epochs or one for each
    bool constant;
    Until until;

    double rate(Index epoch) const { return rates[constant ? 0 : epoch - begin]; }
    bool is_scheduled(Index epoch) const { return epoch % every == 0 && (epoch > begin || epoch == 0); }
    bool is_due(Index epoch) const { return is_scheduled(epoch) || epoch == end; }
    // How many epochs are due.
    Index times() const { return end / every - begin / every + (begin == 0) + (end % every != 0); }
};

}  // namespace linvariance
