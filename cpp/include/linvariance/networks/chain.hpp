// The chain W = W_L ... W_1 of a deep linear network: product, pull-back to every layer, and their tangents.
//
// The product is multiplied along the binary tree that costs least (matrix-chain order). The adjoint of a node
// n = left * right is (adjoint_n rightᵀ, leftᵀ adjoint_n), so the same tree is the cheapest order of the pull-back too.
#pragma once

#include <limits>
#include <vector>

#include "linvariance/matrix.hpp"

namespace linvariance {

// One matrix for every node of the tree: those of the layers lie one after another in `layers` (row-major, W_1 first),
// those of the inner nodes in `inner`. A field holds values, or their tangents, or their adjoints.
template <class T>
struct Field {
    T* layers;
    T* inner;
};

class Chain {
  public:
    struct Node {
        Index rows, cols;   // (d_k, d_i) for the product W_k ... W_{i+1}
        Index left, right;  // its two factors, -1 for a layer
        Index offset;       // into Field::layers for a layer, else into Field::inner

        bool is_layer() const { return left < 0; }
    };

    // widths: d_0, ..., d_L with L >= 1
    explicit Chain(std::vector<Index> widths) : widths_(std::move(widths)) {
        const Index depth = static_cast<Index>(widths_.size()) - 1;
        const std::vector<Index> cuts = cheapest_cuts();
        add_node(0, depth, cuts);
        for (Index n = root(); n >= 0; n = nodes_[index(n)].right) spine_.push_back(n);
    }

    const std::vector<Index>& widths() const { return widths_; }
    const std::vector<Node>& nodes() const { return nodes_; }   // factors before their product
    const std::vector<Index>& spine() const { return spine_; }  // root, its right factor, the right factor of that, ...
    Index root() const { return static_cast<Index>(nodes_.size()) - 1; }
    const Node& node(Index n) const { return nodes_[index(n)]; }
    Index inputs() const { return widths_.front(); }
    Index outputs() const { return widths_.back(); }
    Index parameters() const { return parameters_; }  // entries of all layers
    Index inner_size() const { return inner_size_; }  // entries of all inner nodes

    // The matrix of node n; with `copies` > 1 that many of them, stacked.
    template <class T>
    View<T> at(const Field<T>& field, Index n, Index copies = 1) const {
        const Node& it = node(n);
        return {(it.is_layer() ? field.layers : field.inner) + copies * it.offset, copies * it.rows, it.cols};
    }

  private:
    static std::size_t index(Index n) { return static_cast<std::size_t>(n); }

    // cuts[i * (L + 1) + k]: where W_k ... W_{i+1} is split so that forming it takes the fewest multiplications
    std::vector<Index> cheapest_cuts() const {
        const std::size_t points = widths_.size();
        std::vector<double> cost(points * points, 0.0);
        std::vector<Index> cut(points * points, 0);
        for (std::size_t length = 2; length < points; ++length) {
            for (std::size_t i = 0; i + length < points; ++i) {
                const std::size_t k = i + length;
                cost[i * points + k] = std::numeric_limits<double>::infinity();
                for (std::size_t c = i + 1; c < k; ++c) {
                    const double here = cost[i * points + c] + cost[c * points + k] +
                                        static_cast<double>(widths_[k]) * static_cast<double>(widths_[c]) *
                                            static_cast<double>(widths_[i]);
                    if (here < cost[i * points + k]) {
                        cost[i * points + k] = here;
                        cut[i * points + k] = static_cast<Index>(c);
                    }
                }
            }
        }
        return cut;
    }

    Index add_node(Index i, Index k, const std::vector<Index>& cuts) {
        Node node{widths_[index(k)], widths_[index(i)], -1, -1, 0};
        if (k == i + 1) {
            node.offset = parameters_;
            parameters_ += node.rows * node.cols;
        } else {
            const Index c = cuts[index(i) * widths_.size() + index(k)];
            node.right = add_node(i, c, cuts);  // first, so that W_1 comes first among the layers
            node.left = add_node(c, k, cuts);
            node.offset = inner_size_;
            inner_size_ += node.rows * node.cols;
        }
        nodes_.push_back(node);
        return root();
    }

