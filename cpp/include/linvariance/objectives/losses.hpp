// Losses of outputs O against targets T (outputs x samples), summed over samples: value, gradient, curvature.
#pragma once

#include "linvariance/matrix.hpp"

namespace linvariance {

enum class Loss { squared, cross_entropy };

// Returns Σ‖o - t‖², or Σ_k t_k (log Σ_l exp o_l - o_k) with targets that sum to 1; O becomes its gradient.
template <class T>
double loss_gradient(Loss kind, const ConstPart<T>& targets, Part<T> O, Vector<T>& work) {
    const Kernels<T>& kernel = kernels<T>();
    const Index rows = O.rows(), columns = O.cols(), t_row = targets.outerStride(), o_row = O.outerStride();
    if (kind == Loss::squared) return kernel.squared(rows, columns, targets.data(), t_row, O.data(), o_row);
    kernel.cross_entropy(rows, columns, targets.data(), t_row, O.data(), o_row, work.data());
    return work.head(columns).template cast<double>().sum();
}

// dot <- the derivative of the gradient along dot, given the gradient that loss_gradient left: 2 dot, or
// p ∘ (dot - p·dot) with the probabilities p = gradient + targets.
template <class T>
void loss_curvature(Loss kind, const ConstPart<T>& targets, const ConstPart<T>& gradient, Part<T> dot,
                    Vector<T>& work) {
    if (kind == Loss::squared) {
        dot *= T(2);
        return;
    }
    auto mean = work.head(dot.cols()).transpose();
    mean = (gradient + targets).cwiseProduct(dot).colwise().sum();
    dot.rowwise() -= mean;
    dot.array() *= (gradient + targets).array();
}

}  // namespace linvariance
