// First-order update rules on a flat buffer of parameters, exactly as PyTorch defines them.
#pragma once

#include <cmath>
#include <cstdint>

#include "linvariance/matrix.hpp"

namespace linvariance {

template <class T>
using Parameters = Eigen::Map<Eigen::Array<T, Eigen::Dynamic, 1>>;

struct GradientDescentSettings {
    double lr, momentum, weight_decay;
};

// decoupled: the weights shrink by lr weight_decay of themselves, apart from the gradient and its mean squares (AdamW).
struct AdamSettings {
    double lr, beta1, beta2, eps, weight_decay;
    bool decoupled;
};

// g <- g + weight_decay w
template <class T>
void add_decay(double weight_decay, const Parameters<T>& weights, Parameters<T>& gradient) {
    if (weight_decay != 0.0) gradient += static_cast<T>(weight_decay) * weights;
}

// g <- g + weight_decay w;  b <- momentum b + g (b <- g at the first step);  w <- w - lr b
template <class T>
class GradientDescent {
  public:
    using Settings = GradientDescentSettings;

    GradientDescent(const Settings& settings, Index size)
        : lr_(static_cast<T>(settings.lr)),
          momentum_(static_cast<T>(settings.momentum)),
          weight_decay_(settings.weight_decay),
          velocity_(Eigen::Array<T, Eigen::Dynamic, 1>::Zero(size)) {}

    // The gradient is left with the decay added.
    void step(Parameters<T> weights, Parameters<T> gradient) {
        add_decay(weight_decay_, weights, gradient);
        kernels<T>().momentum(weights.size(), lr_, momentum_, gradient.data(), weights.data(), velocity_.data());
    }

  private:
    T lr_, momentum_;
    double weight_decay_;
    Eigen::Array<T, Eigen::Dynamic, 1> velocity_;
};

// g <- g + weight_decay w or, decoupled, w <- (1 - lr weight_decay) w;
// m <- m + (1 - b1)(g - m);  v <- b2 v + (1 - b2) g²;  w <- w - lr/(1 - b1^t) m / (sqrt(v)/sqrt(1 - b2^t) + eps)
template <class T>
class Adam {
  public:
    using Settings = AdamSettings;

    Adam(const Settings& settings, Index size)
        : settings_(settings),
          mean_(Eigen::Array<T, Eigen::Dynamic, 1>::Zero(size)),
          square_(Eigen::Array<T, Eigen::Dynamic, 1>::Zero(size)) {}

    // The gradient is left with the decay added.
    void step(Parameters<T> weights, Parameters<T> gradient) {
        ++steps_;
        if (settings_.decoupled) {
            weights *= static_cast<T>(1.0 - settings_.lr * settings_.weight_decay);
        } else {
            add_decay(settings_.weight_decay, weights, gradient);
        }
        // In double: 1 - beta2 = 0.001 would lose four digits in float.
        const double t = static_cast<double>(steps_);
        const auto rate = static_cast<T>(settings_.lr / (1.0 - std::pow(settings_.beta1, t)));
        const auto root = static_cast<T>(1.0 / std::sqrt(1.0 - std::pow(settings_.beta2, t)));
        const AdamStep<T> step{rate,
                               root,
                               static_cast<T>(settings_.eps),
                               static_cast<T>(1.0 - settings_.beta1),
                               static_cast<T>(settings_.beta2),
                               static_cast<T>(1.0 - settings_.beta2)};
        kernels<T>().adam(weights.size(), step, gradient.data(), weights.data(), mean_.data(), square_.data());
    }

  private:
    Settings settings_;
    Eigen::Array<T, Eigen::Dynamic, 1> mean_, square_;
    std::int64_t steps_ = 0;
};

}  // namespace linvariance
