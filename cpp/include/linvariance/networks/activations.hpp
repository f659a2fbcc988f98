// Activations of hidden layers, entry by entry: value, slope and curvature.
#pragma once

#include <cmath>

#include "linvariance/matrix.hpp"

namespace linvariance {

enum class Activation { identity, relu, leaky_relu, swish, tanh };

inline constexpr double leaky_slope = 0.01;  // PyTorch's default

// 1/(1 + exp(-a)), from exp(-|a|): nothing overflows.
template <class T>
T logistic(T a) {
    const T e = std::exp(-std::abs(a));
    return (a >= T(0) ? T(1) : e) / (T(1) + e);
}

// a <- φ(a), slope <- φ'(a). At a kink the slope is that from the left, as in PyTorch.
template <class T, class Derived, class Other>
void activate(Activation kind, Eigen::MatrixBase<Derived>& a, Eigen::MatrixBase<Other>& slope) {
    switch (kind) {
        case Activation::identity:
            slope.setOnes();
            return;
        case Activation::relu:
            slope = (a.array() > T(0)).template cast<T>();
            a = (a.array() < T(0)).select(T(0), a);  // not a maximum, which may take NaN for 0
            return;
        case Activation::leaky_relu: {
            const T low = static_cast<T>(leaky_slope);
            slope = low + (T(1) - low) * (a.array() > T(0)).template cast<T>();
            a.array() *= slope.array();
            return;
        }
        case Activation::swish:
            slope = (T(1) + (-a.array()).exp()).inverse();  // exp may be inf: the slope is then 0, as it should be
            a.array() *= slope.array();
            slope.array() += a.array() * (T(1) - slope.array());
            return;
        case Activation::tanh:
            a = a.array().tanh();
            slope = T(1) - a.array().square();
            return;
    }
}

// φ''(a)
template <class T>
T curvature(Activation kind, T a) {
    if (kind == Activation::swish) {
        const T s = logistic(a);
        return s * (T(1) - s) * (T(2) + a * (T(1) - T(2) * s));
    }
    if (kind == Activation::tanh) {
        const T t = std::tanh(a);
        return T(-2) * t * (T(1) - t * t);
    }
    return T(0);
}

}  // namespace linvariance
