// Activations of hidden layers, entry by entry: value, slope and curvature. The functions are the kernels'.
#pragma once

#include "linvariance/matrix.hpp"

namespace linvariance {

enum class Activation { identity, relu, leaky_relu, swish, tanh, gelu };

inline constexpr double leaky_slope = 0.01;  // PyTorch's default

// Calls with(a, b, size) for all entries of two matrices at once or, if these have gaps, row by row.
template <class A, class B, class Function>
void for_each_stretch(A& a, B& b, Function&& with) {
    const bool whole = a.outerStride() == a.cols() && b.outerStride() == b.cols();
    const Index size = whole ? a.size() : a.cols();
    for (Index i = 0; i < (whole ? 1 : a.rows()); ++i)
        with(a.data() + i * a.outerStride(), b.data() + i * b.outerStride(), size);
}

// a <- φ(a), slope <- φ'(a). At a kink the slope is that from the left, as in PyTorch.
template <class T>
void activate(Activation kind, Part<T> a, Part<T> slope) {
    if (kind == Activation::identity) {
        slope.setOnes();
        return;
    }
    const Kernels<T>& kernel = kernels<T>();
    for_each_stretch(a, slope, [&](T* values, T* slopes, Index size) {
        if (kind == Activation::relu) kernel.relu(size, values, slopes);
        if (kind == Activation::leaky_relu) kernel.leaky_relu(size, static_cast<T>(leaky_slope), values, slopes);
        if (kind == Activation::swish) kernel.swish(size, values, slopes);
        if (kind == Activation::tanh) kernel.tanh(size, values, slopes);
        if (kind == Activation::gelu) kernel.gelu(size, values, slopes);
    });
}

// out <- φ''(a)
template <class T>
void curvature(Activation kind, const ConstPart<T>& a, Part<T> out) {
    const Kernels<T>& kernel = kernels<T>();
    const auto of = kind == Activation::swish  ? kernel.swish_curvature
                    : kind == Activation::tanh ? kernel.tanh_curvature
                    : kind == Activation::gelu ? kernel.gelu_curvature
                                               : nullptr;
    if (of == nullptr) {
        out.setZero();
        return;
    }
    for_each_stretch(a, out, [of](const T* from, T* to, Index size) { of(size, from, to); });
}

}  // namespace linvariance
