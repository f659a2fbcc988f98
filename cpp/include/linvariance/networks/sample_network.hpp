// A network on a block of samples, forward and back: x -> W_L φ(... φ(W_1 x + b_1)) + b_L, with biases b_j or without.
//
// A matrix here is features x samples. The group acts on the first layer, so a block of data serves all elements at
// once. Either the loss is averaged over them (augmentation), or the first hidden layer is (pooled: the
// group-convolutional network).
#pragma once

#include <optional>
#include <vector>

#include "linvariance/networks/activations.hpp"
#include "linvariance/networks/first_layer.hpp"
#include "linvariance/objectives/losses.hpp"

namespace linvariance {

template <class T>
struct SampleProblem {
    ConstView<T> X;        // (n, d_0), in the coordinates of `fourier` if there is one
    ConstView<T> targets;  // (d_L, n)
    Elements<T> elements;
    bool pooled;
    Loss loss;
    std::optional<Fourier<T>> fourier = {};

    FirstLayer<T> first_layer(Index units) const { return {elements, fourier ? &*fourier : nullptr, units, X.cols()}; }
};

// A network but for its weights, which lie one after another: W_1, ..., W_L row-major, then b_1, ..., b_L if `biased`.
struct Architecture {
    std::vector<Index> widths;  // d_0, ..., d_L
    Activation activation;
    bool biased = false;
};

template <class T>
class SampleNetwork {
  public:
    static constexpr Index block = 96;  // samples at once: with their data they stay in the cache

    // The first layer is shared, and has its weights set before a pass over the data.
    SampleNetwork(const Architecture& shape, const FirstLayer<T>& first_layer, bool pooled)
        : widths_(shape.widths),
          activation_(shape.activation),
          biased_(shape.biased),
          first_layer_(&first_layer),
          elements_(first_layer.elements()),
          pooled_(pooled),
          layers_(widths_.size()),
          work_(block),
          scratch_(first_layer.scratch(block)) {
        Index offset = 0;
        for (std::size_t j = 1; j < widths_.size(); ++j) {
            const Index rows = j == 1 ? elements_ * widths_[1] : widths_[j];
            for (auto* one : {&layers_[j].value, &layers_[j].slope, &layers_[j].adjoint, &layers_[j].raw})
                one->resize(rows * block);
            layers_[j].slope.setOnes();  // and so it stays for the last one, which has no activation
            layers_[j].offset = offset;
            offset += widths_[j] * widths_[j - 1];
        }
        for (std::size_t j = 1; biased_ && j < widths_.size(); ++j) {
            layers_[j].bias = offset;
            offset += widths_[j];
        }
        ones_.setOnes(biased_ ? block : 0);
        parameters_ = offset;
        mean_.resize(pooled_ ? widths_[1] * block : 0);
    }

    const std::vector<Index>& widths() const { return widths_; }
    Index parameters() const { return parameters_; }
    Index elements() const { return elements_; }
    Index branches() const { return pooled_ ? 1 : elements_; }  // terms of the loss a sample has
    std::size_t depth() const { return widths_.size() - 1; }
    Activation activation() const { return activation_; }
    bool pooled() const { return pooled_; }

    void set_weights(const T* weights) { weights_ = weights; }

    // The first layer on a block X (c, d_0), for all elements.
    template <class Derived>
    void enter(const Eigen::MatrixBase<Derived>& X) {
        columns_ = X.rows();
        first_layer_->enter(columns_, strided(X), all(layers_[1].value), scratch_);
        add_bias(weights_, 1, all(layers_[1].value));
    }

    // Its activation, and the mean over the elements if pooled.
    void activate_first() {
        auto H = all(layers_[1].value), slope = all(layers_[1].slope);
        if (depth() > 1) activate<T>(activation_, H, slope);
        if (!pooled_) return;
        auto mean = view(mean_, widths_[1]);
        mean.setZero();
        for (Index g = 0; g < elements_; ++g) mean += first(layers_[1].value, g);
        mean /= static_cast<T>(elements_);
    }

    // The later layers of one branch up to the loss, whose gradient is left in the last layer's adjoint.
    template <class Derived>
    double finish(Index branch, Loss loss, const Eigen::MatrixBase<Derived>& targets) {
        for (std::size_t j = 2; j <= depth(); ++j) {
            auto A = value(j, branch);
            set_ab<T>(layer(weights_, j), value(j - 1, branch), A);
            add_bias(weights_, j, A);
            if (j == depth()) break;
            auto slope = view(layers_[j].slope, widths_[j]);
            activate<T>(activation_, A, slope);
        }
        auto out = raw(depth());
        out = value(depth(), branch);
        return loss_gradient<T>(loss, targets, out, work_);
    }

