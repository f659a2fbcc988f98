// First-order update rules on a flat buffer of parameters, exactly as PyTorch defines them.
#pragma once

#include <cmath>
#include <cstdint>

#include "linvariance/matrix.hpp"

namespace linvariance {

template <class T>
using Parameters = Eigen::Map<Eigen::Array<T, Eigen::Dynamic, 1>>;

// Where a run stands: all that its next step depends on.
template <class T>
struct RunState {
    Vector<T> layers;        // W_1, ..., W_L joined
    Matrix<T> means;         // of the rule, (Rule::means, parameters), zero at first
    std::int64_t steps = 0;  // that the rule has made
    bool turned = false;     // whether W_1 and its means are in the eigenbasis of S
    Index stopped = -1;      // the epoch in which it stopped for good, by a rule or
    bool diverged = false;   // because its loss was no longer finite

    Parameters<T> parameters() { return {layers.data(), layers.size()}; }
    Parameters<T> mean(Index k) { return {means.row(k).data(), means.cols()}; }
};

struct GradientDescentSettings {
    double momentum, weight_decay;
    bool nesterov;
};

// decoupled: the weights shrink by lr weight_decay of themselves, apart from the gradient and its mean squares (AdamW).
struct AdamSettings {
    double beta1, beta2, eps, weight_decay;
    bool decoupled;
};

struct RMSpropSettings {
    double alpha, eps, weight_decay, momentum;
    bool centered;
};

// g <- g + weight_decay w
template <class T>
void add_decay(double weight_decay, const Parameters<T>& weights, Parameters<T>& gradient) {
    if (weight_decay != 0.0) gradient += static_cast<T>(weight_decay) * weights;
}

// g <- g + weight_decay w;  b <- momentum b + g (b <- g at the first step);  w <- w - lr b, or with Nesterov's
// momentum w <- w - lr (g + momentum b)
template <class T>
class GradientDescent {
  public:
    using Settings = GradientDescentSettings;
    static constexpr Index means = 1;

    explicit GradientDescent(const Settings& settings) : settings_(settings) {}

    // The gradient is left with the decay added.
    void step(RunState<T>& state, Parameters<T> gradient, double lr) const {
        ++state.steps;
        Parameters<T> weights = state.parameters(), velocity = state.mean(0);
        const T rate = static_cast<T>(lr), momentum = static_cast<T>(settings_.momentum);
        add_decay(settings_.weight_decay, weights, gradient);
        if (settings_.momentum == 0.0) {
            kernels<T>().move(weights.size(), rate, gradient.data(), weights.data());
        } else if (settings_.nesterov) {
            velocity = momentum * velocity + gradient;
            weights -= rate * (gradient + momentum * velocity);
        } else {
            kernels<T>().momentum(weights.size(), rate, momentum, gradient.data(), weights.data(), velocity.data());
        }
    }

  private:
    Settings settings_;
};

// g <- g + weight_decay w or, decoupled, w <- (1 - lr weight_decay) w;
// m <- m + (1 - b1)(g - m);  v <- b2 v + (1 - b2) g²;  w <- w - lr/(1 - b1^t) m / (sqrt(v)/sqrt(1 - b2^t) + eps)
template <class T>
class Adam {
  public:
    using Settings = AdamSettings;
    static constexpr Index means = 2;

    explicit Adam(const Settings& settings) : settings_(settings) {}

    // The gradient is left with the decay added.
    void step(RunState<T>& state, Parameters<T> gradient, double lr) const {
        ++state.steps;
        Parameters<T> weights = state.parameters();
        if (settings_.decoupled) {
            weights *= static_cast<T>(1.0 - lr * settings_.weight_decay);
        } else {
            add_decay(settings_.weight_decay, weights, gradient);
        }
        // In double: 1 - beta2 = 0.001 would lose four digits in float.
        const auto rate = static_cast<T>(lr / (1.0 - power(settings_.beta1, state.steps)));
        const auto root = static_cast<T>(1.0 / std::sqrt(1.0 - power(settings_.beta2, state.steps)));
        const AdamStep<T> step{rate,
                               root,
                               static_cast<T>(settings_.eps),
                               static_cast<T>(1.0 - settings_.beta1),
                               static_cast<T>(settings_.beta2),
                               static_cast<T>(1.0 - settings_.beta2)};
        kernels<T>().adam(weights.size(), step, gradient.data(), weights.data(), state.mean(0).data(),
                          state.mean(1).data());
    }

  private:
    // beta^t, or 0 where 1 - beta^t is 1: on its way to the smallest numbers pow takes its time.
    static double power(double beta, std::int64_t t) {
        return static_cast<double>(t) * (1.0 - beta) > 60.0 ? 0.0 : std::pow(beta, static_cast<double>(t));
    }

    Settings settings_;
};

// g <- g + weight_decay w;  v <- alpha v + (1 - alpha) g²;  centered: m <- m + (1 - alpha)(g - m), v - m² in place of
// v; b <- momentum b + g / (sqrt(v) + eps);  w <- w - lr b
template <class T>
class RMSprop {
  public:
    using Settings = RMSpropSettings;
    static constexpr Index means = 3;

    explicit RMSprop(const Settings& settings) : settings_(settings) {}

    // The gradient is left with the decay added.
    void step(RunState<T>& state, Parameters<T> gradient, double lr) const {
        ++state.steps;
        Parameters<T> weights = state.parameters(), square = state.mean(0), mean = state.mean(1), step = state.mean(2);
        const T alpha = static_cast<T>(settings_.alpha), rest = static_cast<T>(1.0 - settings_.alpha);
        const T eps = static_cast<T>(settings_.eps), momentum = static_cast<T>(settings_.momentum);
        add_decay(settings_.weight_decay, weights, gradient);
        square = alpha * square + rest * gradient * gradient;
        if (settings_.centered) {
            mean += rest * (gradient - mean);
            step = momentum * step + gradient / ((square - mean * mean).max(T(0)).sqrt() + eps);
        } else {
            step = momentum * step + gradient / (square.sqrt() + eps);
        }
        weights -= static_cast<T>(lr) * step;
    }

  private:
    Settings settings_;
};

}  // namespace linvariance