    std::vector<Index> widths_;
    std::vector<Node> nodes_;
    std::vector<Index> spine_;
    Index parameters_ = 0;
    Index inner_size_ = 0;
};

// Every product of the tree, but for its root if that is not needed; chain.at(value, chain.root()) is W (d_L, d_0).
template <class T>
void product(const Chain& chain, const Field<T>& value, bool with_root = true) {
    for (Index n = 0; n <= chain.root() - !with_root; ++n) {
        const auto& node = chain.node(n);
        if (node.is_layer()) continue;
        auto out = chain.at(value, n);
        set_product(chain.at(value, node.left), chain.at(value, node.right), out);
    }
}

// From the adjoint of the root, D = dLoss/dW (d_L, d_0), those of the layers: G_j = (W_L..W_{j+1})ᵀ D (W_{j-1}..W_1)ᵀ.
template <class T>
void product_pullback(const Chain& chain, const Field<T>& value, const Field<T>& adjoint) {
    for (Index n = chain.root(); n >= 0; --n) {
        const auto& node = chain.node(n);
        if (node.is_layer()) continue;
        const auto out = chain.at(adjoint, n);
        auto left = chain.at(adjoint, node.left);
        auto right = chain.at(adjoint, node.right);
        set_product(out, chain.at(value, node.right).transpose(), left);
        set_product(chain.at(value, node.left).transpose(), out, right);
    }
}

// Tangents of every product in `copies` directions at once, but for the root's if that is not needed:
// Ẇ = sum_j W_L..V_j..W_1, the copies stacked.
template <class T>
void product_tangent(const Chain& chain, const Field<T>& value, const Field<T>& tangent, Index copies = 1,
                     bool with_root = true) {
    for (Index n = 0; n <= chain.root() - !with_root; ++n) {
        const auto& node = chain.node(n);
        if (node.is_layer()) continue;
        auto out = chain.at(tangent, n, copies);
        const auto left = chain.at(value, node.left);
        const auto right_dot = chain.at(tangent, node.right, copies);
        set_product(chain.at(tangent, node.left, copies), chain.at(value, node.right), out);
        for (Index k = 0; k < copies; ++k) {
            auto one = out.middleRows(k * node.rows, node.rows);
            add_product(left, right_dot.middleRows(k * left.cols(), left.cols()), one);
        }
    }
}

// Tangents of product_pullback: from the tangents of the root's adjoint those of the layers' adjoints.
template <class T>
void product_pullback_tangent(const Chain& chain, const Field<T>& value, const Field<T>& adjoint,
                              const Field<T>& tangent, const Field<T>& adjoint_tangent, Index copies = 1) {
    for (Index n = chain.root(); n >= 0; --n) {
        const auto& node = chain.node(n);
        if (node.is_layer()) continue;
        const auto left = chain.at(value, node.left), right = chain.at(value, node.right);
        const auto left_dot = chain.at(tangent, node.left, copies), right_dot = chain.at(tangent, node.right, copies);
        const auto out = chain.at(adjoint, n), out_dot = chain.at(adjoint_tangent, n, copies);
        auto to_left = chain.at(adjoint_tangent, node.left, copies);
        auto to_right = chain.at(adjoint_tangent, node.right, copies);
        set_product(out_dot, right.transpose(), to_left);
        to_right.setZero();
        for (Index k = 0; k < copies; ++k) {
            auto one_left = to_left.middleRows(k * left.rows(), left.rows());
            auto one_right = to_right.middleRows(k * right.rows(), right.rows());
            add_product(out, right_dot.middleRows(k * right.rows(), right.rows()).transpose(), one_left);
            add_product(left.transpose(), out_dot.middleRows(k * node.rows, node.rows), one_right);
            add_product(left_dot.middleRows(k * left.rows(), left.rows()).transpose(), out, one_right);
        }
    }
}

}  // namespace linvariance