    // From that gradient those of the later layers' weights, added to `out`, and dLoss/dA_1 of this branch.
    void go_back(Index branch, T* out) {
        for (std::size_t j = depth(); j >= 1; --j) {
            if (j == 1) return into_first(branch, raw(1));
            auto adjoint = view(layers_[j].adjoint, widths_[j]), below = raw(j - 1);
            auto slope = layer(out, j);
            kernels<T>().times(adjoint.size(), raw(j).data(), layers_[j].slope.data(), adjoint.data());
            add_abt<T>(adjoint, value(j - 1, branch), slope);
            add_bias_gradient(adjoint, j, out);
            set_atb<T>(layer(weights_, j), adjoint, below);
        }
    }

    // Adds dLoss/dA_1 X to the gradient of the first layer's stack, which lies behind those of the weights.
    template <class Derived>
    void add_first_gradient(const Eigen::MatrixBase<Derived>& X, T* out) {
        add_bias_gradient(all(layers_[1].adjoint), 1, out);
        first_layer_->add_gradient(columns_, strided(X), all(layers_[1].adjoint), out + parameters_, scratch_);
    }

  protected:
    struct Layer {
        Vector<T> value, slope, adjoint, raw;  // H, φ'(A), dLoss/dA, dLoss/dH; the first one's of all elements
        Index offset = 0, bias = 0;            // where its weights and its bias begin
    };

    View<T> view(Vector<T>& buffer, Index rows) { return {buffer.data(), rows, columns_}; }
    View<T> all(Vector<T>& buffer) { return view(buffer, elements_ * widths_[1]); }
    View<T> first(Vector<T>& buffer, Index g) {
        return {buffer.data() + g * widths_[1] * columns_, widths_[1], columns_};
    }
    View<T> layer(T* flat, std::size_t j) const { return {flat + layers_[j].offset, widths_[j], widths_[j - 1]}; }
    ConstView<T> layer(const T* flat, std::size_t j) const {
        return {flat + layers_[j].offset, widths_[j], widths_[j - 1]};
    }

    // A += b_j 1ᵀ, of the first layer under each element.
    void add_bias(const T* flat, std::size_t j, View<T> A) const {
        if (!biased_) return;
        const Eigen::Map<const Vector<T>> b(flat + layers_[j].bias, widths_[j]);
        for (Index row = 0; row < A.rows(); row += b.size()) A.middleRows(row, b.size()).colwise() += b;
    }
    // The gradient of b_j += dLoss/dA_j 1.
    void add_bias_gradient(View<T> adjoint, std::size_t j, T* flat) const {
        if (!biased_) return;
        const ConstView<T> ones(ones_.data(), 1, columns_);
        View<T> out(flat + layers_[j].bias, widths_[j], 1);
        for (Index row = 0; row < adjoint.rows(); row += out.rows())
            add_abt<T>(adjoint.middleRows(row, out.rows()), ones, out);
    }

    // What layer j hands on in a branch.
    View<T> value(std::size_t j, Index branch) {
        if (j > 1) return view(layers_[j].value, widths_[j]);
        return pooled_ ? view(mean_, widths_[1]) : first(layers_[1].value, branch);
    }
    View<T> raw(std::size_t j) { return view(layers_[j].raw, widths_[j]); }

    // dLoss/dA_1 from dLoss/dH of a branch: of one element, or of all that were pooled.
    void into_first(Index branch, const View<T>& from) {
        if (!pooled_) {
            auto to = first(layers_[1].adjoint, branch);
            return kernels<T>().times(to.size(), from.data(), first(layers_[1].slope, branch).data(), to.data());
        }
        const T share = T(1) / static_cast<T>(elements_);
        for (Index g = 0; g < elements_; ++g)
            first(layers_[1].adjoint, g) = share * from.cwiseProduct(first(layers_[1].slope, g));
    }

    std::vector<Index> widths_;
    Activation activation_;
    bool biased_;
    const FirstLayer<T>* first_layer_;
    Index elements_;
    bool pooled_;
    std::vector<Layer> layers_;  // from 1 on
    Vector<T> mean_, work_, scratch_, ones_;
    Index parameters_ = 0, columns_ = 0;
    const T* weights_ = nullptr;
};

}  // namespace linvariance
